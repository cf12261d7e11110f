"""Screens that stay true: a cheap question every few seconds, and then only the rows that changed.

``/live`` is asked with the number of the last event a page knows. While nothing happened the answer is 204, after one
look at the newest numbers. ``/<form>/fresh`` answers the changed rows of a list, drawn as the list draws them, with the
rights asked again for each: a row that may no longer be seen is named as gone, like one that no longer belongs there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, jsonify, request

from engine import fetching, folding, live
from engine.columns import Columns, columns_of
from engine.errors import Missing
from engine.fields.base import Field
from engine.fields.operators import IN
from engine.filling import fill
from engine.permissions import may
from engine.queries import Filter, ListQuery, parse_query
from engine.storage import records
from engine.titles import extras
from engine.views import KanbanView, ListView, TowerView
from engine.web import cards, tower
from engine.web.context import actor, application
from engine.web.lists import ALSO, bulk_actions, row_plan
from engine.web.numbers import whole
from engine.web.render import render
from engine.web.screens import form_named
from engine.web.seen import see

blueprint = Blueprint("live", __name__)
MOST_FORMS = 40
MOST_SHOWN = 400
KEYS = ("since", "shown")


# --- did anything happen? --------------------------------------------------------------------------------------------


@blueprint.get("/live")
def pulse() -> Response:
    """``after``: the last event known; ``forms``: what is on the screen; ``record`` and ``version``: of a record page.

    204 while nothing happened; else JSON: ``after`` to go on from, ``changed`` forms ``since`` which event, and of a
    record that changed ``by`` whom, or ``gone``.
    """
    app = application()
    after = whole(request.args.get("after")) or 0
    with app.database.read() as conn:
        beat, known = live.pulse(conn, app.tables, after), request.headers.get("If-None-Match")
        since = live.since(beat, after, known)
        if known == beat.tag or (beat.last == after == since):
            answer = Response(status=204)
        else:
            answer = jsonify(after=beat.last, since=since, changed=_changed(conn, since), **_record(conn))
            beat = live.pulse(conn, app.tables, beat.last)
    answer.headers["ETag"] = beat.tag
    return answer


def _changed(conn: sa.Connection, since: int) -> list[str]:
    app = application()
    happened = live.changed_forms(conn, app.tables, since)
    asked = request.args.get("forms", "")[:4000].split(",")[:MOST_FORMS]
    forms = (app.definition.forms[name] for name in asked if name in app.definition.forms)
    return [
        form.name
        for form in forms
        if may(app, actor(), "read", form) and not happened.isdisjoint({form.name, *live.feeders(app, form)})
    ]


def _record(conn: sa.Connection) -> dict[str, Any]:
    """Whether the record of the page changed meanwhile, and by whom."""
    version, id = whole(request.args.get("version")), whole(request.args.get("record"))
    name = request.args.get("forms", "")
    if version is None or id is None or name not in application().definition.forms:
        return {}
    try:
        seen = see(conn, form_named(name), id, deleted=True)
    except Missing:
        return {"gone": True}
    if seen.row["version"] == version:
        return {}
    by = seen.row["updated_by"]
    people = records.titles(conn, application().tables, "_user", [by]) if by else {}
    return {"version": seen.row["version"], "by": people.get(by, "")}


# --- then what? ------------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/fresh")
def fresh(form_name: str) -> Response:
    """The list's own query string, ``since`` an event, ``shown``: ids on the screen.

    JSON: ``rows`` {id: HTML}, ``gone`` ids, ``order`` of the page where rows are new, ``lanes`` {id: column},
    ``counts`` and ``parts`` {id of an element: HTML}; or ``whole``: fetch the screen again.
    """
    form = form_named(form_name)
    app, who = application(), actor()
    query = parse_query(app, who, form, request.args, also=(*ALSO, *KEYS))
    columns = columns_of(app, who, form)
    since = whole(request.args.get("since")) or 0
    shown = _shown()
    draw = _DRAWN.get(type(query.view) if query.view is not None else ListView)
    if draw is None or _is_regrouped(query):
        return jsonify(whole=True)
    with app.database.read() as conn:
        changed = set(live.changed_records(conn, app.tables, form.name, since))
        fed = live.feeders(app, form) & live.changed_forms(conn, app.tables, since)
        wanted = list(dict.fromkeys([*shown, *changed]))[:MOST_SHOWN]
        there = _among(conn, query, wanted)
        new = [id for id in wanted if id in there and id not in shown]
        asked = [id for id in wanted if id in there and (id in changed or fed)]
        answer: dict[str, Any] = {"gone": [id for id in shown if id not in there]}
        answer |= draw(conn, query, columns, asked, bool(new))
    return jsonify(answer)


def _shown() -> list[int]:
    parts = request.args.get("shown", "")[:8000].split(",")
    return [number for part in parts if (number := whole(part)) is not None][:MOST_SHOWN]


def _is_regrouped(query: ListQuery) -> bool:
    """Rows that stand under headings or in lanes of a tower may move the headings too."""
    return query.tower is not None and (bool(query.tower.group) or query.tower.show != "table")


def _narrowed(query: ListQuery, ids: Sequence[int]) -> ListQuery:
    only = Filter("id", IN, (), tuple(ids))
    return replace(query, filters=(*query.filters, only), after=None, before=None, limit=max(1, len(ids)))


def _among(conn: sa.Connection, query: ListQuery, ids: Sequence[int]) -> frozenset[int]:
    """Which of these the list holds, for this actor, now."""
    if not ids:
        return frozenset()
    table = application().tables.form[query.form.name]
    clauses = fetching.conditions(application(), actor(), query)
    found = sa.select(table.c.id).where(table.c.id.in_(ids), table.c.deleted_at.is_(None), *clauses)
    return frozenset(conn.scalars(found))


def _rows(conn: sa.Connection, query: ListQuery, columns: Columns, ids: Sequence[int], new: bool) -> dict[str, Any]:
    app, who, form = application(), actor(), query.form
    plan = row_plan(form, columns, query)
    found: list[Any] = []
    if ids:
        found = fetching.run(app, who, _narrowed(query, ids), conn, plan.names).rows
        fill(app, who, conn, form, columns, plan.names, found)
    more = extras(app, who, conn, form, columns, plan.names, found)
    pick, now = bool(bulk_actions(form)), app.clock()
    order = [row["id"] for row in fetching.run(app, who, query, conn, ("id",)).rows] if new else []
    return {"rows": {row["id"]: plan.row(row, more, now, pick) for row in found}, "order": order}


def _cards(conn: sa.Connection, query: ListQuery, columns: Columns, ids: Sequence[int], new: bool) -> dict[str, Any]:
    view: Any = query.view
    app, form, field = application(), query.form, cards.group_field(columns, view.group)
    plan, options = cards.card_plan(form, columns, view.card), tuple(_options(field))
    names = tuple(dict.fromkeys((*plan.names, field.name)))
    drawn: Mapping[int, str] = {}
    lanes: Mapping[int, str] = {}
    if ids:
        page, found = cards.rows_of(conn, _narrowed(query, ids), columns, names)
        drawn = {row["id"]: str(plan.draw(row, found, app.clock())) for row in page.rows}
        lanes = {row["id"]: row[field.name] for row in page.rows}
    counts = folding.counts_by(app, actor(), query, conn, field.name, options)
    said = {name: "1,000+" if counts.get(name, 0) > 1000 else str(counts.get(name, 0)) for name in options}
    return {"rows": drawn, "lanes": lanes, "counts": said}


def _options(field: Field) -> Mapping[str, Any]:
    return getattr(field, "options", {})


def _tower(conn: sa.Connection, query: ListQuery, columns: Columns, ids: Sequence[int], new: bool) -> dict[str, Any]:
    view: Any = query.view
    counts = tower.counts_of(conn, query)
    rows = tower.these(conn, _narrowed(query, ids), columns, view) if ids else []
    drawn = {one.id: one.html for one in tower.draw(conn, query, columns, view, rows)}
    order = [row["id"] for row in tower.rows_of(conn, query, columns, view, counts)[0]]
    chips = tower.chips(query, tower.ways_of(query, columns, view), counts)
    parts = {"tw-chips": render("tower_chips.html", layout="fragment.html", chips=chips)}
    return {"rows": drawn, "order": order, "parts": parts}


_DRAWN = {ListView: _rows, KanbanView: _cards, TowerView: _tower}
