"""What stands around the rows of a list: tabs, headings, chips, pager. Pure: a query in, texts and addresses out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from engine.application import Application
from engine.columns import Columns
from engine.definition import Form
from engine.errors import message
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.formats import Reader
from engine.people import Actor
from engine.queries import Filter, ListQuery, Sort, usable
from engine.storage import records
from engine.texts import say
from engine.titles import visible_titles
from engine.views import ListView, View

Titles = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Tab:
    """One of the ways to look at the form's records."""

    label: str
    icon: str
    url: str
    active: bool


@dataclass(frozen=True)
class Heading:
    """The head of a column. ``order``: ascending, descending or none (the words of aria-sort)."""

    name: str
    label: str
    url: str | None
    order: str
    classes: str
    edit: bool


@dataclass(frozen=True)
class QuickFilter:
    """A menu of values at a click; ``count`` of them are picked now."""

    label: str
    url: str
    count: int


@dataclass(frozen=True)
class Chip:
    """A condition in force, and the list without it."""

    label: str
    operator: str
    value: str
    url: str
    edit_url: str


def tabs(form: Form, columns: Columns, active: View | None, language: str) -> tuple[Tab, ...]:
    return tuple(
        Tab(view_label(view, language), view.icon, f"/{form.name}?view={view.name}", view is active)
        for view in form.views.values()
        if usable(form, view, columns)
    )


def view_label(view: View, language: str) -> str:
    return view.label.text(language) if view.label else view.name.replace("_", " ").capitalize()


def headings(query: ListQuery, columns: Columns, editable: frozenset[str], language: str) -> tuple[Heading, ...]:
    return tuple(_heading(query, columns, columns[name], name in editable, language) for name in query.columns)


def _heading(query: ListQuery, columns: Columns, field: Field, edit: bool, language: str) -> Heading:
    now = next((each for each in query.sort if each.field == field.name), None)
    order = "none" if now is None else "descending" if now.descending else "ascending"
    can_sort = field.name in columns.sortable and field.name not in columns.sometimes
    url = f"/{query.form.name}{sorted_by(query, field.name)}" if can_sort else None
    classes = "num" if field.align == "end" else ""
    return Heading(
        field.name, field.label_in(language), url, order if query.sort[:1] == (now,) else "none", classes, edit
    )


def sorted_by(query: ListQuery, name: str) -> str:
    """The query sorted by this field; by the other direction when it already is the first."""
    turned = query.sort[:1] == (Sort(name, False),)
    return query.url(sort=(Sort(name, turned),), said=query.said | {"sort"})


def chips(query: ListQuery, columns: Columns, titles: Titles, reader: Reader) -> Iterator[Chip]:
    for each in query.filters:
        field = columns[each.field]
        rest = replace(query, filters=tuple(other for other in query.filters if other is not each))
        yield Chip(
            field.label_in(reader.language),
            operator_label(each, reader.language),
            shown_value(each, field, titles, reader),
            f"/{query.form.name}{rest.url()}",
            filter_url(rest, each.field, each.operator.name, each.raw),
        )


def operator_label(each: Filter, language: str) -> str:
    return say(message(each.operator.label), language)


def filter_url(query: ListQuery, field: str, operator: str = "", raw: Sequence[str] = ()) -> str:
    """The small form that asks for a condition."""
    more = [("field", field), *([("operator", operator)] if operator else []), *(("value", value) for value in raw)]
    address = query.url()
    return f"/{query.form.name}/filter{address}{'&' if address else '?'}{_encoded(more)}"


def _encoded(pairs: Sequence[tuple[str, str]]) -> str:
    return urlencode(pairs)


def shown_value(each: Filter, field: Field, titles: Titles, reader: Reader) -> str:
    """The value of a condition as people read it."""
    takes, value = each.operator.takes, each.value
    if takes in ("none", "now", "me"):
        return ""
    if takes in ("text", "day"):
        return each.raw[-1]
    if takes == "visit":
        return str(value.shown(field, reader))
    extra = titles.get(field.name)
    if takes == "pair":
        return " – ".join(field.format(one, reader, extra) if one is not None else "…" for one in value)
    if takes == "many":
        return ", ".join(field.format(one, reader, extra) for one in value[:3]) + (" …" if len(value) > 3 else "")
    return field.format(value, reader, extra)


def card_columns(view: View | None, columns: Columns, shown: Sequence[str]) -> tuple[str, ...]:
    """What a phone shows of a record: the view's card, else the first three columns and the state."""
    card = view.card if isinstance(view, ListView) else ()
    named = tuple(name for name in card if name in columns)
    if named:
        return named if "state" in named or "state" not in columns else (*named, "state")
    first = tuple(shown[:3])
    return first if "state" in first or "state" not in columns else (*first, "state")


def quick_fields(columns: Columns, shown: Sequence[str]) -> tuple[Field, ...]:
    """Fields with few values, offered as filters at a click: the state and the first two choices."""
    few = [each for each in columns.values() if each.type in ("choice", "state") and each.name in columns.sortable]
    few = [each for each in few if each.name not in columns.sometimes]
    few.sort(key=lambda each: (each.name != "state", each.name not in shown))
    return tuple(few[:3])


def quick_filters(query: ListQuery, columns: Columns, language: str) -> tuple[QuickFilter, ...]:
    return tuple(_quick_filter(query, field, language) for field in quick_fields(columns, query.columns))


def _quick_filter(query: ListQuery, field: Field, language: str) -> QuickFilter:
    count = sum(len(values_of(each)) for each in query.filters if each.field == field.name)
    address = query.url()
    url = f"/{query.form.name}/quick{address}{'&' if address else '?'}{urlencode({'by': field.name})}"
    return QuickFilter(field.label_in(language), url, count)


def values_of(each: Filter) -> tuple[Any, ...]:
    """The values a filter names, for the operators a quick filter can show."""
    if each.operator.name == "eq":
        return (each.value,)
    return tuple(each.value) if each.operator.name == "in" else ()


def chip_titles(
    app: Application, actor: Actor, conn: sa.Connection, query: ListQuery, columns: Columns
) -> dict[str, Mapping[int, str]]:
    """column → id → title, for the conditions that name records or people."""
    found: dict[str, Mapping[int, str]] = {}
    for each in query.filters:
        field = columns[each.field]
        if field.kind not in ("link", "links", "user", "users") or each.operator.takes in ("none", "now", "me"):
            continue
        ids = list(_ids(each.value))
        if field.kind in ("user", "users"):
            found[field.name] = {**found.get(field.name, {}), **records.titles(conn, app.tables, "_user", ids)}
        else:
            target = app.definition.forms[target_of(query.form, field, app.definition)]
            found[field.name] = {**found.get(field.name, {}), **visible_titles(app, actor, conn, target, ids)}
    return found


def _ids(value: Any) -> Iterable[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _ids(one)
