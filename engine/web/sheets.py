"""A form to fill in, made of what is stored and what is typed over it.

What does not parse counts as empty for everything that depends on it, and is shown as it was typed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.checking import is_empty
from engine.definition import Form
from engine.errors import Invalid
from engine.expressions import EvaluationFailed, View
from engine.fields.base import Field
from engine.formats import Reader
from engine.people import Actor
from engine.permissions import readable_fields, updatable_fields
from engine.sight import Sight
from engine.texts import say
from engine.titles import visible_ids
from engine.web.boxes import Sheet
from engine.web.controls import Controls
from engine.web.seen import Seen, collect, titles_of
from engine.web.typed import Row, Typed
from engine.web.uploads import shown_files

EMPTY: Mapping[str, Any] = {}
DERIVED = frozenset({"computed", "lookup"})


def _links(form: Form, row: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, int]]]:
    """(field, (form, id)) of every link in a row."""
    for name, value in row.items():
        if value is not None and (field := form.fields.get(name)) is not None and field.kind == "link":
            yield name, (field.form, value)  # type: ignore[attr-defined]


class SheetMaker:
    """Makes the sheet of one form for one person inside one read transaction."""

    def __init__(self, conn: sa.Connection, app: Application, who: Actor, form: Form) -> None:
        self.conn, self.app, self.who, self.form = conn, app, who, form
        self.controls = Controls(conn)
        self.reader: Reader = who.reader(app.definition)
        self.loader = Sight(app, conn, who)
        self.problems: dict[str, list[str]] = {}
        self.followed: dict[tuple[str, int], bool] = {}  # (form, id) of what links point to → whether it may be seen

    def make(self, seen: Seen | None, typed: Typed, problems: Mapping[str, Sequence[str]] | None = None) -> Sheet:
        """``seen`` None: a new record. ``problems`` by path on the form; without them, what does not parse."""
        given = self._parsed(self.form, typed.raw, "")
        stored = dict(seen.row) if seen else self.defaults(self.form, given)
        row = {**stored, **self._open(self.form, given, stored if seen else EMPTY)}
        typed, line_rows = self._lines(stored, typed)
        row.update(line_rows)
        view = View(self.form, _without_derived(self.form, row), self.loader, seen.id if seen else None)
        rows = {name: self._line_views(name, line_rows[name], view) for name in line_rows}
        live = {name: [line for line, kept in zip(views, typed.lines[name], strict=True) if not kept.deleted]
                for name, views in rows.items()}  # fmt: skip
        view.row.update({name: [line.row for line in views] for name, views in live.items()})  # type: ignore[attr-defined]
        view._cache.update({name: tuple(views) for name, views in live.items()})
        readable, updatable = self._rights(seen, view)
        wanted = self._wanted(row, line_rows)
        self.controls.files = shown_files(self.conn, self.app, wanted.get("_file", ()))
        self.controls.sheet = sheet = Sheet(
            form=self.form,
            forms=self.app.definition.forms,
            registry=self.app.registry,
            reader=self.reader,
            view=view,
            names=self.loader.names,
            readable=readable,
            updatable=updatable,
            typed=typed,
            draw=self.controls.draw,
            url=f"/{self.form.name}",
            line_rows={name: tuple(views) for name, views in rows.items()},
            blanks={name: self._blank(name, view) for name in rows},
            problems=self.problems if problems is None else problems,
            titles=titles_of(self.conn, self.app, self.who, wanted),
            exempt=self._exempt,
        )
        return sheet

    def _exempt(self, one: Field, view: View) -> bool:
        """A record that was there before the field was required, and has no value in it."""
        id = view.row.get("id")
        if not self.app.waivers.of(view.form.name).exempts(one.name, id):
            return False
        return is_empty((self.loader.load(view.form.name, int(id or 0)) or {}).get(one.name))

    # --- values

    def defaults(self, form: Form, given: Mapping[str, Any] = EMPTY) -> dict[str, Any]:
        """What a new record starts with; ``given``: values it has already, which defaults may follow from. A link to
        what the person may not see leads nowhere."""
        plan = self.app.plans.form(form)
        row: dict[str, Any] = {**plan.constants, **self._open(form, given, EMPTY)}
        view = View(form, row, self.loader)
        for name, compiled in plan.defaults.items():
            if name in given:
                continue
            try:
                row[name] = compiled.evaluate({**self.loader.names, "record": view})
            except EvaluationFailed:
                row[name] = None
        return row

    def _open(self, form: Form, given: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
        """What was typed, for working things out: a link to what the person may not see, where it does not stand
        already, leads nowhere."""
        self._look(form, [given])
        closed = {name for name, key in _links(form, given) if not self.followed[key] and kept.get(name) != key[1]}
        return {name: None if name in closed else value for name, value in given.items()}

    def _look(self, form: Form, rows: Sequence[Mapping[str, Any]]) -> None:
        """Which records the links of these rows point to may be seen: one statement for each form not looked at yet."""
        wanted: dict[str, set[int]] = {}
        for target, id in {key for row in rows for _name, key in _links(form, row)} - self.followed.keys():
            wanted.setdefault(target, set()).add(id)
        for target, ids in wanted.items():
            visible = visible_ids(self.app, self.who, self.conn, self.app.definition.forms[target], ids)
            self.followed.update({(target, id): visible is None or id in visible for id in ids})

    # --- rows nobody typed into

    def with_first_rows(self, typed: Typed) -> Typed:
        """A new record begins with one empty row to type into; left as it is, it is not saved."""
        for field in self._lines_fields():
            if not typed.lines.get(field.name):
                typed = typed.with_lines(field.name, (Row("0", {}),))
        return typed

    def without_untouched(self, typed: Typed) -> Typed:
        """New rows that hold nothing but their defaults count as empty."""
        for name, rows in typed.lines.items():
            form = self._line_form(name)
            defaults = self.defaults(form)
            texts = {key: form.fields[key].text(value, self.reader) for key, value in defaults.items()}
            kept = tuple(
                replace(row, raw={}) if row.id is None and all(
                    value == texts.get(key, value if not value or value == "false" else None)
                    for key, value in row.raw.items()
                ) else row
                for row in rows
            )  # fmt: skip
            typed = typed.with_lines(name, kept)
        return typed

    def with_defaults(self, typed: Typed, *, creating: bool) -> Typed:
        """What is required and left empty in something new is left to its default, which may follow from what was
        chosen since the page was drawn."""
        raw = self._not_left_empty(self.form, typed.raw) if creating else typed.raw
        for name, rows in typed.lines.items():
            form = self._line_form(name)
            kept = (replace(row, raw=self._not_left_empty(form, row.raw)) if row.id is None else row for row in rows)
            typed = typed.with_lines(name, tuple(kept))
        return replace(typed, raw=raw)

    def _not_left_empty(self, form: Form, raw: Mapping[str, Any]) -> dict[str, Any]:
        known = self.app.plans.form(form).defaults
        return {name: value for name, value in raw.items()
                if value not in ("", None) or name not in known or not form.fields[name].required}  # fmt: skip

    def _line_form(self, name: str) -> Form:
        return self.app.definition.forms[self.form.fields[name].form]  # type: ignore[attr-defined]

    def _parsed(self, form: Form, raw: Mapping[str, Any], at: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, typed in raw.items():
            field = form.fields.get(name)
            if field is None:
                continue
            try:
                values[name] = field.parse(typed, self.reader)
            except Invalid as invalid:
                values[name] = None
                self.problems[at + name] = [say(invalid.reason, self.reader.language)]
        return values

    # --- lines

    def _lines(self, stored: Mapping[str, Any], typed: Typed) -> tuple[Typed, dict[str, list[dict[str, Any]]]]:
        """The typed rows (the stored ones where none were on the form) and what each would be as a row."""
        found: dict[str, list[dict[str, Any]]] = {}
        for field in self.form.fields.values():
            if field.kind == "lines":
                kept = self._stored_lines(field, stored)
                if field.name not in typed.lines:
                    rows = tuple(Row(str(number), {}, row["id"]) for number, row in enumerate(kept.values()))
                    typed = typed.with_lines(field.name, rows)
                rows = typed.lines[field.name]
                given = {row.key: self._parsed(self._line_form(field.name), row.raw, f"{field.name}.{row.key}.")
                         for row in rows}  # fmt: skip
                self._look(self._line_form(field.name), list(given.values()))
                found[field.name] = [self._line(field, row, kept, given[row.key]) for row in rows]
        return typed, found

    def _stored_lines(self, field: Field, stored: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
        if stored.get("id") is None:
            return {}
        return {row["id"]: row for row in self.loader.lines(field.form, stored["id"])}  # type: ignore[attr-defined]

    def _line(
        self, field: Field, row: Row, kept: Mapping[int, Mapping[str, Any]], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        base = kept[row.id] if row.id in kept else self.defaults(self._line_form(field.name), given)  # type: ignore[index]
        return {**base, **self._open(self._line_form(field.name), given, kept.get(row.id or 0, EMPTY))}

    def _line_views(self, name: str, rows: Sequence[Mapping[str, Any]], parent: View) -> list[View]:
        form = self.app.definition.forms[self.form.fields[name].form]  # type: ignore[attr-defined]
        return [self._line_view(form, row, parent) for row in rows]

    def _line_view(self, form: Form, row: Mapping[str, Any], parent: View) -> View:
        view = View(form, _without_derived(form, row), self.loader)
        view._cache["parent"] = parent  # the record as typed, not as stored
        return view

    def _blank(self, name: str, parent: View) -> View:
        form = self.app.definition.forms[self.form.fields[name].form]  # type: ignore[attr-defined]
        return self._line_view(form, self.defaults(form), parent)

    # --- rights and titles

    def _rights(self, seen: Seen | None, view: View) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
        """Rights are asked of what is stored, never of what is typed; of a new record there is nothing else."""
        asked = seen.view if seen else view
        names = [self.form.name, *(field.form for field in self._lines_fields())]  # type: ignore[attr-defined]
        readable, updatable = {}, {}
        for name in names:
            form = self.app.definition.forms[name]
            target = asked if form is self.form else self._line_view(form, {"_parent": asked.id}, asked)
            readable[name] = readable_fields(self.app, self.who, form).of(target)
            updatable[name] = updatable_fields(self.app, self.who, form, creating=seen is None).of(target)
        return readable, updatable

    def _lines_fields(self) -> Iterator[Field]:
        return (field for field in self.form.fields.values() if field.kind == "lines")

    def _wanted(self, row: Mapping[str, Any], lines: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, set[int]]:
        wanted: dict[str, set[int]] = {}
        collect(self.form.fields.values(), row, wanted)
        for field in self._lines_fields():
            columns = list(self.app.definition.forms[field.form].fields.values())  # type: ignore[attr-defined]
            for line in lines.get(field.name, ()):
                collect(columns, line, wanted)
        return wanted


def _without_derived(form: Form, row: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is worked out from the rest, so that it is worked out from what is typed."""
    derived = {field.name for field in form.fields.values() if field.type in DERIVED}
    return {name: value for name, value in row.items() if name not in derived}
