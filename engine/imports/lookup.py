"""From texts to records and people that are there: one statement per link column for a few hundred rows at a time."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.errors import Invalid, Message, message
from engine.fields.base import Field
from engine.formats import HIDDEN
from engine.imports.bundles import Bundle
from engine.imports.mapping import ID, Settings, Target, Targets, linked_form, ways_of
from engine.people import Actor
from engine.permissions import row_filter
from engine.sight import Row

MOST_KNOWN = 50_000  # texts remembered per column
_NUMBER = re.compile(r"#\s*(\d{1,18})", re.ASCII)
_ID = re.compile(r"#?\s*(\d{1,18})", re.ASCII)
_SEVERAL = re.compile(r"[,，、;；\n]")


class Ambiguous(int):
    """How many records a text could mean."""


class Rehearsed:
    """A record an earlier row of the file makes: it is there only once the file is brought in."""


REHEARSED = Rehearsed()
Found = int | Ambiguous | Rehearsed


class Lookup:
    """What texts of a file mean, for one person. ``prepare`` a chunk, then ask."""

    def __init__(self, app: Application, actor: Actor, form: Form, targets: Targets, settings: Settings) -> None:
        self._app, self._actor, self._form, self._settings = app, actor, form, settings
        self._reader = actor.reader(app.definition)
        self._targets = {name: targets[name] for name in settings.used}
        self._known: dict[str, dict[str, Found]] = defaultdict(dict)
        self._asked: dict[str, set[str]] = defaultdict(set)
        self._keys: dict[Any, int] = {}
        self._key_rows: dict[Any, int] = {}
        self.stored: dict[int, Row] = {}

    # --- a chunk

    def prepare(self, conn: sa.Connection, chunk: Collection[Bundle]) -> None:
        """Look up every text of these records that was not looked up before, and the records they change."""
        for name, target in self._targets.items():
            if target.field.kind in _PLURAL:
                self._prepare_column(conn, target, _texts_of(name, chunk))
        self._prepare_keys(conn, chunk)

    def prepare_again(self, conn: sa.Connection, chunk: Collection[Bundle]) -> None:
        """After a transaction was lost: what it made is not there."""
        self._known.clear()
        self._asked.clear()
        self.prepare(conn, chunk)

    def _prepare_column(self, conn: sa.Connection, target: Target, texts: Iterable[str]) -> None:
        known, asked = self._known[target.name], self._asked[target.name]
        if len(asked) > MOST_KNOWN:
            known.clear()
            asked.clear()
        wanted = {one for text in texts for one in self._parts(target, text)} - asked
        asked |= wanted
        if not wanted or self._settings.ways.get(target.name) == ID:
            return
        people = target.field.kind in ("user", "users")
        statement = self._people(wanted) if people else self._records(target, wanted)
        for id, *texts_of_row in conn.execute(statement):
            for text in {str(one) for one in texts_of_row if one is not None} & wanted:
                known[text] = _together(known.get(text), id)

    def _parts(self, target: Target, text: str) -> list[str]:
        if target.field.kind not in ("links", "users") or not text:
            return [text] if text else []
        parts = [part.strip() for part in _SEVERAL.split(text)]
        return [text, *(part for part in parts if part)]  # a title may itself hold a comma

    def _people(self, wanted: set[str]) -> sa.Select[Any]:
        user = self._app.tables.user
        return sa.select(user.c.id, user.c.login, user.c.name).where(
            user.c.active, sa.or_(user.c.login.in_(wanted), user.c.name.in_(wanted))
        )

    def _records(self, target: Target, wanted: set[str]) -> sa.Select[Any]:
        form = linked_form(self._app, target)
        assert form is not None  # only links are asked for
        table = self._app.tables.form[form.name]
        columns = [table.c[name] for name in self._way(target)]
        values: dict[Any, list[Any]] = {column: _values(form, column.name, wanted, self._reader) for column in columns}
        allowed = row_filter(self._app, self._actor, "read", form)
        select = sa.select(table.c.id, *columns).where(
            table.c.deleted_at.is_(None),
            sa.or_(sa.false(), *(column.in_(some) for column, some in values.items() if some)),
        )
        return select if allowed is None else select.where(allowed)

    def _way(self, target: Target) -> list[str]:
        """The columns a link is recognised by; without a choice the title and whatever is unique and a text."""
        chosen = self._settings.ways.get(target.name)
        if chosen:
            return [chosen]
        return ["_title", *(one.name for one in ways_of(self._app, target) if one.kind == "text")]

    # --- one text

    def link(self, target: Target, text: str) -> tuple[int | Rehearsed | tuple[int, ...] | None, Message | None]:
        """The id or ids a text means, or why it means none."""
        if target.field.kind in ("link", "user"):
            return self._one(target, text)
        whole = self._known[target.name].get(text)
        if isinstance(whole, int) and not isinstance(whole, Ambiguous):
            return (whole,), None
        ids: list[int] = []
        for part in (part.strip() for part in _SEVERAL.split(text)):
            if part:
                id, problem = self._one(target, part)
                if problem is not None:
                    return None, problem
                ids += [id] if isinstance(id, int) else []
        return tuple(dict.fromkeys(ids)), None

    def _one(self, target: Target, text: str) -> tuple[int | Rehearsed | None, Message | None]:
        by_number = (_ID if self._settings.ways.get(target.name) == ID else _NUMBER).fullmatch(text)
        if by_number:
            return int(by_number[1]), None  # whether there is such a record the walk asks
        found = self._known[target.name].get(text)
        if isinstance(found, Ambiguous):
            return None, message("{label}: {count} records are called “{got}”; say which one by #number.",
                                 label=target.title, count=int(found), got=text[:60])  # fmt: skip
        if found is None:
            return None, self._not_found(target, text)
        return found, None

    def _not_found(self, target: Target, text: str) -> Message:
        if text == HIDDEN:
            return message("{label}: the value is hidden in this file.", label=target.title)
        form = linked_form(self._app, target)
        if form is None:
            return message("{label}: there is no user “{got}”.", label=target.title, got=text[:60])
        return message("{label}: there is no {form} “{got}”.", label=target.title, form=form.label, got=text[:60])

    # --- the record a row means

    def _prepare_keys(self, conn: sa.Connection, chunk: Collection[Bundle]) -> None:
        key = self._settings.key
        self._keys, self.stored = {}, {}
        if self._settings.mode == "create" or key is None:
            return
        table = self._app.tables.form[self._form.name]
        values = {value for one in chunk if (value := self.key_value(one)) is not None}
        select = sa.select(table).where(table.c[key].in_(values), table.c.deleted_at.is_(None))
        allowed = row_filter(self._app, self._actor, "read", self._form)
        for row in conn.execute(select if allowed is None else select.where(allowed)).mappings():
            self._keys[row[key]] = row["id"]
            self.stored[row["id"]] = dict(row)

    def key_value(self, bundle: Bundle) -> Any:
        """What the record is recognised by; None where there is nothing, or nothing that can be read."""
        key = self._settings.key
        if key is None or self._settings.mode == "create":
            return None
        text = bundle.values.get(key, "")
        if key == ID:
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        try:
            return self._targets[key].field.parse(text, self._reader)
        except Invalid:
            return None

    def record_of(self, bundle: Bundle) -> int | None:
        value = self.key_value(bundle)
        return None if value is None else self._keys.get(value)

    def repeated(self, bundle: Bundle) -> int | None:
        """The earlier row with the same key, if there is one."""
        value = self.key_value(bundle)
        if value is None:
            return None
        earlier = self._key_rows.setdefault(value, bundle.first)
        return None if earlier == bundle.first else earlier

    # --- records the file itself makes

    def learn(self, row: Mapping[str, Any], *, rehearsed: bool) -> None:
        """Later rows may link to a record that an earlier one has made."""
        for name, target in self._targets.items():
            form = linked_form(self._app, target)
            if form is None or form.name != self._form.name:
                continue
            for column in self._way(target):
                text = row.get(column)
                if text:
                    self._asked[name].add(str(text))
                    new: Found = REHEARSED if rehearsed else row["id"]
                    self._known[name][str(text)] = _together(self._known[name].get(str(text)), new)


_PLURAL = frozenset({"link", "links", "user", "users"})


def _together(earlier: Found | None, new: Found) -> Found:
    if earlier is None or earlier == new:
        return new
    return Ambiguous(int(earlier) + 1 if isinstance(earlier, Ambiguous) else 2)


def _texts_of(name: str, chunk: Iterable[Bundle]) -> Iterator[str]:
    lines, _, inner = name.partition(".")
    for bundle in chunk:
        if inner:
            yield from (line.get(inner, "") for _row, line in bundle.lines.get(lines, ()))
        else:
            yield bundle.values.get(name, "")


def _values(form: Form, column: str, texts: Iterable[str], reader: Any) -> list[Any]:
    """The texts as the column keeps them; those it cannot hold are left out."""
    if column not in form.fields:
        return list(texts)
    one: Field = form.fields[column]
    found = []
    for text in texts:
        try:
            found.append(one.parse(text, reader))
        except Invalid:
            continue
    return found
