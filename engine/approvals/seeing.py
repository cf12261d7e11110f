"""What somebody who decides sees of the record: the shown fields they may read, as texts and as they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """A field as somebody reads it; ``value`` in its JSON form."""

    name: str
    label: str
    text: str
    value: Any


@dataclass(frozen=True)
class ShownRecord:
    """What somebody may see of a record: nothing of it where they may not read it."""

    title: str
    version: int
    fields: tuple[ShownField, ...]

    def kept(self, at: dt.datetime) -> dict[str, Any]:
        """As it is kept beside a decision: by the stable names of the fields."""
        return {
            "at": at.isoformat(), "version": self.version,
            "values": {one.name: one.value for one in self.fields},
            "texts": {one.name: one.text for one in self.fields},
        }  # fmt: skip


def shown_to(
    app: Application, conn: sa.Connection, actor: Actor, action: Approve, form: Form, record_id: int
) -> ShownRecord | None:
    """The shown fields as this person may read them; None where they may not read the record."""
    sight = Sight(app, conn, actor)
    row = sight.load(form.name, record_id)
    if row is None or row["deleted_at"] is not None:
        return None
    view = sight.view(form, row)
    if not may_record(app, actor, "read", form, view):
        return None
    readable = readable_fields(app, actor, form)
    seen = [form.fields[name] for name in action.shows if name in form.fields and readable.has(name, view)]
    told = _Telling(app, conn, actor)
    fields = tuple(told.field(one, view) for one in seen)
    return ShownRecord(str(row["_title"] or f"#{record_id}"), row["version"], fields)


@dataclass(frozen=True)
class _Telling:
    app: Application
    conn: sa.Connection
    actor: Actor

    def field(self, field: Field, view: View) -> ShownField:
        value = view.read(field.name)
        label = field.label_in(self.actor.language)
        if field.kind == "lines":
            return self._lines(field, label, value)
        kept = in_trace(value)
        return ShownField(field.stable_id, label, self._text(field, value), None if field.sensitive else kept)

    def _lines(self, field: Field, label: str, lines: Any) -> ShownField:
        form = self.app.definition.forms[field.form]  # type: ignore[attr-defined]
        readable = readable_fields(self.app, self.actor, form)
        rows = [line for line in lines or () if isinstance(line, View)]
        texts, kept = [], []
        for line in rows:
            columns = [one for one in form.fields.values() if one.kind != "lines" and readable.has(one.name, line)]
            texts.append(" · ".join(text for one in columns if (text := self._text(one, line.read(one.name)))))
            kept.append({one.stable_id: in_trace(line.read(one.name)) for one in columns if not one.sensitive})
        return ShownField(field.stable_id, label, "\n".join(texts), kept)

    def _text(self, field: Field, value: Any) -> str:
        raw = plain(value)
        if raw is None or raw == ():
            return ""
        reader, titles = self.actor.reader(self.app.definition), self._titles(field, raw)
        return field.masked(raw, reader, titles) if field.sensitive else field.format(raw, reader, titles)

    def _titles(self, field: Field, value: Any) -> Mapping[int, str] | None:
        ids = [value] if isinstance(value, int) else list(value) if isinstance(value, tuple) else []
        if field.kind in ("link", "links"):
            target = str(getattr(getattr(field, "like", field), "form", ""))
            known = visible_titles(self.app, self.actor, self.conn, self.app.definition.forms[target], ids)
            return {**dict.fromkeys(ids, HIDDEN), **known}
        if field.kind in ("user", "users"):
            return records.titles(self.conn, self.app.tables, "_user", ids)
        if field.kind == "files":
            table = self.app.tables.attachment
            rows = self.conn.execute(sa.select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
            return {row.id: row.name for row in rows}
        return None


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
