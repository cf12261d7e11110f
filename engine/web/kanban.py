"""Cards in columns by state or choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import request
from markupsafe import Markup

from engine import folding, queries
from engine.columns import Columns
from engine.definition import Form
from engine.errors import Invalid
from engine.fields.base import Field
from engine.queries import Filter, ListQuery
from engine.views import KanbanView
from engine.web import cards
from engine.web.context import actor, application, reader
from engine.web.render import render
from engine.web.screens import form_named

EACH = 25  # cards of a column at once
MOST_SUMMED = 1000


@dataclass(frozen=True)
class Lane:
    """A column of the board. ``count`` is capped; ``sum`` is shown when all its cards were added up."""

    value: str
    label: str
    colour: str
    count: str
    total: str
    cards: Markup
    more_url: str | None


def show(form: Form, view: Any, args: Any) -> str:
    query, columns = cards.asked(form, args)
    field = cards.group_field(columns, view.group)
    with application().database.read() as conn:
        lanes = _lanes(conn, query, columns, field, view)
        return cards.show_board("kanban.html", conn, query, columns, lanes=lanes, movable=_movable(form, view))


def _movable(form: Form, view: KanbanView) -> bool:
    if actor().view_as:
        return False
    return view.group == "state" or form.fields[view.group].writable


def _lanes(conn: sa.Connection, query: ListQuery, columns: Columns, field: Field, view: KanbanView) -> list[Lane]:
    app, who = application(), actor()
    options: Any = getattr(field, "options", None)
    if not options:
        raise Invalid(
            queries.unknown(
                queries.NO_FIELD, field.name, [name for name in columns if columns[name].type in ("choice", "state")]
            )
        )
    figure = _figure(columns, view.card)
    counts = folding.counts_by(app, who, query, conn, field.name, tuple(options))
    sums = folding.sums_by(app, who, query, conn, field.name, figure.name, MOST_SUMMED) if figure is not None else {}
    return [
        _lane(conn, query, columns, field, view, name, counts.get(name, 0), _sum_text(figure, sums.get(name)))
        for name in options
    ]


def _figure(columns: Columns, card: Sequence[str]) -> Field | None:
    """The first sum a card shows, added up in the head of its column."""
    figures = [name for name in queries.summable(columns, card) if columns[name].align == "end"]
    return columns[figures[0]] if figures else None


def _sum_text(figure: Field | None, value: Any) -> str:
    return "" if figure is None or value is None else figure.format(value, reader())


def _lane(
    conn: sa.Connection,
    query: ListQuery,
    columns: Columns,
    field: Field,
    view: KanbanView,
    name: str,
    count: int,
    total: str,
) -> Lane:
    drawn, more = cards_of(conn, query, columns, field, view, name) if count else (Markup(""), None)
    option = field.options[name]  # type: ignore[attr-defined]
    shown = "1,000+" if count > 1000 else str(count)
    label = option.title.text(reader().language)
    return Lane(name, label, option.colour, shown, total if count <= MOST_SUMMED else "", drawn, more)


def cards_of(
    conn: sa.Connection, query: ListQuery, columns: Columns, field: Field, view: KanbanView, name: str
) -> tuple[Markup, str | None]:
    """The next cards of one column, and where the ones after them are."""
    equal = next(each for each in field.operators if each.name == "eq")
    only = Filter(field.name, equal, (name,), name)
    narrowed = replace(query, filters=(*query.filters, only), limit=EACH)
    plan = cards.card_plan(query.form, columns, view.card)
    page, found = cards.rows_of(conn, narrowed, columns, plan.names)
    now = application().clock()
    drawn = Markup("").join(plan.draw(row, found, now) for row in page.rows)
    if page.after is None:
        return drawn, None
    address = query.url(after=page.after)
    return drawn, f"/{query.form.name}/cards{address}{'&' if address else '?'}lane={name}"


def more(form_name: str) -> str:
    """The next cards of one column."""
    form = form_named(form_name)
    query, columns = cards.asked(form, request.args, ("lane",))
    view = query.view
    if not isinstance(view, KanbanView):
        raise Invalid(queries.unknown(queries.NO_VIEW, view.name if view else "", _kanbans(form)))
    field = cards.group_field(columns, view.group)
    name = request.args.get("lane", "")
    if name not in getattr(field, "options", {}):
        raise Invalid(
            queries.unknown("There is no column “{got}”; there is {known}.", name, list(getattr(field, "options", {})))
        )
    with application().database.read() as conn:
        drawn, more_url = cards_of(conn, query, columns, field, view, name)
    return render("kanban_cards.html", layout="fragment.html", cards=drawn, more_url=more_url)


def _kanbans(form: Form) -> list[str]:
    return [name for name, view in form.views.items() if isinstance(view, KanbanView)]
