"""What happened to a record, in people's words: events as differences of fields, with comments in between.

A field the reader may not see is left out, a sensitive one is masked, and an event of which nothing is left says only
that something changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.approvals.words import DEEDS
from engine.definition import AppDefinition, Form
from engine.errors import Invalid, Message, message
from engine.fields.base import Field
from engine.formats import HIDDEN, MASK, Reader
from engine.language import Label
from engine.storage.events import Event
from engine.texts import say
from engine.web.seen import points_at
from engine.writing import OWNER

SHOWN_ROWS = 20  # line changes told one by one


@dataclass(frozen=True)
class Change:
    """One field of one event: texts as people read them, ``""`` for empty."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """One entry of the timeline. ``key`` orders it among comments of the same moment."""

    id: int
    at: dt.datetime
    actor_id: int | None
    sentence: Message
    icon: str
    changes: tuple[Change, ...]
    reason: str | None
    rule: str | None
    cause: int | None
    hidden: int
    feed: str | None = None


Titles = Mapping[str, Mapping[int, str]]  # form (or _user, _file) → id → title


@dataclass(frozen=True)
class Teller:
    """What telling needs to know: the form, the fields the reader may see, titles of everything pointed at."""

    definition: AppDefinition
    form: Form
    readable: Callable[[str, str], bool]  # (form name, field name)
    titles: Titles
    reader: Reader

    def tell(self, event: Event) -> Told:
        changes, hidden = self._changes(event)
        return Told(
            id=event.id,
            at=event.at,
            actor_id=event.actor_id,
            sentence=self._sentence(event),
            icon=ICONS.get(event.kind, "pencil"),
            changes=changes,
            reason=event.reason,
            rule=self._rule(event.rule) if event.actor_kind != "feed" else None,
            feed=self._feed(event.rule) if event.actor_kind == "feed" else None,
            cause=event.cause,
            hidden=hidden,
        )

    # --- sentences

    def _sentence(self, event: Event) -> Message:
        workflow = self.form.workflow
        if event.transition and workflow is not None:
            transition = next((t for t in workflow.transitions.values() if t.stable_id == event.transition), None)
            label = transition.label.text(self.reader.language) if transition else event.transition
            return message("{transition}: {before} → {after}", transition=label,
                           before=self._state(event.from_state), after=self._state(event.to_state))  # fmt: skip
        if event.kind == "answered" and isinstance(event.trace, Mapping):
            return self._answered(event.trace)
        if event.kind == "approval" and isinstance(event.trace, Mapping):
            return _of_approval(event.trace)
        return SENTENCES.get(event.kind, SENTENCES["updated"])

    def _answered(self, trace: Mapping[str, Any]) -> Message:
        if "approval_label" in trace:
            told = {"approval": Label(trace["approval_label"]), "step": Label(trace["step"]),
                    "answer": Label(trace["label"])}  # fmt: skip
            if trace.get("for_name"):
                return message("{approval} · {step}: {answer} (for {name})", name=trace["for_name"], **told)
            return message("{approval} · {step}: {answer}", **told)
        rule = next((one for one in self.definition.rules.values() if one.stable_id == trace["rule"]), None)
        return message("answered “{answer}” to the rule “{rule}”", answer=Label(trace["label"]),
                       rule=self._rule(rule.name if rule else trace["rule"]))  # fmt: skip

    def _state(self, name: str | None) -> str:
        workflow = self.form.workflow
        state = workflow.states.get(name) if workflow and name else None
        return state.label.text(self.reader.language) if state else name or ""

    def _rule(self, name: str | None) -> str | None:
        if name is None:
            return None
        rule = self.definition.rules.get(name)
        return rule.label.text(self.reader.language) if rule and rule.label else name.replace("_", " ")

    def _feed(self, stable_id: str | None) -> str:
        """By the name it has today; by the old one once it is gone."""
        found = next((one for one in self.definition.feeds.values() if one.stable_id == stable_id), None)
        if found is not None and found.label:
            return found.label.text(self.reader.language)
        return (found.name if found else stable_id or "").replace("_", " ")

    # --- fields

    def _changes(self, event: Event) -> tuple[tuple[Change, ...], int]:
        told: list[Change] = []
        hidden = 0
        fields = {field.stable_id: field for field in self.form.fields.values()}
        for key, pair in (event.changes or {}).items():
            if key == OWNER and self.readable(self.form.name, "owner"):
                told.append(self._owner_change(pair))
            field = fields.get(key)
            if field is None or not _is_pair(pair):
                continue
            if not self.readable(self.form.name, field.name):
                hidden += 1
            elif field.kind == "lines":
                told.extend(self._line_changes(field, *pair))
            else:
                told.append(self._change(field, *pair))
        return tuple(told), hidden

    def _change(self, field: Field, before: Any, after: Any, prefix: str = "") -> Change:
        label = prefix + field.label_in(self.reader.language)
        return Change(label, self.text(field, before), self.text(field, after))

    def _owner_change(self, pair: Sequence[Any]) -> Change:
        before, after = (self._responsible(*one) for one in pair)
        return Change(say(message("Owner"), self.reader.language), before, after)

    def _responsible(self, user: int | None, role: str | None) -> str:
        if user is not None:
            return self.titles.get("_user", {}).get(user, HIDDEN)
        found = self.definition.roles.get(role or "")
        return found.label.text(self.reader.language) if found else role or ""

    def text(self, field: Field, dumped: Any) -> str:
        """A value in its JSON form as people read it; what no longer parses is shown as it was kept."""
        if dumped is None:
            return ""
        if field.sensitive:
            return MASK
        try:
            value = field.parse(dumped, self.reader)
        except Invalid:
            value = None
        if value is None:
            return str(dumped)
        target = points_at(field)
        if target is None:
            return field.format(value, self.reader)
        titles = self.titles.get(target, {})
        unseen = {one: HIDDEN for one in (value if isinstance(value, tuple) else (value,)) if one not in titles}
        return field.format(value, self.reader, {**titles, **unseen})

    def _line_changes(self, field: Field, before: Any, after: Any) -> list[Change]:
        rows = self.definition.forms[field.form]  # type: ignore[attr-defined]
        label = field.label_in(self.reader.language)
        old, new = _rows_by_id(before), _rows_by_id(after)
        changes: list[Change] = []
        for number, key in enumerate(dict.fromkeys([*old, *new]), 1):
            gone, come = old.get(key), new.get(key)
            if gone is not None and come is not None:
                changes.extend(self._cell_changes(rows, f"{label} {number} · ", gone, come))
            else:
                changes.append(Change(f"{label} {number}", self._row_text(rows, gone), self._row_text(rows, come)))
        if len(changes) > SHOWN_ROWS:
            return [*changes[:SHOWN_ROWS], Change(label, "", f"… +{len(changes) - SHOWN_ROWS}")]
        return changes

    def _cell_changes(self, rows: Form, prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
        return [
            self._change(field, old.get(field.stable_id), new.get(field.stable_id), prefix)
            for field in rows.fields.values()
            if old.get(field.stable_id) != new.get(field.stable_id) and self.readable(rows.name, field.name)
        ]

    def _row_text(self, rows: Form, row: Mapping[str, Any] | None) -> str:
        if row is None:
            return ""
        texts = (
            self.text(field, row.get(field.stable_id))
            for field in rows.fields.values()
            if self.readable(rows.name, field.name) and field.kind != "lines"
        )
        return " · ".join(text for text in texts if text)


def pointed_at(definition: AppDefinition, form: Form, events: Sequence[Event]) -> dict[str, set[int]]:
    """The ids whose titles the events need, by what they point at."""
    wanted: dict[str, set[int]] = {}
    fields = {field.stable_id: field for field in form.fields.values()}
    for event in events:
        if event.actor_id is not None:
            wanted.setdefault("_user", set()).add(event.actor_id)
        for key, pair in (event.changes or {}).items():
            if key == OWNER:
                wanted.setdefault("_user", set()).update(one[0] for one in pair if one[0] is not None)
            if key in fields and _is_pair(pair):
                for dumped in pair:
                    _collect(definition, fields[key], dumped, wanted)
    return wanted


def added_files(event: Event, teller: Teller) -> tuple[int, ...]:
    """The ids of files the event brought, in fields the reader may see."""
    fields = {field.stable_id: field for field in teller.form.fields.values() if field.kind == "files"}
    found: list[int] = []
    for key, pair in (event.changes or {}).items():
        field = fields.get(key)
        if field is not None and _is_pair(pair) and teller.readable(teller.form.name, field.name):
            before, after = (one if isinstance(one, list) else [] for one in pair)
            found += [one for one in after if one not in before and isinstance(one, int)]
    return tuple(found)


def _collect(definition: AppDefinition, field: Field, dumped: Any, wanted: dict[str, set[int]]) -> None:
    if field.kind == "lines":
        columns = definition.forms[field.form].fields.values()  # type: ignore[attr-defined]
        for row in dumped if isinstance(dumped, list) else ():
            for column in columns:
                _collect(definition, column, row.get(column.stable_id), wanted)
        return
    target = points_at(field)
    if target:
        ids = dumped if isinstance(dumped, list) else [dumped]
        wanted.setdefault(target, set()).update(one for one in ids if isinstance(one, int))


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, (list, tuple)) and len(pair) == 2


def _rows_by_id(rows: Any) -> dict[Any, Mapping[str, Any]]:
    if not isinstance(rows, list):
        return {}
    return {row.get("id", f"new {number}"): row for number, row in enumerate(rows) if isinstance(row, Mapping)}


def undo(current: Mapping[str, Any], form: Form, events: Sequence[Event]) -> dict[str, Any]:
    """Stored values in JSON form by stable id, as they were before ``events`` (newest first)."""
    values = dict(current)
    rows = {field.stable_id for field in form.fields.values() if field.kind == "lines"}
    for event in events:
        for key, pair in (event.changes or {}).items():
            if _is_pair(pair):
                values[key] = _undo_rows(values.get(key) or [], *pair) if key in rows else pair[0]
    for key in rows:
        new = _new_ids(
            [event.changes[key] for event in events if event.changes and key in event.changes], current.get(key)
        )
        values[key] = [row for row in values.get(key) or () if row["id"] not in new]
    return values


def _undo_rows(rows: Sequence[Mapping[str, Any]], before: Any, after: Any) -> list[Mapping[str, Any]]:
    """Cells back to what they were, removed rows back in."""
    old, new = _rows_by_id(before), _rows_by_id(after)
    kept = [{**row, **old[row["id"]]} if row["id"] in old else row for row in rows]
    return [*kept, *(row for key, row in old.items() if key not in new)]


def _new_ids(pairs: Sequence[Any], current: Sequence[Mapping[str, Any]] | None) -> frozenset[int]:
    """Events do not know the ids of the rows they added; they are the latest of all ids met."""
    added = sum(1 for pair in pairs if _is_pair(pair) for row in pair[1] or () if "id" not in row)
    met = {row["id"] for row in current or ()}
    met.update(row["id"] for pair in pairs if _is_pair(pair) for row in pair[0] or () if "id" in row)
    return frozenset(sorted(met)[len(met) - added :])


SENTENCES: Mapping[str, Message] = {
    "created": message("created the record"),
    "updated": message("changed the record"),
    "deleted": message("deleted the record"),
    "restored": message("restored the record"),
    "imported": message("imported the record"),
    "adopted": message("imported the record"),
    "pressed": message("pressed a button"),
    "revealed": message("looked at a sensitive field"),
    "answered": message("answered a question"),
    "reassigned": message("handed the record over"),
    "approval": message("did something about an approval"),
}
ICONS: Mapping[str, str] = {
    "created": "plus",
    "taken": "arrow-right",
    "deleted": "trash",
    "restored": "restore",
    "imported": "file-import",
    "pressed": "hand-click",
    "revealed": "eye",
    "answered": "message",
    "reassigned": "user-plus",
    "approval": "checks",
}


def _of_approval(trace: Mapping[str, Any]) -> Message:
    """What was done about an approval beside deciding."""
    pattern = DEEDS.get(str(trace.get("did")), SENTENCES["approval"])
    values = {"approval": Label(trace["label"]), "step": Label(trace.get("step") or {"": ""}),
              "person": str(trace.get("person") or "")}  # fmt: skip
    return Message(pattern.pattern, values)
