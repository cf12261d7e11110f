"""What expressions saw at a moment of the past: the Sight of a walk, standing at an event instead of at the present."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.computing import TITLE_LENGTH
from engine.expressions import View, names_for
from engine.expressions.functions import text
from engine.expressions.view import USER_ATTRIBUTES, UserView
from engine.people import Actor, load_people, system_actor
from engine.plans import FormPlan
from engine.sight import Row, Sight
from engine.storage import records
from engine.storage.events import Event
from engine.trying import figures, happened
from engine.trying.happened import Window
from engine.trying.past import FIGURE, NOTHING, OLD, OWNER, PEOPLE, UNKNOWN, Then, Undoing, Was, as_left
from engine.workflow import owner_of

MOST_EVENTS = 20_000  # of one linked record that are looked back through
MOST_KEPT = 40_000  # versions of linked records in memory at once
MOST_LINES = 4_000


@dataclass(frozen=True, order=True)
class Doubt:
    """Something that was read and is not known as it was. ``why`` is one of the words of ``past``."""

    form: str
    id: int
    field: str
    why: str


class History:
    """A linked record at any moment of the window; taken back no further than asked."""

    def __init__(self, present: Row | None, events: list[Event], stays: list[dict[str, Any]]) -> None:
        self.events, self.stays = events, stays
        self.versions: list[Was] = []  # before each event, as far as worked out
        self.present = Was(present)

    def at(self, event_id: int, past: Past) -> Was:
        """As it was right after the event with this id."""
        behind = _newer_than(self.events, event_id)
        while len(self.versions) < behind:
            done = len(self.versions)
            newer = self.versions[-1] if self.versions else self.present
            event = self.events[done]
            before = past.before(newer, event, self.stays)
            older = self.events[done + 1] if done + 1 < len(self.events) else None
            self.versions.append(as_left(before, older) if older else before)
        return self.versions[behind - 1] if behind else self.present


def _newer_than(events: Sequence[Event], id: int) -> int:
    """How many of the events (falling ids) came after ``id``."""
    low, high = 0, len(events)
    while low < high:
        middle = (low + high) // 2
        if events[middle].id > id:
            low = middle + 1
        else:
            high = middle
    return low


class Person(dict[str, Any]):
    """A person whose roles and groups are those of today."""

    __slots__ = ("note",)

    def __init__(self, row: Mapping[str, Any], note: Callable[[str], None]) -> None:
        super().__init__(row)
        self.note = note

    def get(self, name: str, default: Any = None) -> Any:
        if name in ("roles", "groups"):
            self.note(name)
        return super().get(name, default)


class Past(Sight):
    """The Loader of expressions at an event: every record as that event left it. ``doubts``: what of it was read and
    is not known for sure. Reads only; what is kept between events is bounded."""

    def __init__(self, app: Application, conn: sa.Connection, within: Window) -> None:
        super().__init__(app, conn, system_actor())
        self.within = within
        self.reader = self.actor.reader(app.definition)
        self.doubts: set[Doubt] = set()
        self._event, self._at = within.last, app.clock()
        self._was: dict[tuple[str, int], Was] = {}
        self._histories: OrderedDict[tuple[str, int], History] = OrderedDict()
        self._versions = 0
        self._stored: dict[tuple[str, int], list[Row]] = {}
        self._last: dict[str, int] = {}
        self._undoing: dict[str, Undoing] = {}
        self._people: dict[int, Mapping[str, Any] | None] = {}

    # --- where it stands

    def stand(self, event: Event, actor: Actor, was: Was) -> None:
        """From now on everything is as the event left it; ``was``: its own record."""
        self.actor, self._event, self._at = actor, event.id, event.at
        self.forget_all()
        self._users.clear()
        self.__dict__.pop("names", None)
        self.doubts = set()
        self._was = {(event.form, event.record_id): was}

    @property
    def names(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] | None = self.__dict__.get("names")
        if found is None:
            who = Person({name: getattr(self.actor, name) for name in USER_ATTRIBUTES},
                         lambda name: self._doubt("_user", self.actor.id or 0, name, PEOPLE))  # fmt: skip
            person = UserView(self.actor.id, None, who)
            found = names_for(self._at, self.actor.reader(self.app.definition), person, times=self.app.plans.times)
            self.__dict__["names"] = found
        return found

    def _doubt(self, form: str, id: int, field: str, why: str) -> None:
        self.doubts.add(Doubt(form, id, field, why))

    def undoing(self, form: str) -> Undoing:
        found = self._undoing.get(form)
        if found is None:
            found = self._undoing[form] = Undoing.of(self.app.plans.form(form), self.reader)
        return found

    # --- records

    def was(self, form: str, id: int) -> Was:
        key = form, id
        found = self._was.get(key)
        if found is None:
            found = self._was[key] = self._looked_up(form, id)
        return found

    def _looked_up(self, form: str, id: int) -> Was:
        if self.last_event(form) <= self._event:
            return Was(self._present(form, id))
        return self._history(form, id).at(self._event, self)

    def last_event(self, form: str) -> int:
        if form not in self._last:
            self._last[form] = happened.last_of(self.conn, self.app.tables, form, self.within)
        return self._last[form]

    def _present(self, form: str, id: int) -> Row | None:
        key = form, id
        found = self._histories.get(key)
        if found is not None:
            return found.present.row
        return self._history(form, id).present.row

    def _history(self, form: str, id: int) -> History:
        key = form, id
        found = self._histories.get(key)
        if found is not None:
            self._histories.move_to_end(key)
            return found
        conn, tables = self.conn, self.app.tables
        row = records.get(conn, tables, form, id)
        events: list[Event] = []
        if self.last_event(form):
            events = happened.of_record(conn, tables, form, id, self.within, MOST_EVENTS)
        plan = self.app.plans.form(form)
        moved = bool(events) and plan.form.workflow is not None
        stays = happened.stays_of(conn, tables, form, [id])[id] if moved else []
        found = self._histories[key] = History(row, events, stays)
        self._versions += len(events) + 1
        while self._versions > MOST_KEPT and len(self._histories) > 1:
            _key, gone = self._histories.popitem(last=False)
            self._versions -= len(gone.events) + 1
        return found

    def load(self, form: str, id: int) -> Row | None:
        key = form, id
        if key not in self._rows:
            was = self.was(form, id)
            self._rows[key] = None if was.row is None else self.seen(form, id, was)
            self._doubt_if_old(form, id)
        return self._rows[key]

    def _doubt_if_old(self, form: str, id: int) -> None:
        found = self._histories.get((form, id))
        if found and len(found.events) == MOST_EVENTS and found.events[-1].id > self._event:
            self._doubt(form, id, "", OLD)

    def prime(self, form: str, ids: Iterable[int]) -> None:
        """Records of the past come one by one; each is read once and kept."""

    def seen(self, form: str, id: int, was: Was) -> Row:
        """The row as expressions may read it: figures are worked out when they are asked for."""
        assert was.row is not None  # whoever asks has looked
        late = self._late(form, id, was)
        if not late and not was.unknown:
            return was.row
        return Then(was.row, was.unknown, lambda name, why: self._doubt(form, id, name, why), late)

    def _late(self, form: str, id: int, was: Was) -> Mapping[str, Callable[[], Any]]:
        names = figures.names(self.app, form)
        if not names or was.row is None:
            return NOTHING
        row = was.row
        found: dict[str, Callable[[], Any]] = {}
        for name in names.rollups:
            found[name] = lambda name=name: self._figure(form, id, was, name)  # type: ignore[misc]
        for name in names.fed:
            found[name] = lambda name=name: figures.worked_out(self, form, row, found, name)  # type: ignore[misc]
        return found

    def _figure(self, form: str, id: int, was: Was, name: str) -> Any:
        plan = self.app.plans.form(form)
        field: Any = plan.fields[name]
        if field.over_lines(plan.form):
            return figures.over_lines(self, field, self.lines_then(form, id, was, field.via))
        if self.last_event(field.source_form) > self._event:
            self._doubt(form, id, name, FIGURE)
        return (was.row or {}).get(name)

    # --- what hangs on records

    def lines(self, form: str, parent_id: int) -> list[Row]:
        key = form, parent_id
        if key not in self._lines:
            plan = self.app.plans.form(form).form
            parent, field = str(plan.parent_form), str(plan.parent_field)
            was = self.was(parent, parent_id)
            if was.row is None or was.row.get("deleted_at") is not None:
                self._lines[key] = []
            else:
                self._lines[key] = self.lines_then(parent, parent_id, was, field)
        return self._lines[key]

    def lines_then(self, parent: str, id: int, was: Was, field: str) -> list[Row]:
        plan = self.app.plans.form(parent).lines[field].plan

        def present() -> list[Row]:
            return self._stored_lines(parent, plan.form.name, id)

        chain = was.lines.get(field)
        rows = present() if chain is None else chain.rows(plan, self.reader, present)
        return [self._line_seen(plan.form.name, id, row) for row in rows]

    def _line_seen(self, form: str, parent: int, row: Row) -> Row:
        unknown = row.get(UNKNOWN)
        if row.get("_parent") is None:
            row = {**row, "_parent": parent}
        if not unknown:
            return row
        return Then(row, unknown, lambda name, why: self._doubt(form, row["id"], name, why))

    def _stored_lines(self, parent: str, form: str, id: int) -> list[Row]:
        """The lines as they are kept now, with those that were deleted together with their record."""
        key = form, id
        found = self._stored.get(key)
        if found is None:
            if len(self._stored) >= MOST_LINES:
                self._stored.clear()
            found = self._stored[key] = self._read_lines(parent, form, id)
        return found

    def _read_lines(self, parent: str, form: str, id: int) -> list[Row]:
        row = records.get(self.conn, self.app.tables, parent, id)
        if row is None or row["deleted_at"] is None:
            return records.lines_of(self.conn, self.app.tables, form, [id])[id]
        table = self.app.tables.form[form]
        with_it = sa.select(table).where(table.c["_parent"] == id, table.c.deleted_at == row["deleted_at"])
        return [dict(each) for each in self.conn.execute(with_it.order_by(table.c["_position"])).mappings()]

    def linked(self, form: str, field: str, id: int) -> Sequence[Row]:
        key = form, field, id
        if key not in self._linked:
            ids = self.was(form, id).links.get(field)
            if ids is None:
                ids = records.links_of(self.conn, self.app.tables, form, field, [id])[id]
            target = self.app.plans.form(form).links[field].target
            self._linked[key] = [row for row in (self.load(target, each) for each in ids) if row is not None]
        return self._linked[key]

    def user(self, id: int) -> Mapping[str, Any] | None:
        if id not in self._users:
            found = self.person(id)
            noted = Person(found, lambda name: self._doubt("_user", id, name, PEOPLE)) if found else None
            self._users[id] = noted
        return self._users[id]

    def person(self, id: int) -> Mapping[str, Any] | None:
        """The person as they are now; kept, since many events are theirs."""
        if id not in self._people:
            if len(self._people) >= MOST_LINES:
                self._people.clear()
            self._people[id] = load_people(self.conn, self.app.tables, [id]).get(id)
        return self._people[id]

    def rollup(self, form: str, field: str, id: int) -> Any:
        row = self.load(form, id)
        return None if row is None else row.get(field)

    # --- what the walk works out beside the fields

    def before(self, was: Was, event: Event, stays: Sequence[Mapping[str, Any]]) -> Was:
        """The record before the event that left it as ``was``, with its title and owner of then."""
        undoing = self.undoing(event.form)
        before = undoing.before(was, event, stays)
        if before.row is None or event.kind not in ("updated", "taken"):
            return before
        plan, touched = undoing.plan, undoing.changed(event)
        if plan.title is not None and plan.title.needs.touched(touched):
            said = text(plan.title.compiled.run({**self.names, "record": View(plan.form, {**before.row}, self)}))
            before.row["_title"] = " ".join(said.split())[:TITLE_LENGTH]
        state = before.row.get("state")
        watched = plan.owners.get(state or "")
        if event.kind == "updated" and state and watched is not None and watched.needs.touched(touched):
            return self._owned(plan, before, state)
        return before

    def _owned(self, plan: FormPlan, before: Was, state: str) -> Was:
        """The owner follows what it is worked out from; what that reads of other records may have changed meanwhile."""
        row = before.row or {}
        names = {**self.names, "record": View(plan.form, {**row}, self)}
        row["owner"], row["owner_role"] = owner_of(plan, state, names)
        own = all(len(path) == 2 for path in plan.owners[state].compiled.paths if path[0] == "record")
        unknown = {name: why for name, why in before.unknown.items() if name not in ("owner", "owner_role")}
        return replace(before, unknown=unknown if own else {**unknown, "owner": OWNER, "owner_role": OWNER})


def of_event(past: Past, event: Event) -> Actor:
    """Who acted, with the roles they have now."""
    found = past.person(event.actor_id) if event.actor_id is not None else None
    if found is None:
        actor = system_actor()
    else:
        actor = Actor(
            id=event.actor_id, login=found["login"], name=found["name"], roles=found["roles"], groups=found["groups"],
            language=found["language"] or "zh", timezone=found["timezone"] or "Asia/Shanghai",
            system=event.actor_kind in ("system", "feed"), portal=found["portal"], stands_for=found["stands_for"],
        )  # fmt: skip
    return actor.for_rule(event.rule) if event.rule and event.actor_kind == "rule" else actor
