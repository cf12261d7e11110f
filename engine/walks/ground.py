"""Where walks take place: a world, its people, and records made as people would make them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import sqlalchemy as sa

from engine import service
from engine.definition import AppDefinition, Transition
from engine.errors import AppmillError, Denied, Invalid, Problem
from engine.fields.base import Field
from engine.language import ADMIN
from engine.people import Actor, system_actor
from engine.permissions import may, may_record
from engine.plans import FormPlan
from engine.scenarios.world import Stage, World
from engine.sight import Row, Sight
from engine.storage import records
from engine.storage.automation import in_state
from engine.timing.simulate import pass_time
from engine.walks.drawing import Palette, fits, more
from engine.walks.edges import Edges

T = TypeVar("T")
TRIES = 8  # inputs that are mended and tried again
DEEP = 5  # records that need records
SPARE = 6  # candidates of a field that are tried


@dataclass(frozen=True)
class Record:
    """A record on its way."""

    form: str
    id: int


@dataclass
class Ground:
    """``people``: everybody who is no administrator; ``turns``: how often a value of a field was not good enough;
    ``dirty``: something changed since the world was put back."""

    world: World
    edges: Edges
    palette: Palette = field(default_factory=lambda: Palette({}, {}))
    people: tuple[Actor, ...] = ()
    admin: Actor | None = None
    turns: dict[tuple[str, str], int] = field(default_factory=dict)
    dirty: bool = False

    def __post_init__(self) -> None:
        actors = {id: self.world.actor(word) for word, id in self.world.people.items()}
        self.people = tuple(actor for actor in actors.values() if not actor.is_admin)
        self.admin = next((actor for actor in actors.values() if actor.is_admin), None)

    @property
    def app(self) -> Any:
        return self.world.app

    @property
    def definition(self) -> AppDefinition:
        return self.world.definition

    @property
    def today(self) -> str:
        return self.world.hands.now.date().isoformat()

    # --- who

    def takers(self, transition: Transition) -> list[Actor]:
        found = [actor for actor in self.people if not actor.roles.isdisjoint(transition.roles)]
        return [*found, *([self.admin] if self.admin and ADMIN in transition.roles else [])]

    def helpers(self, record: Record) -> list[Actor]:
        """Everybody who may do something with a record; people outside as those who may see it."""
        return [self.standing(actor, record) for actor in self.people]

    def standing(self, actor: Actor, record: Record) -> Actor:
        """Somebody outside, standing for whom this record lets see it; everybody else as they are."""
        known, form = self.app.definition.roles, self.app.definition.forms[record.form]
        wanted = next(
            (known[role].stands_for for role in actor.roles if role in known and known[role].stands_for), None
        )
        if wanted is None:
            return actor
        row = self.row(record)
        links = [row.get(one.name) for one in form.fields.values() if one.kind == "link" and _leads_to(one) == wanted]
        for id in dict.fromkeys([record.id if record.form == wanted else None, *links]):
            other = replace(actor, stands_for=id)
            if id is not None and self._sees(other, record):
                return other
        return actor

    def _sees(self, actor: Actor, record: Record) -> bool:
        form = self.app.definition.forms[record.form]
        return self.seen(
            record, actor, lambda sight, row: bool(may_record(self.app, actor, "read", form, sight.view(form, row)))
        )

    def makers(self, form: str) -> list[Actor]:
        """Whoever may create such records, another one first in each example."""
        able = [actor for actor in self.people if may(self.app, actor, "create", form)]
        turn = self.palette.who % len(able) if able else 0
        return [*able[turn:], *able[:turn]]

    # --- doing

    def attempt(self, deed: Callable[[], Any]) -> AppmillError | None:
        """Do it, and what is due after it; answers the refusal, after which nothing has changed."""
        try:
            deed()
        except AppmillError as refusal:
            return refusal
        self.dirty = True
        self.settle()
        return None

    def settle(self) -> None:
        """What is due now is done: runs go on, mails are counted as sent."""
        table = self.app.tables.message
        due = sa.select(table.c.id).where(in_state(table, "waiting", "parked"), table.c.due_at <= self.world.hands.now)
        with self.app.database.read() as conn:
            if conn.execute(due.limit(1)).first() is None:
                return
        pass_time(self.app, self.world.hands, self.world.hands.now)

    def save(self, actor: Actor, record: Record, values: Mapping[str, Any]) -> AppmillError | None:
        """Change a record; what is missing beside is filled in."""
        plan = self.app.plans.form(record.form)
        return self.mended(
            plan, actor, dict(values), lambda now: service.save(self.app, actor, record.form, now, id=record.id)
        )

    def mended(
        self, plan: FormPlan, actor: Actor, values: dict[str, Any], save: Callable[[dict[str, Any]], Any],
        must: frozenset[str] | None = None, depth: int = 0,
    ) -> AppmillError | None:  # fmt: skip
        """Save the input; where something is wrong with it, put in something else and try again. What is not in
        ``must`` (None: everything given) may be left out."""
        kept = frozenset(values) if must is None else must
        refusal: AppmillError | None = None
        for _ in range(TRIES):
            before = {**values}
            refusal = self.attempt(lambda now=before: save(now))  # type: ignore[misc]
            if not isinstance(refusal, Invalid) or not refusal.problems:
                return refusal
            for problem in refusal.problems:
                self._mend(plan, actor, values, problem, kept, depth)
            if values == before:
                return refusal
        return refusal

    def _mend(
        self, plan: FormPlan, actor: Actor, values: dict[str, Any], problem: Problem, must: frozenset[str], depth: int
    ) -> None:
        name, *inner = problem.where.split(".")
        if name in plan.lines and len(inner) == 2 and inner[0].isdigit() and isinstance(values.get(name), list):
            row = values[name][int(inner[0])]
            values[name] = [*values[name]]
            values[name][int(inner[0])] = row = dict(row)
            self._mend(plan.lines[name].plan, actor, row, Problem(inner[1], problem.message), frozenset(row), depth)
        elif name in values and name not in must:
            del values[name]
        elif name in plan.fields and plan.fields[name].writable:
            key = (plan.form.name, name)
            if name in values:
                self.turns[key] = self.turns.get(key, 0) + 1
            value = self.one(plan, plan.fields[name], actor, depth)
            if value is not None:
                values[name] = value

    # --- values

    def one(self, plan: FormPlan, found: Field, actor: Actor, depth: int = 0) -> Any:
        """A value for a field: the spare one, another one after each time it was refused."""
        turn = self.turns.get((plan.form.name, found.name), 0)
        candidates = self.candidates(plan, found, actor, depth=depth, fresh=turn > 0)
        return candidates[turn % len(candidates)] if candidates else None

    def candidates(
        self, plan: FormPlan, found: Field, actor: Actor, *, beside: tuple[Any, ...] = (), depth: int = 0,
        fresh: bool = False,
    ) -> list[Any]:  # fmt: skip
        """Values for a field, raw; ``beside``: what it is compared with at the moment."""
        name = found.name
        match found.kind:
            case "user" | "users":
                wanted = plan.users.get(name) or frozenset()
                people = [one.id for one in self.people if not wanted or not one.roles.isdisjoint(wanted)][:SPARE]
                return list(people) if found.kind == "user" else [[id] for id in people]
            case "link" | "links":
                ids = self._targets(plan.links[name].target, depth, fresh)
                return list(ids) if found.kind == "link" else [[id] for id in ids]
            case "files":
                return [[self.world.file(plan.form.name, name, _file_name(found), actor.id)]]
            case "lines":
                return [[self._line(plan.lines[name].plan, actor, depth) for _ in range(plan.lines[name].least or 1)]]
        spare = self.palette.spare.get(plan.form.name, {}).get(name, ())
        tried = [*spare, *beside, *more(found, (*self.edges.get(name, ()), *beside), self.today)]
        distinct = {str(value): value for value in tried if fits(found, value)}
        return list(distinct.values())

    def _targets(self, form: str, depth: int, fresh: bool) -> list[int]:
        table = self.app.tables.form[form]
        with self.app.database.read() as conn:
            there = sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id.desc()).limit(2)
            ids = [int(id) for id in conn.scalars(there)]
        if (fresh or not ids) and depth < DEEP and not self.app.plans.form(form).form.parent_form:
            made = self.make(form, {}, depth=depth + 1)
            ids = [*([made.id] if made else []), *ids]
        return ids

    def _line(self, plan: FormPlan, actor: Actor, depth: int) -> dict[str, Any]:
        return self._needed(plan, actor, {}, depth)

    def _needed(self, plan: FormPlan, actor: Actor, given: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """What a new record must have and would not get by itself."""
        values = dict(given)
        least = [name for name, lines in plan.lines.items() if lines.least]
        for name in dict.fromkeys((*plan.required, *least)):
            if name not in values and name not in plan.constants and name not in plan.defaults:
                value = self.one(plan, plan.fields[name], actor, depth)
                if value is not None:
                    values[name] = value
        return values

    # --- records

    def make(
        self, form: str, given: Mapping[str, Any], *, must: frozenset[str] = frozenset(), depth: int = 0,
        anyhow: bool = True,
    ) -> Record | None:  # fmt: skip
        """A new record, made by whoever may; with ``anyhow`` by nobody in particular where nobody may, as an import
        would. None when it cannot be."""
        for actor in (*self.makers(form), *([system_actor("walk")] if anyhow else [])):
            made = self.made_by(actor, form, given, must=must, depth=depth)
            if made is not None:
                return made
        return None

    def made_by(
        self, actor: Actor, form: str, given: Mapping[str, Any], *, must: frozenset[str] = frozenset(), depth: int = 0
    ) -> Record | None:
        plan, ids = self.app.plans.form(form), []
        values = self._needed(plan, actor, given, depth)
        needed = must | (values.keys() - given.keys())
        refusal = self.mended(
            plan, actor, values, lambda now: ids.append(service.save(self.app, actor, form, now).id), needed, depth
        )
        return Record(form, ids[-1]) if refusal is None and ids else None

    def row(self, record: Record) -> Row:
        with self.app.database.read() as conn:
            return records.get(conn, self.app.tables, record.form, record.id) or {}

    def state(self, record: Record) -> str:
        return str(self.row(record).get("state") or "")

    def seen(self, record: Record, actor: Actor, look: Callable[[Sight, Row], T]) -> T:
        """What ``look`` answers about the record, on a connection that reads."""
        with self.app.database.read() as conn:
            sight = Sight(self.app, conn, replace(actor, language=self.world.language))
            return look(sight, sight.load(record.form, record.id) or {})

    def others(self, form: str, link: str, id: int) -> Iterator[Record]:
        """The records that lead to one by a link."""
        table = self.app.tables.form[form]
        with self.app.database.read() as conn:
            found = conn.scalars(sa.select(table.c.id).where(table.c[link] == id, table.c.deleted_at.is_(None)))
            yield from [Record(form, int(one)) for one in found]


@dataclass
class PutBack(Ground):
    """A ground that is put back to how it was, as often as wanted."""

    world: Stage
    _kept: int = 0

    def begin(self, palette: Palette) -> None:
        self.world.begin(None)
        self.palette, self.turns, self.dirty = palette, {}, True

    def keep(self) -> tuple[str, dt.datetime]:
        """The world as it is now."""
        self._kept += 1
        return self.world.keep(f"kept-{self._kept}"), self.world.hands.now

    def back(self, kept: tuple[str, dt.datetime]) -> None:
        if self.dirty:
            self.world.back(*kept)
            self.dirty = False


def is_denied(refusal: AppmillError | None) -> bool:
    return isinstance(refusal, Denied)


def _leads_to(found: Field) -> str | None:
    return getattr(found, "form", None)


def _file_name(found: Any) -> str:
    accept = tuple(getattr(found, "accept", ()) or ())
    return "file.pdf" if found.type == "attachment" and (not accept or "pdf" in accept) else "picture.png"
