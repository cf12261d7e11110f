"""What can be chosen above the cards of a page, kept in its address: ``<form>.<field>=value``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import urlencode

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from engine.application import Application
from engine.checks.cards import filter_sort
from engine.columns import columns_of
from engine.definition import Page, PageFilter
from engine.errors import Invalid, Message, Problem, message
from engine.fields.base import Field
from engine.formats import HIDDEN, Reader
from engine.people import Actor
from engine.permissions import may
from engine.queries import Filter, parse_query, unknown
from engine.spans import Span
from engine.texts import say
from engine.titles import visible_titles
from engine.web.options import offered
from engine.web.pagecards import periods

OFFERED = 200
SPANS = ("today", "yesterday", "this_week", "last_week", "this_month", "last_month", "this_year", "last_7_days",
         "last_30_days", "next_7_days", "next_30_days")  # fmt: skip
NO_FILTER = "There is no filter “{got}” on this page; there is {known}."


class Args(Protocol):
    def __iter__(self) -> Iterator[str]: ...
    def get(self, key: str, default: str) -> str: ...


@dataclass(frozen=True)
class Choice:
    """One filter as it is drawn. ``options``: (value, text, chosen); dates have ``low`` and ``high`` besides."""

    key: str
    label: str
    sort: str
    options: tuple[tuple[str, str, bool], ...]
    low: str = ""
    high: str = ""
    forms: frozenset[str] = frozenset()

    @property
    def chosen(self) -> bool:
        return bool(self.low or self.high or any(chosen for value, _text, chosen in self.options if value))


@dataclass(frozen=True)
class Chosen:
    """What an address says: the filters of each form, the span of time, and the address again."""

    by_form: Mapping[str, tuple[Filter, ...]]
    pairs: tuple[tuple[str, str], ...]
    span: Span | None = None
    span_pairs: tuple[tuple[str, str], ...] = ()

    @property
    def address(self) -> str:
        every = (*self.span_pairs, *self.pairs)
        return "?" + urlencode(every) if every else ""


def key_of(one: PageFilter) -> str:
    return f"{one.fields[0].form}.{one.fields[0].field}"


def open_filters(app: Application, actor: Actor, page: Page) -> tuple[PageFilter, ...]:
    """Those whose every field the actor may read on every record."""
    return tuple(one for one in page.filters if all(_readable(app, actor, each) for each in one.fields))


def _readable(app: Application, actor: Actor, each: Any) -> bool:
    form = app.definition.forms[each.form]
    if not may(app, actor, "read", form):
        return False
    columns = columns_of(app, actor, form)
    return each.field in columns.filterable and each.field not in columns.sometimes


def chosen(app: Application, actor: Actor, page: Page, args: Args) -> Chosen:
    """Raises Invalid naming a filter the page does not have, or a value that is none."""
    known = {key: one for one in open_filters(app, actor, page) for key in _keys(app, one)}
    of_time = periods.KEYS if page.period is not None else ()
    strange = next((key for key in args if key not in known and key not in of_time), None)
    if strange is not None:
        said = unknown(NO_FILTER, strange, sorted((*known, *of_time)))
        raise Invalid(said, [Problem(strange, said)])
    pairs = tuple((key, args.get(key, "")[:200]) for key in known if args.get(key, ""))
    by_form: dict[str, tuple[Filter, ...]] = {}
    for key, value in pairs:
        for each in known[key].fields:
            by_form[each.form] = (*by_form.get(each.form, ()), *_filters(app, actor, each, key, value))
    today = app.clock().astimezone(actor.reader(app.definition).zone).date()
    span, said_so = periods.read(page, {key: args.get(key, "")[:40] for key in of_time}, today)
    return Chosen(by_form, pairs, span, said_so)


def _keys(app: Application, one: PageFilter) -> tuple[str, ...]:
    key = key_of(one)
    return (key, f"{key}.from", f"{key}.to") if _sort(app, one) == "date" else (key,)


def _sort(app: Application, one: PageFilter) -> str:
    return filter_sort(app.definition.forms[one.fields[0].form], one.fields[0].field).split(" ")[0]


def _filters(app: Application, actor: Actor, each: Any, key: str, value: str) -> tuple[Filter, ...]:
    """Read as the list of the form reads it, so that a figure and its list take the same way."""
    form = app.definition.forms[each.form]
    field = columns_of(app, actor, form)[each.field]
    name, raw = _operator(field, key.rpartition(".")[2], value)
    return parse_query(app, actor, form, MultiDict([(f"where.{each.field}.{name}", raw)])).filters


def _operator(field: Field, part: str, value: str) -> tuple[str, str]:
    if field.kind not in ("date", "datetime"):
        return "eq", value
    if part not in ("from", "to"):
        if value not in SPANS:
            raise Invalid(unknown("There is no span of time “{got}”; there is {known}.", value, SPANS))
        return value, "1"
    day = periods.day_of(value)
    if part == "from":
        return "gte", f"{day.isoformat()}{'T00:00' if field.kind == 'datetime' else ''}"
    following = day + dt.timedelta(days=1)
    return "before", f"{following.isoformat()}{'T00:00' if field.kind == 'datetime' else ''}"


# --- drawn -----------------------------------------------------------------------------------------------------------


def choices(
    app: Application, actor: Actor, reader: Reader, conn: sa.Connection, page: Page, now: Chosen
) -> list[Choice]:
    said = dict(now.pairs)
    return [_choice(app, actor, reader, conn, one, said) for one in open_filters(app, actor, page)]


def _choice(
    app: Application, actor: Actor, reader: Reader, conn: sa.Connection, one: PageFilter, said: Mapping[str, str]
) -> Choice:
    first = one.fields[0]
    form = app.definition.forms[first.form]
    field = columns_of(app, actor, form)[first.field]
    label = one.label.text(reader.language) if one.label else field.label_in(reader.language)
    key, sort = key_of(one), _sort(app, one)
    picked = said.get(key, "")
    named = _dates(reader) if sort == "date" else _values(app, actor, reader, conn, field, picked)
    options = tuple((value, text, value == picked) for value, text in named)
    return Choice(key, label, sort, options, said.get(f"{key}.from", ""), said.get(f"{key}.to", ""),
                  frozenset(each.form for each in one.fields))  # fmt: skip


def _dates(reader: Reader) -> Sequence[tuple[str, str]]:
    return [(name, say(_SPAN_WORDS[name], reader.language)) for name in SPANS]


def _values(
    app: Application, actor: Actor, reader: Reader, conn: sa.Connection, field: Any, picked: str
) -> Sequence[tuple[str, str]]:
    if field.kind not in ("link", "user"):
        values = list(getattr(field, "options", ())) or list(app.definition.roles)
        return [(value, field.format(value, reader)) for value in values]
    found = offered(conn, app, actor, _plain(field), "", None, OFFERED)
    options = [(str(key), title) for key, title in found]
    if picked and all(value != picked for value, _title in options):
        options.insert(0, (picked, _title_of(app, actor, conn, field, picked)))
    return options


def _plain(field: Any) -> Any:
    """The condition of a link belongs to filling in, where there is a record it asks about."""
    return replace(field, where=None) if getattr(field, "where", None) else field


def _title_of(app: Application, actor: Actor, conn: sa.Connection, field: Any, picked: str) -> str:
    if field.kind != "link" or not picked.isdigit():
        return f"#{picked}"
    titles = visible_titles(app, actor, conn, app.definition.forms[field.form], [int(picked)])
    return titles.get(int(picked), HIDDEN)


_SPAN_WORDS: Mapping[str, Message] = {
    "today": message("Today"), "yesterday": message("Yesterday"), "this_week": message("This week"),
    "last_week": message("Last week"), "this_month": message("This month"), "last_month": message("Last month"),
    "this_year": message("This year"), "last_7_days": message("Last 7 days"), "last_30_days": message("Last 30 days"),
    "next_7_days": message("Next 7 days"), "next_30_days": message("Next 30 days"),
}  # fmt: skip
