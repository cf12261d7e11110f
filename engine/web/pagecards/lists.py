"""Records on a page: rows of a list, cards of a board, bars of a time line."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from engine import fetching, folding, queries
from engine.cards import BoardCard, GanttCard, RecordsCard
from engine.filling import fill
from engine.queries import ListQuery, Sort
from engine.titles import extras
from engine.views import GanttView, KanbanView
from engine.web import cards, gantt
from engine.web.lists import row_plan
from engine.web.pagecards.look import Look

DAY_WIDTHS = ((6, 16), (10, 10), (26, 5))  # up to so many weeks: px of a day


def records(look: Look, card: RecordsCard) -> Mapping[str, Any]:
    columns, query = look.columns, look.query
    names = tuple(name for name in card.columns if name in columns)
    sorts = (Sort(key.removeprefix("-"), key.startswith("-")) for key in card.sort)
    usable = tuple(each for each in sorts if each.field in columns.sortable and each.field not in columns.sometimes)
    asked = ListQuery(form=query.form, view=query.view, filters=query.filters, columns=names, sort=usable,
                      limit=card.limit)  # fmt: skip
    plan = row_plan(query.form, columns, asked)
    page = fetching.run(look.app, look.actor, asked, look.conn, plan.names)
    fill(look.app, look.actor, look.conn, query.form, columns, plan.names, page.rows)
    found = extras(look.app, look.actor, look.conn, query.form, columns, plan.names, page.rows)
    rows = plan.draw(page.rows, found, look.now, pick=False) if page.rows else Markup("")
    return {
        "heads": [(columns[name].label_in(look.reader.language), columns[name].align == "end") for name in names],
        "phone_heads": len(plan.names) - len(names),
        "rows": rows,
        "more_url": look.behind() if page.after else None,
        "url": look.behind(),
    }


def _with_view(look: Look, name: str) -> ListQuery:
    return replace(look.query, view=look.form.views[name])


def _behind(look: Look, query: ListQuery) -> str | None:
    return None if look.form.parent_form else f"/{look.form.name}{query.url()}"


def board(look: Look, card: BoardCard) -> Mapping[str, Any]:
    """One statement for the counts, one for the cards of each column that has some."""
    view = look.form.views[card.view]
    assert isinstance(view, KanbanView)
    query = _with_view(look, card.view)
    field = look.field(view.group)
    assert field is not None
    options: Any = getattr(field, "options", {})
    counts = folding.counts_by(look.app, look.actor, query, look.conn, field.name, tuple(options))
    plan = cards.card_plan(look.form, look.columns, view.card)
    lanes = []
    for name, option in options.items():
        count = counts.get(name, 0)
        drawn = _lane(look, query, field, plan, name, card.limit) if count else Markup("")
        label = option.title.text(look.reader.language)
        lanes.append({"label": label, "colour": option.colour, "count": "1,000+" if count > 1000 else str(count),
                      "cards": drawn, "more": max(0, count - card.limit),
                      "url": look.behind((f"where.{field.name}.eq", name))})  # fmt: skip
    return {"lanes": lanes, "url": _behind(look, query)}


def _lane(look: Look, query: ListQuery, field: Any, plan: Any, name: str, limit: int) -> Markup:
    equal = next(each for each in field.operators if each.name == "eq")
    narrowed = replace(query, filters=(*query.filters, queries.Filter(field.name, equal, (name,), name)), limit=limit)
    page, found = cards.rows_of(look.conn, narrowed, look.columns, plan.names)
    return Markup("").join(plan.draw(row, found, look.now) for row in page.rows)


def time_line(look: Look, card: GanttCard) -> Mapping[str, Any]:
    view = look.form.views[card.view]
    assert isinstance(view, GanttView)
    query = _with_view(look, card.view)
    start, end, group = look.field(view.start), look.field(view.end), look.field(view.group)
    assert start is not None
    assert end is not None
    width = next(px for weeks, px in DAY_WIDTHS if card.weeks <= weeks)
    zoom = gantt.Zoom("week" if width == DAY_WIDTHS[0][1] else "month", card.weeks * 7, width, 7)
    first = gantt.first_day("", look.today)
    rows, found = gantt.rows_between(look.conn, query, look.columns, start, end, group, first,
                                     first + dt.timedelta(days=zoom.days), card.limit)  # fmt: skip
    lanes = gantt.lanes_of(rows, start, end, group, first, zoom, look.columns, found)
    return {**gantt.picture(lanes, first, zoom, look.today, look.reader.language), "form": look.form,
            "full": len(rows) >= card.limit, "url": _behind(look, query)}  # fmt: skip
