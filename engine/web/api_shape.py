"""Records as JSON for one person: what they may read, ids with the titles of what they point at, nothing in clear that
is sensitive. Values are gathered first, then the titles of all of them are read with one statement per form.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine import fetching, formats
from engine.application import Application
from engine.columns import Columns, columns_of
from engine.definition import Form
from engine.expressions import View
from engine.fields.base import Field
from engine.filling import fill
from engine.formats import Reader
from engine.language import SYSTEM_FIELDS, SYSTEM_MOMENTS
from engine.people import Actor
from engine.permissions import readable_fields
from engine.queries import ListQuery
from engine.sight import Row, Sight
from engine.storage import records
from engine.web.boxes import value_of
from engine.web.context import actor, application, reader
from engine.web.seen import Seen, collect, points_at, titles_of

Json = dict[str, Any]
Titles = Mapping[str, Mapping[int, str]]
PEOPLE = ("owner", "created_by", "updated_by")


@dataclass
class Gathered:
    """One record or line before it is told. ``values``: of the fields that may be read here, and no others."""

    head: Json
    fields: Sequence[Field]
    values: Mapping[str, Any]
    lines: Mapping[str, list[Gathered]] = field(default_factory=dict)


def moment(value: dt.datetime | None) -> str | None:
    """As fields of records write moments: UTC, to the second."""
    return None if value is None else formats.utc(value).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- one record ------------------------------------------------------------------------------------------------------


def record_json(conn: sa.Connection, seen: Seen) -> Json:
    """Everything of the record the actor may read, lines included."""
    app, who = application(), actor()
    view = View(seen.form, seen.row, seen.view.loader)
    plain = [one for one in seen.form.fields.values() if one.name in seen.fields and one.kind != "lines"]
    gathered = Gathered(
        _head(seen.form, seen.row, app),
        plain,
        {one.name: value_of(view, one) for one in plain},
        _lines(app, who, seen.form, view, seen.fields),
    )
    return tell(conn, [gathered])[0]


def _head(form: Form, row: Row, app: Application, names: Iterable[str] | None = None) -> Json:
    """``names``: of the system fields; default: those this form has."""
    columns = app.tables.form[form.name].c
    wanted = SYSTEM_FIELDS if names is None else names
    head: Json = {"id": row["id"], "title": row["_title"] or f"#{row['id']}"}
    for name in wanted:
        value = row.get(name)
        if name in columns and name in row and not (name == "deleted_at" and value is None):
            head[name] = moment(value) if name in SYSTEM_MOMENTS else value
    return head


def _lines(app: Application, who: Actor, form: Form, view: View, readable: Iterable[str]) -> dict[str, list[Gathered]]:
    return {
        name: _rows(app, who, app.definition.forms[form.fields[name].form], view)  # type: ignore[attr-defined]
        for name in form.fields
        if form.fields[name].kind == "lines" and name in readable
    }


def _rows(app: Application, who: Actor, form: Form, around: View) -> list[Gathered]:
    allowed = readable_fields(app, who, form)
    columns = [one for one in form.fields.values() if one.kind != "lines" and allowed.ever(one.name)]
    many = app.plans.form(form).many
    rows = around.loader.lines(form.name, int(around.id or 0))
    links = _links_of(around.loader, form, many, rows)
    return [_row(form, {**row, **links.get(row["id"], {})}, columns, allowed, around) for row in rows]


def _links_of(sight: Any, form: Form, many: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> dict[int, Json]:
    """Links fields of lines stand in tables of their own."""
    found: dict[int, Json] = {}
    for name in many if rows else ():
        ids = records.links_of(sight.conn, sight.app.tables, form.name, name, [row["id"] for row in rows])
        for id, targets in ids.items():
            found.setdefault(id, {})[name] = targets
    return found


def _row(form: Form, row: Row, columns: Sequence[Field], allowed: Any, around: View) -> Gathered:
    view = View(form, row, around.loader)
    shown = [one for one in columns if allowed.has(one.name, view)]
    return Gathered({"id": row["id"]}, shown, {one.name: value_of(view, one) for one in shown})


# --- a page of records -----------------------------------------------------------------------------------------------


def page_json(conn: sa.Connection, query: ListQuery, *, lines: bool = False) -> Json:
    """``records`` and the cursors ``after`` and ``before`` (None: there is no such page)."""
    app, who, form = application(), actor(), query.form
    columns = columns_of(app, who, form)
    names, system = _wanted(columns, query, form)
    page = fetching.run(app, who, query, conn, (*names, *system))
    fill(app, who, conn, form, columns, names, page.rows)
    sight = _sight_of_lines(app, who, conn, form, page.rows) if lines and page.rows else None
    gathered = [_of_row(app, who, form, row, columns, names, system, sight) for row in page.rows]
    return {"records": tell(conn, gathered), "after": page.after, "before": page.before}


def _wanted(columns: Columns, query: ListQuery, form: Form) -> tuple[list[str], list[str]]:
    """(fields, system fields): those that were named, else all. Number, version, title and state always come."""
    always = [name for name in ("id", "version", "state") if name != "state" or form.workflow]
    if "columns" not in query.said and query.view is None:
        everything = [name for name in columns if name in form.fields]
        return everything, [name for name in SYSTEM_FIELDS if name != "deleted_at"]
    fields = [name for name in query.columns if name in form.fields]
    return fields, [*always, *(name for name in query.columns if name in SYSTEM_FIELDS and name not in always)]


def _sight_of_lines(app: Application, who: Actor, conn: sa.Connection, form: Form, rows: Sequence[Row]) -> Sight:
    sight, ids = Sight(app, conn, who), [row["id"] for row in rows]
    sight.prime(form.name, ids)
    for one in form.fields.values():
        if one.kind == "lines":
            sight.prime_lines(one.form, ids)  # type: ignore[attr-defined]
    return sight


def _of_row(
    app: Application, who: Actor, form: Form, row: Row, columns: Columns, names: Sequence[str], system: Sequence[str],
    sight: Sight | None,
) -> Gathered:  # fmt: skip
    hidden = row.get("_hidden", ())
    shown = [columns[name] for name in names if name not in hidden]
    lines: dict[str, list[Gathered]] = {}
    if sight is not None:
        view = sight.view(form, sight.load(form.name, row["id"]) or row)
        lines = _lines(app, who, form, view, readable_fields(app, who, form).of(view))
    values = {one.name: _settled(one, row[one.name]) for one in shown}
    return Gathered(_head(form, row, app, system), shown, values, lines)


def _settled(one: Field, value: Any) -> Any:
    return one.settled(value) if one.type == "computed" else value  # type: ignore[attr-defined]


# --- telling ---------------------------------------------------------------------------------------------------------


def tell(conn: sa.Connection, gathered: Sequence[Gathered]) -> list[Json]:
    wanted: dict[str, set[int]] = {}
    for one in gathered:
        _want(one, wanted)
    titles = titles_of(conn, application(), actor(), wanted)
    return [_told(one, titles, reader()) for one in gathered]


def _want(one: Gathered, wanted: dict[str, set[int]]) -> None:
    collect(one.fields, one.values, wanted)
    people = {one.head[name] for name in PEOPLE if one.head.get(name) is not None}
    if people:
        wanted.setdefault("_user", set()).update(people)
    for rows in one.lines.values():
        for row in rows:
            _want(row, wanted)


def _told(one: Gathered, titles: Titles, person: Reader) -> Json:
    told, named, masked = dict(one.head), _people_named(one.head, titles), []
    for each in one.fields:
        value = one.values[each.name]
        names = titles.get(points_at(each) or "", {})
        if value is None or value == ():
            told[each.name] = None
        elif each.sensitive:
            told[each.name] = each.masked(value, person, names)
            masked.append(each.name)
        else:
            told[each.name] = each.dump(value)
            _name(named, each, value, names)
    for name, rows in one.lines.items():
        told[name] = [_told(row, titles, person) for row in rows]
    return {**told, "titles": named, **({"masked": masked} if masked else {})}


def _people_named(head: Json, titles: Titles) -> Json:
    people = titles.get("_user", {})
    return {name: people[head[name]] for name in PEOPLE if head.get(name) in people}


def _name(named: Json, one: Field, value: Any, names: Mapping[int, str]) -> None:
    """The title of what a value points at; of several a list in their order, empty where nothing may be seen."""
    if points_at(one) is None:
        return
    if isinstance(value, tuple | list):
        named[one.name] = [names.get(each) for each in value]
    elif value in names:
        named[one.name] = names[value]
