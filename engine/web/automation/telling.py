"""What a run saw, wanted and left behind, as people read it: labels for names, values as their fields show them.

What the reader may not read of a record is masked, a sensitive field for everybody; so is the text of what was sent,
for whoever is no administrator: nobody can tell there which field a word came from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.errors import Message, message
from engine.formats import MASK
from engine.language import Label, text_in
from engine.saying.words import Words
from engine.web.automation.access import may_read, sees_all
from engine.web.automation.wanted import end_of_path, way_of_path
from engine.web.automation.words import kind_text
from engine.web.context import actor, application, reader
from engine.web.seen import titles_of
from engine.web.timeline import ICONS, SENTENCES, Teller

Row = Mapping[str, Any]
Pair = tuple[str, str]
INSIDE = ("effect", "wait", "for_each")


@dataclass(frozen=True)
class Clause:
    """A part of a condition: whether it held, and what it read."""

    text: str
    holds: bool | None
    values: tuple[Pair, ...]


@dataclass(frozen=True)
class Wish:
    """An effect a run decided on. ``data``: as JSON text, for what leaves the process."""

    step: int | None
    title: str
    icon: str
    href: str = ""
    rows: tuple[Pair, ...] = ()
    data: str = ""


@dataclass(frozen=True)
class Made:
    """An event a run made."""

    id: int
    text: str
    icon: str
    title: str
    href: str


class Telling:
    """Values and records of one page; titles are read once, for all of them together."""

    def __init__(self, conn: sa.Connection, words: Words) -> None:
        self.conn = conn
        self.words = words
        self.titles: dict[str, dict[int, str]] = {}

    def know(self, wanted: Mapping[str, set[int]]) -> None:
        """Read the titles of records and people; those of records the reader may not see are left out."""
        forms = application().definition.forms
        real = {name: ids for name, ids in wanted.items() if name in forms or name.startswith("_")}
        for target, found in titles_of(self.conn, application(), actor(), real).items():
            self.titles.setdefault(target, {}).update(found)

    # --- records

    def record(self, form: str | None, id: int | None) -> tuple[str, str]:
        """(title, address); without an address where the reader may not see it."""
        if form is None or id is None:
            return "", ""
        title = self.titles.get(form, {}).get(id)
        label = self.words.form_label(form)
        known = application().definition.forms.get(form)
        if title is None or known is None or known.parent_form:
            return f"{label} #{id}", ""
        return f"{label} {title or f'#{id}'}", f"/{form}/{id}"

    def person(self, id: int | None) -> str:
        return self.titles.get("_user", {}).get(id or 0, "")

    # --- values

    def value(self, form: str, name: str, dumped: Any) -> str:
        known = self.words.form(form)
        field = known.fields.get(name) if known else None
        if field is None:
            return _plain(dumped)
        if field.sensitive or not may_read(form, name):
            return MASK
        if field.kind == "lines":
            return self.words.say(message("{count} lines", count=len(dumped or ())))
        return Teller(self.words.definition, known, may_read, self.titles, reader()).text(field, dumped)  # type: ignore[arg-type]

    def rows(self, form: str, values: Mapping[str, Any]) -> tuple[Pair, ...]:
        return tuple((self.words.field_label(form, name), self.value(form, name, dumped))
                     for name, dumped in values.items())  # fmt: skip

    # --- conditions

    def clauses(self, trace: Mapping[str, Any] | None, form: str | None, *, masked: bool = False) -> tuple[Clause, ...]:
        """``masked``: what is not for the reader's eyes was kept back already."""
        if masked:
            return tuple(self._clause(one, form) for one in (trace or {}).get("clauses", ()))
        return tuple(
            Clause(self.words.expression(one["text"], form), bool(one["holds"]),
                   tuple(self._read(path, value, form) for path, value in one.get("values", {}).items()))
            for one in (trace or {}).get("clauses", ())
        )  # fmt: skip

    def _clause(self, one: Mapping[str, Any], form: str | None) -> Clause:
        values = one.get("values", {}).items()
        return Clause(self.words.expression(one["text"], form), one["holds"],
                      tuple((self.words.expression(path, form), self._shown(path, value, form))
                            for path, value in values))  # fmt: skip

    def _shown(self, path: str, value: Any, form: str | None) -> str:
        """A value of a path that may be shown, or the mask that stands for it."""
        found = end_of_path(self.words, path, form)
        if value == MASK or found is None:
            return _plain(value)
        known = self.words.form(found[0])
        if known is None or found[1] not in known.fields:
            return self.words.state_label(found[0], str(value)) if found[1] == "state" else _plain(value)
        teller = Teller(self.words.definition, known, may_read, self.titles, reader())
        return teller.text(known.fields[found[1]], value) or "–"

    def _read(self, path: str, value: Any, form: str | None) -> Pair:
        label = self.words.expression(path, form)
        found = end_of_path(self.words, path, form)
        if found is None:
            return label, _plain(value) if sees_all() else MASK
        at, name = found
        known = self.words.form(at)
        if name == "state" and known is not None and name not in known.fields:
            return label, self.words.state_label(at, str(value)) if sees_all() or may_see(at) else MASK
        return label, (self.value(at, name, value) or "–") if self._way_is_open(path, form) else MASK

    def _way_is_open(self, path: str, form: str | None) -> bool:
        return sees_all() or all(may_read(at, name) for at, name in way_of_path(self.words, path, form))

    # --- effects

    def wishes(self, stretch: Mapping[str, Any], *, outside: bool) -> Iterator[Wish]:
        """``outside``: also what is kept as a message of its own."""
        for effect, step in zip(stretch.get("effects", ()), stretch.get("of", ()), strict=False):
            made = self.wish(effect, step)
            if made is not None and (outside or not made.data):
                yield made

    def wish(self, effect: Mapping[str, Any], step: int | None) -> Wish | None:
        for kind, maker in WISHES.items():
            if kind in effect:
                return maker(self, effect, step)
        return _outside(self, effect, step)

    def data(self, data: Any) -> str:
        """JSON as people read it; of what leaves the process only administrators see the words."""
        if not sees_all():
            return MASK
        return masked(json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True))

    # --- events

    def made(self, events: Sequence[Row]) -> tuple[Made, ...]:
        return tuple(self._made(event) for event in events)

    def _made(self, event: Row) -> Made:
        title, href = self.record(event["form"], event["record_id"])
        return Made(event["id"], self.event_text(event), ICONS.get(event["kind"], "pencil"), title,
                    f"{href}#event-{event['id']}" if href else "")  # fmt: skip

    def event_text(self, event: Row) -> str:
        """What the event says: ``Confirm: New → Confirmed``, ``changed the record``."""
        form = event["form"]
        if event["transition"]:
            said: Message = message(
                "{transition}: {before} → {after}", transition=self._transition(form, event["transition"]),
                before=self.words.state_label(form, event["from_state"] or ""),
                after=self.words.state_label(form, event["to_state"] or ""),
            )  # fmt: skip
        else:
            said = SENTENCES.get(event["kind"], SENTENCES["updated"])
        return self.words.say(said)

    def _transition(self, form: str, stable_id: str) -> str:
        known = self.words.form(form)
        steps = known.workflow.transitions.values() if known and known.workflow else ()
        return next((one.label.text(self.words.language) for one in steps if one.stable_id == stable_id), stable_id)


def masked(text: str | None) -> str:
    """Without the value of any secret this process has seen."""
    return application().secrets.mask(text or "")


def may_see(form: str) -> bool:
    return may_read(form, "state") if form in application().definition.forms else False


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- effects in words ------------------------------------------------------------------------------------------------


def _set(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    title, href = t.record(effect["set"], effect["id"])
    return Wish(step, t.words.say(message("Change {record}", record=title)), "pencil", href,
                t.rows(effect["set"], effect["values"]))  # fmt: skip


def _create(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    form = effect["create"]
    title = t.words.say(message("Create a {form}", form=t.words.form_label(form)))
    return Wish(step, title, "plus", "", t.rows(form, effect["values"]))


def _update(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    form = effect["update"]
    rows = [(t.words.say(message("Which")), t.words.expression(effect["where"], form))]
    rows += [(t.words.field_label(form, name), t.words.expression(str(source), form))
             for name, source in effect["values"].items()]  # fmt: skip
    title = t.words.say(message("Change all matching {forms}", forms=t.words.plural(form)))
    return Wish(step, title, "list-details", "", tuple(rows))


def _take(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    title, href = t.record(effect["form"], effect["id"])
    transition = t.words.transition_label(effect["form"], effect["take"])
    said = message("Take “{transition}” of {record}", transition=transition, record=title)
    reason = effect.get("reason")
    rows = ((t.words.say(message("Reason")), reason if sees_all() else MASK),) if reason else ()
    return Wish(step, t.words.say(said), "arrow-right", href, rows)


def _reassign(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    title, href = t.record(effect["form"], effect["id"])
    people = [name for id in effect.get("users", ()) if (name := t.person(id))]
    people += [t.words.role_label(effect["reassign"])] if effect["reassign"] else []
    said = message("Hand {record} over to {people}", record=title, people=t.words.listed(people) or "–")
    reason = effect.get("reason")
    rows = ((t.words.say(message("Reason")), reason if sees_all() else MASK),) if reason else ()
    return Wish(step, t.words.say(said), "user-plus", href, rows)


def _refuse(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    return Wish(step, t.words.say(message("Refuse the change")), "hand-stop", "", _texts(t, effect["refuse"]))


def _notify(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    people = [t.words.role_label(name) for name in effect["notify"]]
    people += [name for id in effect.get("users", ()) if (name := t.person(id))]
    title = t.words.say(message("Tell {people}", people=t.words.listed(people) or "–"))
    return Wish(step, title, "bell", "", _texts(t, effect.get("message", {})))


def _ask(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    people = [t.words.role_label(name) for name in effect["ask"]]
    people += [name for id in effect.get("users", ()) if (name := t.person(id))]
    title = t.words.say(message("Ask {people}", people=t.words.listed(people) or "–"))
    answers = " / ".join(Label(label).text(t.words.language) for label in effect.get("answers", {}).values())
    rows = (*_texts(t, effect.get("message", {})), (t.words.say(message("To choose from")), answers))
    return Wish(step, title, "help-circle", "", rows)


def _approve(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    title = t.words.say(message("Have “{approval}” approved", approval=Label(effect["label"])))
    steps = tuple(_approval_step(t, number, one) for number, one in enumerate(effect["steps"], 1))
    return Wish(step, title, "checks", "", (*_texts(t, effect.get("message", {})), *steps))


def _approval_step(t: Telling, number: int, step: Mapping[str, Any]) -> Pair:
    people = [t.words.role_label(name) for name in step["roles"]]
    people += [name for id in step["users"] if (name := t.person(id))]
    asked = t.words.say(message("skipped")) if step["skipped"] else t.words.listed(people) or "–"
    return f"{number} · {Label(step['label']).text(t.words.language)}", asked


def _texts(t: Telling, texts: Mapping[str, str]) -> tuple[Pair, ...]:
    said = text_in(texts, t.words.language)
    return ((t.words.say(message("Text")), said if sees_all() else MASK),) if said else ()


def _outside(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish | None:
    kind = next((name for name in effect if name not in ("data", "holds", "where")), "")
    if not kind or kind in INSIDE:
        return None
    title = " · ".join(part for part in (t.words.say(kind_text(kind)), str(effect[kind])) if part)
    return Wish(step, title, "send", "", (), t.data(effect.get("data", {})))


def _print(t: Telling, effect: Mapping[str, Any], step: int | None) -> Wish:
    data = effect.get("data", {})
    kind, name = str(data.get("format", "")).upper(), data.get("name") if sees_all() else None
    said = message("Print the record as {kind}", kind=kind)
    if name:
        said = message("Print “{name}” as {kind}", name=name, kind=kind)
    return Wish(step, t.words.say(said), "printer", "", (), t.data(data))


WISHES: Mapping[str, Callable[[Telling, Mapping[str, Any], int | None], Wish]] = {
    "set": _set, "create": _create, "update": _update, "take": _take, "reassign": _reassign, "refuse": _refuse,
    "notify": _notify, "ask": _ask, "approve": _approve, "print": _print,
}  # fmt: skip
