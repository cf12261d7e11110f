"""What differs between the tables as they are and a definition, as steps in the order they must be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from engine.definition import AppDefinition, Form
from engine.errors import Message, message
from engine.formats import Reader
from engine.storage import requirements, steps
from engine.storage.archive import FORM, LINKS, Archives
from engine.storage.asking import Asking
from engine.storage.catalog import Catalog
from engine.storage.comebacks import kept_shape, link_table, pair_forms
from engine.storage.decisions import Decisions
from engine.storage.fieldchanges import find_field_changes
from engine.storage.namechanges import find_role_changes, find_stored_names
from engine.storage.notes import Notes
from engine.storage.search import searched_fields
from engine.storage.shape import Shape, shape_of_pace
from engine.storage.statechanges import find_state_changes
from engine.storage.steps import Step
from engine.storage.tables import Tables
from engine.storage.workedout import find_rule_changes, work_out_anew

DROP_INDEXES, MOVE_AWAY, RENAME, CREATE, FILL, INDEX, VALUES, NOTE = range(8)


class Changes:
    """Collects the steps from one old shape to one definition: ``find`` once, then ``steps``.

    ``table_now`` and ``column_now`` say where a table or column of the definition stands before anything is renamed;
    ``moved`` are tables that leave their name, those ``away`` for the archive; ``replaced`` columns that are made anew
    under a name still in use, ``returned`` those that come back from the archive. ``called``: forms and what they are
    called from now on, which for one that is gone is the table that keeps it. ``touched``: forms whose records get
    other values.
    """

    def __init__(
        self,
        conn: sa.Connection,
        definition: AppDefinition,
        tables: Tables,
        catalog: Catalog,
        old: Shape,
        now: dt.datetime,
        decisions: Decisions = MappingProxyType({}),
    ) -> None:
        self.conn, self.definition, self.tables, self.catalog, self.now = conn, definition, tables, catalog, now
        self.old: Shape = {key: {**entry, "identity": key, "key": key} for key, entry in old["forms"].items()}
        self.whole = old
        self.asking = Asking(decisions)
        self.archives = Archives(conn, catalog)
        self.notes = Notes(self.archives, tables, now, definition.hash)
        self.reader = Reader(definition.languages[0], definition.timezone, definition.currency)
        self.name_of_key: dict[str, str] = {}
        self.table_now: dict[str, str] = {}
        self.column_now: dict[tuple[str, str], str] = {}
        self.called: dict[str, str] = {}
        self.moved: set[str] = set()
        self.away: set[str] = set()
        self.replaced: set[tuple[str, str]] = set()
        self.returned: set[tuple[str, str]] = set()
        self.converted: set[tuple[str, str]] = set()
        self.touched: set[str] = set()
        self.recompute: list[tuple[str, str]] = []
        self.reindex: list[str] = []
        self.restated: list[tuple[str, str]] = []
        self.reforecast: list[str] = []
        self._names: set[tuple[str, str]] = set()
        self._found: list[tuple[int, bool, Step]] = []

    def add(
        self, phase: int, text: Message, do: steps.Do, *, explicit: bool = False, impossible: bool = False,
        question: str = "",
    ) -> None:  # fmt: skip
        self._found.append((phase, explicit or impossible, Step(text, do, impossible, question)))

    def steps(self) -> list[tuple[Step, bool]]:
        """(step, explicit) in the order they must be done."""
        return [(step, explicit) for _phase, explicit, step in sorted(self._found, key=lambda found: found[0])]

    def find(self) -> None:
        pairs = pair_forms(self)
        self.name_of_key = {key: name for key, name in pairs if key and name}
        self._renamed_forms()
        for key, name in pairs:
            if key is not None and name is not None:
                self._kept_form(self.old[key], self.definition.forms[name])
            elif key is not None:
                self._gone_form(self.old[key])
        self._follow_forms()
        for table in self.tables.all():
            if self._stands(table):
                self._columns(table)
        self._new_tables()
        self._indexes()
        find_role_changes(self, self.whole)
        find_rule_changes(self, self.whole)
        work_out_anew(self)
        self._remember()

    def present_name(self, old_form: str | None) -> str | None:
        """What a form of the old shape is called now, None if it is gone."""
        found = (key for key, entry in self.old.items() if entry["name"] == old_form and key in self.name_of_key)
        return self.name_of_key.get(next(found, ""))

    def identity_now(self, old: Shape) -> str:
        """The stable id of a form of the old shape, the present one where it is there still."""
        name = self.name_of_key.get(old["key"])
        return self.definition.forms[name].stable_id if name else str(old["identity"])

    # --- forms

    def _renamed_forms(self) -> None:
        kept = {self.old[key]["name"]: name for key, name in self.name_of_key.items()}
        renames = {old: new for old, new in kept.items() if old != new and old in self.catalog.columns}
        back = {entry["name"] for entry in self.old.values() if "back" in entry}
        for old, new in renames.items():
            text = message("Form {old} is now called {new}.", old=old, new=new)
            if old in back:
                text = message("Form {form} comes back with its {count} records.", form=new, count=self.count(old))
            self.add(RENAME, text, nothing)
        if renames:
            self.called.update(renames)
            do = partial(_rename_tables, renames=renames)
            self.add(RENAME, message("What belongs to renamed forms moves with them."), do)
            self.moved.update(renames)

    def _gone_form(self, old: Shape) -> None:
        name = old["name"]
        if name not in self.catalog.columns:
            return
        count, kept = self.count(name), self.free_name(name)
        self.moved.add(name)
        self.away.add(name)
        self.called[name] = kept
        text = message(
            "Form {form} is gone; its {count} records are kept in the table {kept}.", form=name, count=count, kept=kept
        )
        question = requirements.form_gone(self, old) if count else ""
        do = partial(steps.rename_table, old=name, new=kept)
        self.add(MOVE_AWAY, text, do, explicit=count > 0, question=question)
        shape = kept_shape(self, old)
        self.archives.keep(FORM, self.identity_now(old), kept, shape)
        for field in shape["fields"].values():
            if field["type"] == "links":
                self.move_away(link_table(old, field), old, field, question)

    def _follow_forms(self) -> None:
        if self.called:
            do = partial(_follow, changes=self, renames=dict(self.called), present=self.catalog.columns)
            self.add(RENAME, message("History, files and comments of these forms follow."), do)

    def _kept_form(self, old: Shape, form: Form) -> None:
        if old["name"] not in self.catalog.columns:
            return
        self.table_now[form.name] = old["name"]
        self.notes.rename(old["identity"], form.stable_id)
        if old["title"] != form.title:
            self.add(FILL, message("The titles of form {form} are made anew.", form=form.name), nothing)
            self.recompute.append((form.name, "_title"))
        if old["search"] != [field.stable_id for field in searched_fields(form)]:
            self.add(FILL, message("The search index of form {form} is made anew.", form=form.name), nothing)
            self.reindex.append(form.name)
        find_field_changes(self, old, form)
        find_state_changes(self, old, form)
        self._pace(old, form)
        requirements.find(self, old, form)
        find_stored_names(self, old, form)

    def _pace(self, old: Shape, form: Form) -> None:
        """Other expected times, or a database from before there were expected ends."""
        new = shape_of_pace(form, self.definition)
        if form.workflow and old.get("pace", []) != new and "state" in self.catalog.columns[old["name"]]:
            text = message("The expected ends of form {form} are worked out anew.", form=form.name)
            self.add(FILL, text, nothing)
            self.reforecast.append(form.name)

    def move_away(self, table: str, old: Shape, entry: Shape, question: str = "") -> None:
        """Keep a link table under another name."""
        if table not in self.catalog.columns or table in self.moved:
            return
        kept, count = self.free_name(table), self.count(table, "record_id")
        self.moved.add(table)
        self.away.add(table)
        text = message("The links in {table} are kept in the table {kept}.", table=table, kept=kept)
        if count and not question:
            question = requirements.links_gone(self, old, entry, table)
        do = partial(steps.rename_table, old=table, new=kept)
        self.add(MOVE_AWAY, text, do, explicit=count > 0, question=question)
        self.archives.keep(LINKS, self.identity_now(old), kept, entry, field=entry["identity"])

    # --- tables, columns, indexes: by what is really there

    def _stands(self, table: sa.Table) -> bool:
        return table.name in self.table_now or (table.name in self.catalog.columns and table.name not in self.moved)

    def _new_tables(self) -> None:
        fresh = [table for table in self.tables.all() if not self._stands(table)]
        for table in fresh:
            if table.name in self.tables.form and self.old:
                self.add(CREATE, message("New form {form}.", form=table.name), nothing)
        if fresh:
            create = partial(self.tables.create, tables=fresh)
            self.add(CREATE, message("{count} new tables.", count=len(fresh)), create)

    def _columns(self, table: sa.Table) -> None:
        present = self.catalog.columns[self.table_now.get(table.name, table.name)]
        for column in table.c:
            place = (table.name, column.name)
            kept = self.column_now.get(place, column.name) in present and place not in self.replaced
            if kept or place in self.returned:
                continue
            text = message("New column {column} of {table}.", column=column.name, table=table.name)
            self.add(CREATE, text, partial(steps.add_column, column=column))
            self._fill(table, column)

    def _fill(self, table: sa.Table, column: sa.Column[Any]) -> None:
        """What the records there are get in a new column."""
        if column.name == "state_since":
            self._set(table, column, table.c.updated_at)
        form = self.definition.forms.get(table.name)
        field = form.fields.get(column.name) if form else None
        if field is None or (table.name, column.name) in self.converted:
            return
        if field.type in ("computed", "rollup"):
            self.recompute.append((table.name, column.name))
        elif field.default is not None:
            self._set(table, column, field.parse(field.default, self.reader))

    def _set(self, table: sa.Table, column: sa.Column[Any], content: Any) -> None:
        text = message("{column} of {table} is filled for all records.", column=column.name, table=table.name)
        self.add(FILL, text, _execute(sa.update(table).values({column: content})))

    def _remember(self) -> None:
        if self.notes.any:
            self.add(NOTE, message("What is put aside and what was decided is remembered."), self.notes.write)

    def _indexes(self) -> None:
        wanted = {str(index.name): index for table in self.tables.all() for index in table.indexes}
        managed = {name for name in self.catalog.indexes if name.startswith(("ix_", "ux_"))}
        left = {name for name in managed if self.catalog.indexes[name] in self.away}
        for name in sorted((managed - wanted.keys()) | left):
            if not name.startswith(("ix__", "ux__")):
                text = message("The index {name} is not needed any more.", name=name)
                self.add(DROP_INDEXES, text, partial(steps.drop_index, name=name))
        for name, index in wanted.items():
            missing = name not in managed or name in left
            if index.table is not None and missing and self._stands(index.table):
                self._unique(index.table, index)
                self.add(INDEX, message("New index {name}.", name=name), index.create)

    def _unique(self, table: sa.Table, index: sa.Index) -> None:
        """A unique index needs unique values: say so before the database does."""
        here = self.table_now.get(table.name)
        names = [self.column_now.get((table.name, column.name), column.name) for column in index.columns]
        if not index.unique or here is None or not self.catalog.columns[here].issuperset(names):
            return
        requirements.unique(self, table, here, index, names)

    # --- for the parts

    def count(self, table: str, column: str = "id") -> int:
        """Rows of a table that have a value in the column."""
        now = steps.lightweight(table, ((column, sa.Text()),))
        select = sa.select(sa.func.count()).select_from(now).where(now.c[column].is_not(None))
        return int(self.conn.execute(select).scalar_one())

    def free_name(self, name: str, table: str = "") -> str:
        """Where a table, or a column of ``table``, is kept when the definition does not name it any more."""
        present = self.catalog.columns[table] if table else self.catalog.columns.keys()
        taken = {*present, *(known for place, known in self._names if place == table)}
        found = steps.gone_name(name, self.now.date(), taken)
        self._names.add((table, found))
        return found

    def beside(self, kept: str, table: str) -> str:
        """The name of the column that keeps what the values of an archive became."""
        name = f"_then{kept.removeprefix('_gone')}"
        self._names.add((table, name))
        return name


def nothing(conn: sa.Connection) -> None:
    """The step is said to people; another one does the work, or none is left."""


def _execute(statement: Any) -> Callable[[sa.Connection], None]:
    def do(conn: sa.Connection) -> None:
        conn.execute(statement)

    return do


def _rename_tables(conn: sa.Connection, renames: Mapping[str, str]) -> None:
    steps.rename_all(renames, partial(steps.rename_table, conn))


def _follow(conn: sa.Connection, changes: Changes, renames: dict[str, str], present: Collection[str]) -> None:
    """What belongs to records knows their form by its name; that of a form that is gone goes with its table."""
    tables = changes.tables
    with steps.renaming_events(conn, tables, renames, now=changes.now):
        for name in steps.NAMED_AFTER_FORMS:
            if tables.system[name].name in present:
                steps.replace_values(conn, tables.system[name], "form", renames)
    series = tables.series
    parts = [name.partition(".") for name in conn.scalars(sa.select(series.c.name).distinct())]
    renamed = {f"{form}.{rest}": f"{renames[form]}.{rest}" for form, _dot, rest in parts if form in renames}
    if renamed:
        steps.replace_values(conn, series, "name", renamed)
