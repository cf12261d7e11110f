"""Records as they were: the present row taken back event by event, newest first.

Every event is undone once, so a record's whole history costs as much as it has events. What events do not keep is
known by name: reading it leaves a doubt, never a guess that looks like a fact.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import writing
from engine.errors import Invalid
from engine.fields.base import Field
from engine.formats import Reader
from engine.plans import FormPlan
from engine.sight import Row
from engine.storage.events import Event

WRITES = frozenset({"created", "adopted", "updated", "taken", "reassigned", "deleted", "restored"})
BEGINS = frozenset({"created", "adopted"})
NOTHING: Mapping[str, Any] = {}
UNKNOWN = "_unknown"  # in a line: its fields that are not known, and why

# Why a value of the past is not known for sure.
MASKED, FIGURE, OWNER, EARLIER, UNREADABLE, PEOPLE, OLD = (
    "masked", "figure", "owner", "earlier", "unreadable", "people", "old")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Was:
    """A record at one moment. ``row`` is None where there was none yet; ``links`` and ``lines`` hold, by field, what
    differs from the present; ``stay`` counts the record's stays from the latest; ``unknown``: field → why."""

    row: Row | None
    links: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    lines: Mapping[str, Lines] = field(default_factory=dict)
    stay: int = 0
    unknown: Mapping[str, str] = field(default_factory=dict)


class Lines:
    """The lines of a record before an event: worked out when somebody looks, from those after it."""

    __slots__ = ("_newer", "_pair", "_rows")

    def __init__(self, newer: Lines | None, pair: Sequence[Any]) -> None:
        self._newer, self._pair = newer, pair
        self._rows: list[Row] | None = None

    def rows(self, plan: FormPlan, reader: Reader, present: Callable[[], list[Row]]) -> list[Row]:
        """``present`` answers the lines as they are stored now. Iterative: a history can be long."""
        chain: list[Lines] = []
        node: Lines | None = self
        while node is not None and node._rows is None:
            chain.append(node)
            node = node._newer
        rows = present() if node is None else node._rows or []
        for one in reversed(chain):
            rows = one._rows = undo_lines(plan, rows, one._pair, reader)
            one._newer = None
        return rows


# --- one event back --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Undoing:
    """What taking events of a form back needs to know, worked out once."""

    plan: FormPlan
    reader: Reader
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: FormPlan, reader: Reader) -> Undoing:
        return cls(plan, reader, {each.stable_id: name for name, each in plan.fields.items()})

    def changed(self, event: Event) -> frozenset[str]:
        """The names of the fields the event changed, and ``state``."""
        found = {self.names[key] for key in event.changes or NOTHING if key in self.names}
        if event.from_state != event.to_state:
            found.add("state")
        return frozenset(found)

    def before(self, was: Was, event: Event, stays: Sequence[Mapping[str, Any]]) -> Was:
        """The record before the event that left it as ``was``; ``stays``: its visits to states, latest first."""
        if event.kind not in WRITES or was.row is None:
            return was
        if event.kind in BEGINS:
            return Was(None)
        row, unknown = dict(was.row), dict(was.unknown)
        links, lines = was.links, was.lines
        for key, pair in (event.changes or NOTHING).items():
            name = self.names.get(key)
            if name is None or not isinstance(pair, list) or len(pair) != 2:
                continue
            each = self.plan.fields[name]
            if name in self.plan.lines:
                lines = {**lines, name: Lines(lines.get(name), pair)}
            elif name in self.plan.many:
                links = {**links, name: tuple(pair[0] or ())}
            else:
                _put_back(each, row, unknown, pair[0], self.reader)
        if handed := (event.changes or NOTHING).get(writing.OWNER):
            row["owner"], row["owner_role"] = handed[0]
        row["version"] -= 1
        unknown["updated_at"] = unknown["updated_by"] = EARLIER
        stay = self._state_back(row, unknown, event, was.stay, stays)
        return Was(row, links, lines, stay, unknown)

    def _state_back(
        self,
        row: Row,
        unknown: dict[str, str],
        event: Event,
        stay: int,
        stays: Sequence[Mapping[str, Any]],
    ) -> int:
        if event.kind == "deleted":
            row["deleted_at"] = None
        elif event.kind == "restored":
            row["deleted_at"], unknown["deleted_at"] = event.at, EARLIER
        elif event.kind == "taken":
            return _left_again(row, unknown, event, stay + 1, stays)
        return stay


def as_left(was: Was, event: Event) -> Was:
    """The record as the event left it: it says when and by whom it was changed last."""
    if was.row is None or event.kind not in WRITES:
        return was
    row = {**was.row, "updated_at": event.at, "updated_by": event.actor_id}
    if "updated_at" not in was.unknown:
        return Was(row, was.links, was.lines, was.stay, was.unknown)
    known = {name: why for name, why in was.unknown.items() if name not in ("updated_at", "updated_by")}
    return Was(row, was.links, was.lines, was.stay, known)


def _left_again(row: Row, unknown: dict[str, str], event: Event, stay: int, stays: Sequence[Mapping[str, Any]]) -> int:
    row["state"] = event.from_state
    found = stays[stay] if stay < len(stays) and stays[stay]["state"] == event.from_state else None
    for name, source in (("state_since", "entered_at"), ("state_due", "due_at"), ("owner", "owner"),
                         ("owner_role", "owner_role")):  # fmt: skip
        if found is not None:
            row[name] = found[source]
            unknown.pop(name, None)
        else:
            unknown[name] = EARLIER
    return stay


def _put_back(each: Field, row: Row, unknown: dict[str, str], dumped: Any, reader: Reader) -> None:
    unknown.pop(each.name, None)
    if dumped is None:
        row[each.name] = None
    elif each.sensitive:
        row[each.name], unknown[each.name] = None, MASKED
    else:
        try:
            row[each.name] = each.parse(dumped, reader)
        except Invalid:
            row[each.name], unknown[each.name] = None, UNREADABLE


def undo_lines(plan: FormPlan, rows: Sequence[Row], pair: Sequence[Any], reader: Reader) -> list[Row]:
    """Lines before an event that changed them by ``pair``.

    Events do not know the ids of the lines they added; those are the highest of the lines it left, whatever was removed
    later: ids only grow while a line of the same record stands.
    """
    before, after = pair[0] or (), pair[1] or ()
    added = sum(1 for line in after if "id" not in line)
    newest = set(sorted(row["id"] for row in rows)[len(rows) - added :]) if added else set()
    kept = {row["id"]: row for row in rows if row["id"] not in newest}
    gone = []
    for line in before:
        if line["id"] in kept:
            kept[line["id"]] = _line_back(plan, kept[line["id"]], line, reader)
        else:
            parent = rows[0]["_parent"] if rows else None
            gone.append(_line_back(plan, {**plan.blank, "id": line["id"], "_parent": parent}, line, reader))
    return _in_order(list(kept.values()), gone)


def _line_back(plan: FormPlan, row: Row, line: Mapping[str, Any], reader: Reader) -> Row:
    found, unknown = dict(row), dict(row.get(UNKNOWN, NOTHING))
    for name, each in plan.fields.items():
        if each.stable_id in line and name in plan.columns:
            _put_back(each, found, unknown, line[each.stable_id], reader)
    if "_position" in line:
        found["_position"] = line["_position"]
    if unknown:
        found[UNKNOWN] = unknown
    return found


def _in_order(kept: list[Row], gone: list[Row]) -> list[Row]:
    """Lines that were removed stand where the others leave a gap; places are counted from 0 without one."""
    taken = {row["_position"] for row in kept}
    free = iter([place for place in range(len(kept) + len(gone)) if place not in taken])
    for row in gone:
        row["_position"] = next(free, len(kept) + len(gone))
    return sorted([*kept, *gone], key=lambda row: row["_position"])


# --- rows that know what they do not know ----------------------------------------------------------------------------


class Then(dict[str, Any]):
    """A row of the past: reading what is not known is noted; ``late`` values are worked out when they are read."""

    __slots__ = ("late", "note", "unknown")

    def __init__(
        self, row: Mapping[str, Any], unknown: Mapping[str, str], note: Callable[[str, str], None],
        late: Mapping[str, Callable[[], Any]] = NOTHING,
    ) -> None:  # fmt: skip
        super().__init__(row)
        self.unknown, self.note, self.late = unknown, note, late

    def get(self, name: str, default: Any = None) -> Any:
        if name in self.late:
            return self.late[name]()
        if name in self.unknown:
            self.note(name, self.unknown[name])
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)
