"""Values that stand nowhere else, put where a role must not read: whoever finds one, found a leak.

They are written past the walk, since no check, default or limit of the definition shall decide what can be looked for;
then everything that is worked out from them is worked out anew, and the history tells of them.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.expressions import EvaluationFailed, plain
from engine.fields.base import Field
from engine.fields.derived import RollupField
from engine.formats import Reader
from engine.people import system_actor
from engine.plans import FormPlan
from engine.recomputing import recompute
from engine.sight import Sight
from engine.storage import events, rollups
from engine.storage.events import Event

Place = tuple[str, str]  # form, field
WRITTEN = frozenset({"text", "long_text", "rich_text", "email", "url", "phone", "barcode", "series"})
SHORTEST = 6  # characters; less stands in many places by chance
MOST = 20  # records of a form


@dataclass
class Planted:
    """``texts``: every way a value may be written → where it stands. ``files``: id of a file → where it is."""

    texts: dict[str, Place] = field(default_factory=dict)
    files: dict[int, Place] = field(default_factory=dict)


def plant(app: Application, places: Sequence[Place], file: Any) -> Planted:
    """Put them in; ``file(form, field, name)`` makes a file and answers its id."""
    return _Planting(app, frozenset(places), file).plant()


class _Planting:
    def __init__(self, app: Application, places: frozenset[Place], file: Any) -> None:
        self.app, self.places, self.file = app, places, file
        self.planted = Planted()
        self.numbers = itertools.count(1)
        self.values: dict[Place, dict[int, Any]] = {}
        self.readers = tuple(
            Reader(language, app.definition.timezone, app.definition.currency) for language in ("en", "zh")
        )

    def plant(self) -> Planted:
        for place in sorted(self.places):
            self._choose(place, told=True)
            for below in self._reads(place):
                self._choose(below, told=False)
        with self.app.database.write() as conn:
            self._write(conn)
            self._work_out(conn)
            self._write(conn)
            self._remember(conn)
        for place in sorted(self.places - self.values.keys()):
            self._natural(place)
        return self.planted

    # --- choosing

    def _choose(self, place: Place, *, told: bool) -> None:
        plan, name = self.app.plans.form(place[0]), place[1]
        if place in self.values or name not in plan.columns:
            return
        one = plan.fields[name]
        if told:
            self._tell(place, one, self._unusual(plan, name))
        chosen = {id: value for id in self._ids(plan) if (value := self._telling(plan, one)) is not None}
        if chosen:
            self.values[place] = chosen
        if told:
            self._tell(place, one, chosen.values())

    def _unusual(self, plan: FormPlan, name: str) -> list[Any]:
        """Figures of the story itself that tell: rules may have told people of them before anything was planted."""
        with self.app.database.read() as conn:
            found = conn.scalars(sa.select(plan.table.c[name]).where(plan.table.c.id.in_(self._ids(plan))))
            return [value for value in found if isinstance(value, Decimal) and abs(value) >= 1000 and value % 1]

    def _ids(self, plan: FormPlan) -> list[int]:
        with self.app.database.read() as conn:
            return list(conn.scalars(sa.select(plan.table.c.id).order_by(plan.table.c.id.desc()).limit(MOST)))

    def _telling(self, plan: FormPlan, one: Field) -> Any:
        """A value of the field that nothing else has; None where a field cannot have one."""
        like: Field = getattr(one, "like", one)
        number = next(self.numbers)
        if like.kind == "number" and like.type != "rating":
            whole = Decimal(7_318_243 + number * 137)
            scale = int(getattr(like, "scale", 0) or 0)
            return whole + Decimal(number % 89 + 11) / 100 if scale >= 2 else whole if scale else int(whole)
        if like.kind == "date":
            return dt.date(2087, 1, 1) + dt.timedelta(days=number)
        if like.type in WRITTEN:
            return f"139{number:08d}" if like.type == "phone" else f"canary{number}q{plan.form.name}"
        if like.kind == "files":
            ending = "pdf" if like.type == "attachment" and "image" not in getattr(like, "accept", ()) else "png"
            file = self.file(plan.form.name, one.name, f"canary{number}.{ending}")
            self.planted.files[file] = (plan.form.name, one.name)
            return (file,)
        return None

    def _tell(self, place: Place, one: Field, values: Iterable[Any]) -> None:
        values = list(values)
        if values and all(isinstance(value, int | Decimal) for value in values):
            values.append(sum(values))  # a total tells too
        for value in values:
            self.planted.texts.update(dict.fromkeys(self._written(one, value), place))

    def _written(self, one: Field, value: Any) -> Iterator[str]:
        like: Field = getattr(one, "like", one)
        if like.kind == "files":
            return
        texts = {like.format(value, reader) for reader in self.readers} | {str(like.dump(value))}
        if isinstance(value, int | Decimal):
            plain_, cents = f"{value:f}" if isinstance(value, Decimal) else str(value), f"{value:.2f}"
            texts = {plain_, cents, f"{value:,}", f"{value:,.2f}"}
        yield from (text for text in texts if len(text) >= SHORTEST)

    def _reads(self, place: Place) -> Iterator[Place]:
        """What a value is worked out from, where it has no column to put one into."""
        plan = self.app.plans.form(place[0])
        one: Any = plan.fields[place[1]]
        if place[1] in plan.columns:
            return
        if one.type == "computed":
            for path in self.app.plans.compile(one.value).paths:
                if len(path) == 2 and path[0] == "record" and path[1] in plan.columns:
                    yield place[0], path[1]
        elif one.type == "lookup":
            yield getattr(plan.fields[one.via], "form", place[0]), one.field

    # --- writing

    def _write(self, conn: sa.Connection) -> None:
        for (form, name), values in self.values.items():
            table = self.app.tables.form[form]
            for id, value in values.items():
                conn.execute(sa.update(table).where(table.c.id == id).values({name: value}))
        attachment = self.app.tables.attachment
        for place in {*self.planted.files.values()}:
            for id, value in self.values.get(place, {}).items():
                conn.execute(sa.update(attachment).where(attachment.c.id.in_(value)).values(record_id=id))

    def _work_out(self, conn: sa.Connection) -> None:
        """What is made of these values, titles and the search index among it."""
        wanted = []
        for form in self.app.definition.forms.values():
            plan = self.app.plans.form(form.name)
            for name, one in form.fields.items():
                if isinstance(one, RollupField) and name in plan.columns and (form.name, name) not in self.values:
                    rollups.refresh_all(conn, self.app.tables, form.name, name)
            wanted += [(form.name, name) for name in plan.computed if (form.name, name) not in self.values]
            wanted.append((form.name, "_title"))
        recompute(self.app, conn, wanted)

    def _remember(self, conn: sa.Connection) -> None:
        """The history says that the value was another one before."""
        for (form, name), values in self.values.items():
            plan = self.app.plans.form(form)
            one = plan.fields[name]
            if plan.form.parent_form or (form, name) not in self.places or one.kind == "files":
                continue
            for id, value in values.items():
                before = self._telling(plan, one)
                self._tell((form, name), one, [before])
                changes = {one.stable_id: [_dumped(one, before), _dumped(one, value)]}
                event = Event(at=self.app.clock(), form=form, record_id=id, kind="updated", actor_kind="system",
                              changes=changes, definition=self.app.definition.hash)  # fmt: skip
                events.append(conn, self.app.tables, event)

    # --- what has no column

    def _natural(self, place: Place) -> None:
        """The value as it is worked out now, where it is one that tells."""
        plan, name = self.app.plans.form(place[0]), place[1]
        ids = self._ids(plan)
        with self.app.database.read() as conn:
            sight = Sight(self.app, conn, system_actor())
            for id in ids:
                row = sight.load(place[0], id)
                value = _read(sight, plan, row, name) if row is not None else None
                if _tells(value):
                    self._tell(place, plan.fields[name], [value])


def _tells(value: Any) -> bool:
    if isinstance(value, str):
        return value.startswith("canary")
    return isinstance(value, Decimal | int) and not isinstance(value, bool) and not -100_000 < value < 100_000


def _read(sight: Sight, plan: FormPlan, row: Any, name: str) -> Any:
    try:
        return plain(sight.view(plan.form, row).read(name))
    except EvaluationFailed:
        return None


def _dumped(one: Field, value: Any) -> Any:
    dumped = getattr(one, "like", one).dump(value)
    return str(dumped) if isinstance(dumped, Decimal) else dumped
