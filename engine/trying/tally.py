"""What many firings come to: effects per day, messages per person and day, and rules that want different things."""

from __future__ import annotations

import datetime as dt
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.effects import (
    Approve,
    Ask,
    CreateRecord,
    Effect,
    ForEach,
    Notify,
    Outside,
    Reassign,
    Refuse,
    SetValues,
    TakeTransition,
    UpdateMatching,
    Wait,
)
from engine.rules import Decision

SHOWN = 200  # firings shown one by one, the latest of them
PEOPLE = 2_000  # receivers counted by name; those beyond are counted together
OTHERS = "…"
EXAMPLES = 5
CONFLICTS = 200

RolesTo = Callable[[frozenset[str]], frozenset[int]]


def kind_of(effect: Effect) -> str:
    """One word or two for an effect, as counts are listed under."""
    if isinstance(effect, Outside):
        return effect.kind
    word = _WORDS.get(type(effect), "other")
    return f"{word} {effect.form}" if isinstance(effect, _ON_RECORDS) else word


_ON_RECORDS = SetValues | CreateRecord | UpdateMatching | TakeTransition | Reassign
_WORDS: Mapping[type[Effect], str] = {
    SetValues: "set", CreateRecord: "create", UpdateMatching: "update", TakeTransition: "take", Refuse: "refuse",
    Reassign: "reassign", Notify: "notify", Wait: "wait", ForEach: "for_each", Ask: "ask", Approve: "approve",
}  # fmt: skip


def receivers(effect: Effect, people: RolesTo) -> list[str]:
    """Whom it tells: ``user:<id>`` for people told in the application, an address for a mail; each once."""
    if isinstance(effect, Notify | Ask | Approve):
        return [f"user:{id}" for id in sorted(people(effect.roles) | effect.users)]
    if isinstance(effect, Outside) and effect.kind == "mail":
        return list(dict.fromkeys(_addresses(effect.data)))
    return []


def receivers_in_trace(effect: Mapping[str, Any], people: RolesTo) -> list[str]:
    """The same of an effect as the ledger keeps it."""
    roles = next((effect[word] for word in ("notify", "ask", "approve") if word in effect), None)
    if roles is not None:
        return [f"user:{id}" for id in sorted(people(frozenset(roles)) | set(effect.get("users", ())))]
    if "mail" in effect:
        return list(dict.fromkeys(_addresses(effect.get("data", {}))))
    return []


def kind_in_trace(effect: Mapping[str, Any]) -> str:
    for word in ("set", "create", "update"):
        if word in effect:
            return f"{word} {effect[word]}"
    for word in ("take", "reassign"):
        if word in effect:
            return f"{word} {effect.get('form')}"
    plain = next((word for word in ("refuse", "notify", "wait", "for_each", "ask", "approve") if word in effect), None)
    return plain or next((key for key in effect if key != "data"), "other")


def _addresses(data: Mapping[str, Any]) -> Iterable[str]:
    for name in ("to", "cc", "bcc"):
        given = data.get(name) or ()
        for one in (given,) if isinstance(given, str) else given:
            yield str(one.get("address") or "") if isinstance(one, Mapping) else str(one)


@dataclass
class Tally:
    """Counts that stay small however many firings there are. Days are those of the application's clock."""

    people: RolesTo
    fired: int = 0
    records: int = 0
    days: Counter[str] = field(default_factory=Counter)
    effects: Counter[str] = field(default_factory=Counter)
    effects_by_day: dict[str, Counter[str]] = field(default_factory=dict)
    told: dict[str, Counter[str]] = field(default_factory=dict)
    shown: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    _record: tuple[str, int] | None = None

    def note(self, day: dt.date, form: str, record_id: int | None) -> None:
        self.fired += 1
        self.days[day.isoformat()] += 1
        if record_id is not None and self._record != (form, record_id):
            self._record = form, record_id
            self.records += 1

    def effect(self, day: dt.date, kind: str, told: Iterable[str]) -> None:
        self.effects[kind] += 1
        self.effects_by_day.setdefault(day.isoformat(), Counter())[kind] += 1
        for who in told:
            known = who if who in self.told or len(self.told) < PEOPLE else OTHERS
            self.told.setdefault(known, Counter())[day.isoformat()] += 1

    def wants(self, event_id: int) -> bool:
        """Whether a firing of this event would be among those shown."""
        return len(self.shown) < SHOWN or event_id > self.shown[0][0]

    def show(self, event_id: int, entry: dict[str, Any]) -> None:
        heapq.heappush(self.shown, (event_id, entry)) if len(self.shown) < SHOWN else heapq.heapreplace(
            self.shown, (event_id, entry)
        )

    def json(self, names: Mapping[str, str]) -> dict[str, Any]:
        """``names``: receiver → what people call them."""
        busiest = sorted(self.told, key=lambda who: (-sum(self.told[who].values()), who))
        return {
            "fired": self.fired, "records": self.records, "days": dict(sorted(self.days.items())),
            "effects": dict(self.effects.most_common()),
            "effects_by_day": {day: dict(counts) for day, counts in sorted(self.effects_by_day.items())},
            "messages": [
                {"who": names.get(who, who), "total": sum(self.told[who].values()),
                 "most_a_day": max(self.told[who].values()), "days": dict(sorted(self.told[who].items()))}
                for who in busiest
            ],
            "shown": [entry for _id, entry in sorted(self.shown, key=lambda one: -one[0])],
        }  # fmt: skip


# --- rules against each other ----------------------------------------------------------------------------------------


@dataclass
class Conflicts:
    """What other rules wanted of the same records because of the same event."""

    found: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    def compare(self, mine: Decision, other: Decision, event_id: int, record_id: int) -> None:
        for kind, what in between(mine, other):
            key = other.rule.stable_id, kind, what
            if key not in self.found and len(self.found) >= CONFLICTS:
                continue
            entry = self.found.setdefault(
                key, {"rule": other.rule.name, "kind": kind, "what": what, "count": 0, "examples": []}
            )
            entry["count"] += 1
            if len(entry["examples"]) < EXAMPLES:
                entry["examples"].append({"event_id": event_id, "record_id": record_id})

    def json(self) -> list[dict[str, Any]]:
        return sorted(self.found.values(), key=lambda entry: -entry["count"])


def between(mine: Decision, other: Decision) -> list[tuple[str, str]]:
    """(``sets``, form.field), (``takes``, form: both transitions) or (``refuses``, transition) per conflict."""
    found = [("sets", f"{form}.{name}") for form, name in sorted(_both_set(_sets(mine), _sets(other)))]
    own, others = _takes(mine), _takes(other)
    found += [("takes", f"{key[0]}: {own[key]}, {others[key]}") for key in own.keys() & others.keys()]
    for refusing, taking in ((mine, others), (other, own)):
        if any(isinstance(effect, Refuse) for effect in refusing.effects):
            found += [("refuses", transition) for transition in taking.values()]
    return found


Place = tuple[str, int | None, str]  # form, record (None: any that matches), field


def _sets(decision: Decision) -> set[Place]:
    found: set[Place] = set()
    for effect in decision.effects:
        if isinstance(effect, SetValues):
            found.update((effect.form, effect.id, name) for name in effect.values)
        elif isinstance(effect, UpdateMatching):
            found.update((effect.form, None, name) for name in effect.values)
    return found


def _both_set(mine: set[Place], others: set[Place]) -> set[tuple[str, str]]:
    return {
        (form, name)
        for form, id, name in mine
        for other_form, other_id, other_name in others
        if (form, name) == (other_form, other_name) and (id is None or other_id is None or id == other_id)
    }


def _takes(decision: Decision) -> dict[tuple[str, int], str]:
    return {
        (effect.form, effect.id): effect.transition for effect in decision.effects if isinstance(effect, TakeTransition)
    }
