"""A sample of the live data as one person may read it, in a SQLite file of its own.

What the person may not read never gets there: rows are picked with their own row filter, fields they may not read are
emptied before they are written, and so are sensitive ones, whose showing in clear would have to be recorded. Secrets,
passwords, sessions, tokens, messages, runs, drafts and what people are told are not copied at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from designer.preview.picking import Picked, Row, pick
from engine.application import Application
from engine.definition import Form
from engine.fields.series import SeriesField
from engine.people import Actor
from engine.permissions import readable_fields
from engine.sight import Sight
from engine.storage import search
from engine.storage.database import Database
from engine.storage.migrate import upgrade
from engine.storage.series import series_name
from engine.storage.tables import linked_form, stored_fields

PEOPLE = 1000
PERSON = ("id", "login", "name", "language", "timezone", "theme", "active", "created_at")
EVENTS = 1500  # of each form
TOLD = 60  # the newest records of each form whose events and comments are there
STAYS = 4000
COMMENTS = 500
FILES = 2000
USERS = ("owner", "created_by", "updated_by")


def make_sample(live: Application, viewer: Actor, path: Path) -> frozenset[str]:
    """Write the sample into a new file; answers the content hashes of the files that may be read through it."""
    database = Database(f"sqlite:///{path}", synchronous="OFF", pool=1)
    try:
        with live.database.read() as source, database.write() as target:
            upgrade(target, live.definition, live.tables, source="", now=live.clock())
            target.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            return _Copy(live, viewer, source, target).made()
    finally:
        database.close()


class _Copy:
    def __init__(self, live: Application, viewer: Actor, source: sa.Connection, target: sa.Connection) -> None:
        self.live, self.viewer, self.source, self.target = live, viewer, source, target
        self.tables = live.tables
        self.picked: Picked = Picked()
        self.people: frozenset[int] = frozenset()
        self.hidden: dict[str, frozenset[str]] = {}  # fields that are emptied on some records at least

    def made(self) -> frozenset[str]:
        self.picked = pick(self.live, self.viewer, self.source)
        self.people = self._copy_people()
        for name in self.picked.rows:
            self._empty(self.live.definition.forms[name])
        files = self._copy_files()
        for name, rows in self.picked.rows.items():
            self._insert(self.tables.form[name], self._closed(name, rows.values()))
            self._index(self.live.definition.forms[name])
        self._copy_links()
        for form in self._told():
            self._copy_events(form)
            self._copy_comments(form)
        self._copy_stays()
        self._copy_beside()
        return files

    # --- people

    def _copy_people(self) -> frozenset[int]:
        """Who there is and in which roles; no password, address or telephone number."""
        tables, user = self.tables, self.tables.user
        columns = [user.c[name] for name in PERSON]
        first = self._read(sa.select(*columns).order_by(user.c.id).limit(PEOPLE))
        viewer = self._read(sa.select(*columns).where(user.c.id == self.viewer.id))
        rows = {row["id"]: row for row in (*first, *viewer)}
        self._insert(user, [*rows.values()])
        groups = self._read(sa.select(tables.group).limit(PEOPLE))
        self._insert(tables.group, groups)
        ids = {row["id"] for row in groups}
        self._insert(tables.group_role, [row for row in self._whole(tables.group_role) if row["group_id"] in ids])
        for table in (tables.user_role, tables.group_member):
            held = (row for row in self._whole(table) if row["user_id"] in rows)
            self._insert(table, [row for row in held if row.get("group_id", None) in {None, *ids}])
        return frozenset(rows)

    def _whole(self, table: sa.Table) -> list[Row]:
        return self._read(sa.select(table).limit(PEOPLE * 8))

    # --- records

    def _empty(self, form: Form) -> None:
        """Take out of the rows what the viewer may not read of them."""
        readable = readable_fields(self.live, self.viewer, form)
        never = {name for name, each in form.fields.items() if each.sensitive or not readable.ever(name)}
        sometimes = {name for name in form.fields if name not in never and not readable.always(name)}
        self.hidden[form.name] = frozenset(never | sometimes)
        shown = self._shown_by_record(form, readable, sometimes) if sometimes else {}
        for id, row in self.picked.rows[form.name].items():
            self._blank(form, row, never | (sometimes - shown.get(id, frozenset())))
        for name in never:
            self.picked.links.pop((form.name, name), None)
        self._empty_links(form, sometimes, shown)

    def _shown_by_record(self, form: Form, readable: Any, names: set[str]) -> dict[int, frozenset[str]]:
        sight = Sight(self.live, self.source, self.viewer)
        rows = self.picked.rows[form.name]
        sight.prime(form.name, rows)
        if form.parent_form:
            sight.prime(form.parent_form, {row["_parent"] for row in rows.values()})
        return {
            id: frozenset(name for name in names if readable.has(name, view))
            for id, row in rows.items()
            if (view := sight.view(form, dict(row)))
        }

    def _blank(self, form: Form, row: Row, names: Iterable[str]) -> None:
        for name in names:
            if name in row:
                row[name] = None

    def _empty_links(self, form: Form, names: set[str], shown: Mapping[int, frozenset[str]]) -> None:
        for name in names:
            kept = self.picked.links.get((form.name, name))
            if kept is not None:
                seen = [row for row in kept if name in shown.get(row["record_id"], ())]
                self.picked.links[form.name, name] = seen

    def _closed(self, name: str, rows: Iterable[Row]) -> list[Row]:
        """The rows with no link to what is not in the sample."""
        form, columns = self.live.definition.forms[name], self.tables.form[name].c
        links = [(each.name, target) for each, _type in stored_fields(form) if (target := linked_form(each))]
        links += [(column, "_user") for column in USERS if column in columns]
        return [{**row, **{link: None for link, to in links if not self._there(to, row[link])}} for row in rows]

    def _there(self, target: str, id: Any) -> bool:
        return id in self.people if target == "_user" else self.picked.has(target, id)

    def _copy_links(self) -> None:
        for (form, name), rows in self.picked.links.items():
            people = self.live.definition.forms[form].fields[name].kind == "users"
            kept = [row for row in rows if not people or row["target_id"] in self.people]
            self._insert(self.tables.link[form, name], kept)

    def _index(self, form: Form) -> None:
        rows = [dict(row) for row in self.picked.rows[form.name].values()]
        search.index_many(self.target, self.tables, form, rows, fresh=True)

    # --- files

    def _copy_files(self) -> frozenset[str]:
        """What is known of the files that stand in a field the viewer may read."""
        ids = list(dict.fromkeys(self._file_ids()))[:FILES]
        table = self.tables.attachment
        rows = self._of_ids(table, table.c.id, ids, table.c.deleted_at.is_(None))
        self._insert(table, [self._without(row, "created_by") for row in rows])
        return frozenset(row["sha256"] for row in rows)

    def _file_ids(self) -> Iterator[int]:
        for name, rows in self.picked.rows.items():
            columns = [each.name for each, _ in stored_fields(self.live.definition.forms[name]) if each.kind == "files"]
            for row in rows.values() if columns else ():
                for column in columns:
                    yield from row[column] or ()

    # --- what happened

    def _told(self) -> list[Form]:
        return [form for name in self.picked.rows if not (form := self.live.definition.forms[name]).parent_form]

    def _newest(self, form: Form) -> list[int]:
        return sorted(self.picked.rows[form.name], reverse=True)[:TOLD]

    def _copy_events(self, form: Form) -> None:
        table, shown = self.tables.event, self._shown_in_events(form)
        here = (table.c.form == form.name, table.c.record_id.in_(self._newest(form)))
        rows = self._read(sa.select(table).where(*here).order_by(table.c.id.desc()).limit(EVENTS))
        alone = {"cause": None, "run_id": None, "batch": None, "trace": None}
        self._insert(table, [
            {**self._without(row, "actor_id"), **alone, "changes": _only(row["changes"], shown)} for row in rows
        ])  # fmt: skip

    def _shown_in_events(self, form: Form) -> frozenset[str]:
        """The stable ids of fields whose every value the viewer may see."""
        hidden = {*self.hidden[form.name], *self._partly_hidden_lines(form)}
        return frozenset(each.stable_id for each in form.fields.values() if each.name not in hidden)

    def _partly_hidden_lines(self, form: Form) -> set[str]:
        lines = (each for each in form.fields.values() if each.kind == "lines")
        return {each.name for each in lines if self.hidden.get(each.form)}  # type: ignore[attr-defined]

    def _copy_comments(self, form: Form) -> None:
        table = self.tables.comment
        here = (table.c.form == form.name, table.c.record_id.in_(self._newest(form)), table.c.deleted_at.is_(None))
        rows = self._read(sa.select(table).where(*here).order_by(table.c.id.desc()).limit(COMMENTS))
        self._insert(table, [self._without(row, "author") for row in rows])

    def _copy_stays(self) -> None:
        table = self.tables.stay
        for form in self._told():
            if form.workflow:
                here = (table.c.form == form.name,)
                rows = self._of_ids(table, table.c.record_id, list(self.picked.rows[form.name]), *here)[:STAYS]
                self._insert(table, [self._without(row, "entered_by", "left_by", "owner") for row in rows])

    def _copy_beside(self) -> None:
        """Shared views, where numbers go on, and who need not have what is required since."""
        tables = self.tables
        self._insert(tables.waiver, [self._without(row, "by_id") for row in self._whole(tables.waiver)])
        view = tables.saved_view
        usable = (view.c.form.in_(list(self.picked.rows)), sa.or_(view.c.shared, view.c.owner == self.viewer.id))
        views = self._read(sa.select(view).where(*usable).limit(COMMENTS))
        self._insert(view, [self._without(row, "owner") for row in views])
        names = [
            series_name(form.name, each) for form in self._told() for each in form.fields.values()
            if isinstance(each, SeriesField) and each.name not in self.hidden[form.name]
        ]  # fmt: skip
        self._insert(tables.series, self._read(sa.select(tables.series).where(tables.series.c.name.in_(names))))

    # --- the parts

    def _without(self, row: Row, *people: str) -> Row:
        """The row naming nobody who is not in the sample."""
        return {**row, **{name: None for name in people if row[name] not in self.people}}

    def _of_ids(self, table: sa.Table, column: Any, ids: Sequence[int], *where: Any) -> list[Row]:
        portions = (ids[start : start + 400] for start in range(0, len(ids), 400))
        return [row for some in portions for row in self._read(sa.select(table).where(column.in_(some), *where))]

    def _read(self, select: sa.Select[Any]) -> list[Row]:
        return [dict(row) for row in self.source.execute(select).mappings()]

    def _insert(self, table: sa.Table, rows: Sequence[Row]) -> None:
        if rows:
            self.target.execute(sa.insert(table), rows)


def _only(changes: Mapping[str, Any] | None, shown: frozenset[str]) -> Mapping[str, Any] | None:
    return None if changes is None else {name: pair for name, pair in changes.items() if name in shown}
