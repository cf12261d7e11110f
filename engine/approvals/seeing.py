"""What somebody who decides sees of the record: the shown fields they may read, as texts and as they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.approve import Approve
from engine.definition import Form
from engine.expressions import View, plain
from engine.fields.base import Field
from engine.formats import HIDDEN
from engine.people import Actor
from engine.permissions import may_record, readable_fields
from engine.rules import in_trace
from engine.sight import Sight
from engine.storage import records
from engine.titles import visible_titles


@dataclass(frozen=True)
class ShownField:
    """A field as somebody reads it; ``value`` in its JSON form, ``name`` the stable one."""

    name: str
    label: str
    text: str
    value: Any


@dataclass(frozen=True)
class ShownRecord:
    """What somebody may see of a record."""

    title: str
    version: int
    fields: tuple[ShownField, ...]

    def kept(self, at: dt.datetime) -> dict[str, Any]:
        """As it is kept beside a decision."""
        return {
            "at": at.isoformat(), "version": self.version,
            "values": {one.name: one.value for one in self.fields},
            "texts": {one.name: one.text for one in self.fields},
        }  # fmt: skip


Wanted = tuple[Approve, Form, int]  # the action, the form of the record, its id


def shown_to(
    app: Application, conn: sa.Connection, actor: Actor, action: Approve, form: Form, record_id: int
) -> ShownRecord | None:
    """The shown fields as this person may read them; None where they may not read the record."""
    return shown_many(app, conn, actor, [(action, form, record_id)])[0]


def shown_many(
    app: Application, conn: sa.Connection, actor: Actor, wanted: Sequence[Wanted]
) -> list[ShownRecord | None]:
    """The same of many records: a statement for each form, lines field and kind of thing they name."""
    reading = _Reading(app, conn, actor, Sight(app, conn, actor))
    for form in {form.name for _action, form, _id in wanted}:
        here = [(action, id) for action, one, id in wanted if one.name == form]
        reading.sight.prime(form, [id for _action, id in here])
        _prime_lines(reading, app.definition.forms[form], here)
    views = [reading.view(form, id) for _action, form, id in wanted]
    names = [[name for name in action.shows if name in form.fields] for action, form, _id in wanted]
    for view, shown in zip(views, names, strict=True):
        reading.collect(view, shown)
    reading.find_titles()
    return [reading.record(view, shown) for view, shown in zip(views, names, strict=True)]


def _prime_lines(reading: _Reading, form: Form, wanted: Iterable[tuple[Approve, int]]) -> None:
    lines: dict[str, list[int]] = {}
    for action, id in wanted:
        for name in action.shows:
            if name in form.fields and form.fields[name].kind == "lines":
                lines.setdefault(form.fields[name].form, []).append(id)  # type: ignore[attr-defined]
    for lines_form, ids in lines.items():
        reading.sight.prime_lines(lines_form, ids)


@dataclass
class _Reading:
    """Reads first what the values point at, then tells them."""

    app: Application
    conn: sa.Connection
    actor: Actor
    sight: Sight
    wanted: dict[str, set[int]] = field(default_factory=dict)
    titles: dict[str, Mapping[int, str]] = field(default_factory=dict)

    def view(self, form: Form, id: int) -> View | None:
        row = self.sight.load(form.name, id)
        if row is None or row["deleted_at"] is not None:
            return None
        view = self.sight.view(form, row)
        return view if may_record(self.app, self.actor, "read", form, view) else None

    def seen(self, view: View, names: Iterable[str]) -> list[Field]:
        readable = readable_fields(self.app, self.actor, view.form)
        return [view.form.fields[name] for name in names if readable.has(name, view)]

    def collect(self, view: View | None, names: Iterable[str]) -> None:
        for one in self.seen(view, names) if view is not None else ():
            if one.kind == "lines":
                for line in self._lines(one, view):
                    self.collect(line, self._columns(one))
                continue
            target, value = _target(one), plain(view.read(one.name)) if view is not None else None
            if target and value is not None:
                self.wanted.setdefault(target, set()).update(value if isinstance(value, tuple) else (value,))

    def find_titles(self) -> None:
        self.titles = {target: self._titles(target, ids) for target, ids in self.wanted.items()}

    def _titles(self, target: str, ids: set[int]) -> Mapping[int, str]:
        if target == "_user":
            return records.titles(self.conn, self.app.tables, "_user", ids)
        if target == "_file":
            table = self.app.tables.attachment
            rows = self.conn.execute(sa.select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
            return {row.id: row.name for row in rows}
        known = visible_titles(self.app, self.actor, self.conn, self.app.definition.forms[target], ids)
        return {**dict.fromkeys(ids, HIDDEN), **known}

    # --- telling

    def record(self, view: View | None, names: Iterable[str]) -> ShownRecord | None:
        if view is None:
            return None
        fields = tuple(self._field(one, view) for one in self.seen(view, names))
        return ShownRecord(str(view.row["_title"] or f"#{view.id}"), view.row["version"], fields)

    def _field(self, one: Field, view: View) -> ShownField:
        label = one.label_in(self.actor.language)
        if one.kind == "lines":
            lines = self._lines(one, view)
            columns = [self.seen(line, self._columns(one)) for line in lines]
            texts = [self._line(line, seen) for line, seen in zip(lines, columns, strict=True)]
            kept = [{each.stable_id: _kept(each, line) for each in seen}
                    for line, seen in zip(lines, columns, strict=True)]  # fmt: skip
            return ShownField(one.stable_id, label, "\n".join(texts), kept)
        return ShownField(one.stable_id, label, self._text(one, view), _kept(one, view))

    def _lines(self, one: Field, view: View | None) -> list[View]:
        found = view.read(one.name) if view is not None else ()
        return [line for line in found or () if isinstance(line, View)]

    def _columns(self, one: Field) -> list[str]:
        form = self.app.definition.forms[one.form]  # type: ignore[attr-defined]
        return [name for name, each in form.fields.items() if each.kind != "lines"]

    def _line(self, line: View, seen: Sequence[Field]) -> str:
        return " · ".join(text for one in seen if (text := self._text(one, line)))

    def _text(self, one: Field, view: View) -> str:
        value = plain(view.read(one.name))
        if value is None or value == ():
            return ""
        reader, titles = self.actor.reader(self.app.definition), self.titles.get(_target(one) or "")
        return one.masked(value, reader, titles) if one.sensitive else one.format(value, reader, titles)


def _target(one: Field) -> str | None:
    """The form a link points to, ``_user`` or ``_file``; None for plain values."""
    if one.kind in ("link", "links"):
        return str(getattr(getattr(one, "like", one), "form", "")) or None
    return {"user": "_user", "users": "_user", "files": "_file"}.get(one.kind)


def _kept(one: Field, view: View) -> Any:
    return None if one.sensitive else in_trace(view.read(one.name))


# --- what changed since ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """A shown field that is no longer as somebody saw it."""

    label: str
    before: str
    after: str


def differences(saw: Mapping[str, Any] | None, now: Sequence[ShownField]) -> tuple[Difference, ...]:
    """Which of the fields that are shown now differ from what somebody saw; of others nothing is told."""
    values, texts = (saw or {}).get("values", {}), (saw or {}).get("texts", {})
    return tuple(
        Difference(one.label, str(texts.get(one.name, "")), one.text)
        for one in now
        if one.name in values and values[one.name] != one.value
    )
