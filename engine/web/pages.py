"""Pages of cards. The page itself is drawn at once; every card fetches its own figures, so a slow one holds up none."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from flask import Blueprint
from markupsafe import Markup

from engine import folding, queries
from engine.cards import BreakdownCard, Card, NumberCard, RecordsCard
from engine.columns import Columns, columns_of
from engine.definition import Form, Page
from engine.errors import Missing
from engine.fields.base import Field
from engine.filling import fill
from engine.formats import decimal, integer
from engine.permissions import may
from engine.queries import ListQuery, Sort
from engine.titles import extras
from engine.views import ListView, View
from engine.web import cards
from engine.web.context import actor, application, reader
from engine.web.lists import row_plan
from engine.web.menu import may_open
from engine.web.render import render
from engine.web.seen import NOT_THERE

blueprint = Blueprint("pages", __name__)
MOST_BARS = 12
MOST_COUNTED = 100_000


@dataclass(frozen=True)
class Bar:
    """One bar of a breakdown: ``share`` of the longest in percent."""

    label: str
    text: str
    share: int
    url: str | None
    colour: str


@blueprint.get("/pages/<name>")
def show(name: str) -> str:
    page = _page(name)
    return render(
        "page.html", page=page, cards=[(place, one) for place, one in enumerate(page.cards) if _for_them(one)]
    )


def _for_them(one: Card) -> bool:
    """A card over a form or a field that is hidden from the actor is left out."""
    app, who = application(), actor()
    if not may(app, who, "read", one.form):
        return False
    columns = columns_of(app, who, app.definition.forms[one.form])
    needed = (getattr(one, what, None) for what in ("field", "group"))
    return all(name in columns and name not in columns.sometimes for name in needed if name)


def _page(name: str) -> Page:
    page = application().definition.pages.get(name)
    if page is None or not may_open(page, actor()):
        raise Missing(NOT_THERE)
    return page


@blueprint.get("/pages/<name>/cards/<int:place>")
def card(name: str, place: int) -> str:
    """One card's figures."""
    page = _page(name)
    if place >= len(page.cards) or not may(application(), actor(), "read", page.cards[place].form):
        raise Missing(NOT_THERE)
    one = page.cards[place]
    form = application().definition.forms[one.form]
    columns = columns_of(application(), actor(), form)
    query = ListQuery(form=form, view=_as_view(one))
    draw = _DRAW.get(type(one))
    if draw is None:
        raise Missing(NOT_THERE)
    with application().database.read() as conn:
        return render("page_card.html", layout="fragment.html", card=one, form=form, **draw(conn, one, query, columns))


def _as_view(one: Card) -> View:
    """The card's condition as a view's, so that it takes the same way through the same permissions."""
    return ListView(name="", columns=("id",), where=one.where)  # type: ignore[arg-type]


def drill(form: Form, one: Card, *pairs: tuple[str, str]) -> str | None:
    """The list behind a figure: the view with the card's own condition, filtered further; None when there is none."""
    from urllib.parse import urlencode

    if form.parent_form:
        return None
    view = next((each for each in form.views.values() if isinstance(each, ListView) and each.where == one.where), None)
    if view is None:
        return None
    return f"/{form.name}?" + urlencode([("view", view.name), *pairs])


# --- the kinds -------------------------------------------------------------------------------------------------------


def _number(conn: sa.Connection, one: Any, query: ListQuery, columns: Columns) -> dict[str, Any]:
    app, who = application(), actor()
    url = drill(query.form, one)
    if one.fold == "count" or not one.field:
        count = queries.count(app, who, query, conn, MOST_COUNTED)
        return {"figure": f"{integer(MOST_COUNTED)}+" if count > MOST_COUNTED else integer(count), "url": url}
    field = cards.group_field(columns, one.field)
    return {"figure": folded(field, folding.fold(app, who, query, conn, field.name, one.fold), one.fold), "url": url}


def folded(field: Field, value: Any, fold: str) -> str:
    """The folded value as the field shows its own; a mean of whole numbers keeps two digits."""
    if value is None:
        return "–"
    if fold == "mean" and isinstance(value, Decimal) and field.type == "integer":
        return decimal(value.quantize(Decimal("0.01")))
    return field.format(value, reader())


def _breakdown(conn: sa.Connection, one: Any, query: ListQuery, columns: Columns) -> dict[str, Any]:
    app, who = application(), actor()
    group = cards.group_field(columns, one.group)
    summed = cards.group_field(columns, one.field) if one.fold == "sum" and one.field else None
    found = folding.grouped(app, who, query, conn, group.name, summed.name if summed else None, MOST_BARS)
    names = _names(conn, query.form, group, [value for value, _figure in found])
    longest = max((figure for _value, figure in found if figure), default=0)
    return {"bars": [_bar(query.form, one, group, summed, value, figure, longest, names) for value, figure in found]}


def _names(conn: sa.Connection, form: Form, group: Field, values: list[Any]) -> Any:
    """What links and users are called, as far as the actor may see it."""
    rows = [{group.name: value, "id": 0} for value in values if value is not None]
    if group.kind == "link":
        from engine.expressions.view import target_of
        from engine.titles import visible_titles

        target = application().definition.forms[target_of(form, group, application().definition)]
        return visible_titles(application(), actor(), conn, target, [row[group.name] for row in rows])
    if group.kind == "user":
        from engine.storage import records

        return records.titles(conn, application().tables, "_user", [row[group.name] for row in rows])
    return {}


def _bar(
    form: Form, one: Card, group: Field, summed: Field | None, value: Any, figure: Any, longest: Any, names: Any
) -> Bar:
    text = integer(figure) if summed is None else summed.format(figure, reader()) or "–"
    share = int(figure * 100 / longest) if figure and longest and figure > 0 else 0
    option = getattr(group, "options", {}).get(value)
    if value is None:
        return Bar("–", text, share, drill(form, one, (f"where.{group.name}.empty", "1")), "gray")
    shown = "•••" if group.kind == "link" and value not in names else group.format(value, reader(), names)
    equal = any(each.name == "eq" for each in group.operators)
    url = drill(form, one, (f"where.{group.name}.eq", group.text(value, reader()))) if equal else None
    return Bar(shown, text, share, url, option.colour if option else "blue")


def _records(conn: sa.Connection, one: Any, query: ListQuery, columns: Columns) -> dict[str, Any]:
    app, who = application(), actor()
    names = tuple(name for name in one.columns if name in columns)
    sorts = (Sort(key.removeprefix("-"), key.startswith("-")) for key in one.sort)
    usable = tuple(each for each in sorts if each.field in columns.sortable and each.field not in columns.sometimes)
    asked = ListQuery(form=query.form, view=query.view, columns=names, sort=usable, limit=one.limit)
    plan = row_plan(query.form, columns, asked)
    page = queries.run(app, who, asked, conn, plan.names)
    fill(app, who, conn, query.form, columns, plan.names, page.rows)
    found = extras(app, who, conn, query.form, columns, plan.names, page.rows)
    rows = plan.draw(page.rows, found, app.clock(), pick=False) if page.rows else Markup("")
    return {
        "heads": [(columns[name].label_in(reader().language), columns[name].align == "end") for name in names],
        "phone_heads": len(plan.names) - len(names),
        "rows": rows,
        "more_url": drill(query.form, one) if page.after else None,
        "url": drill(query.form, one),
    }


_DRAW: dict[type, Any] = {NumberCard: _number, BreakdownCard: _breakdown, RecordsCard: _records}
