"""The control tower: every open record of a form with its step, its time, its forecast and what it waits for.

One question, three looks: a table, cards in lanes, a time line. The rows are read by keyset in the order of the risk,
each risk as a range of its own, so that the first screen costs the same whatever stands behind it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup

from engine import fetching, folding, formats, towers
from engine.columns import Columns, operators_of, rights
from engine.definition import Form
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.filling import fill
from engine.permissions import may
from engine.promises import TIMES, ranked_by
from engine.queries import Filter, ListQuery, Sort
from engine.storage import records
from engine.titles import extras
from engine.towers import RISKS
from engine.views import TowerView
from engine.waiting import waits_of, watch_of
from engine.web import cards
from engine.web.context import actor, application, reader
from engine.web.render import render, translate
from engine.web.rows import link_target, shower
from engine.web.towerrows import Brush, Drawn, said, scale

MOST_COUNTED = 1000
EACH = 20  # cards of a lane at once
MOST_LANES = 12
LOOKED_AT = 20_000  # records among which the largest lanes of a link are looked for
ON_A_WALL = 8


@dataclass(frozen=True)
class Heading:
    """Where another group begins."""

    label: Markup
    count: str
    url: str


@dataclass(frozen=True)
class Chip:
    """A risk above the rows: how many, and the tower with only those."""

    name: str
    label: str
    colour: str
    count: str
    url: str
    on: bool


@dataclass(frozen=True)
class Lane:
    key: str
    label: Markup
    colour: str
    count: str
    rows: Markup
    more_url: str


@dataclass(frozen=True)
class Choice:
    label: str
    url: str
    on: bool
    icon: str = ""


@dataclass(frozen=True)
class Ways:
    """Where the screen leads: the same question from its first page, on a wall, with a risk more or less, in another
    shape, in other groups."""

    first: str
    wall: str
    risks: Mapping[str, str]
    shapes: tuple[Choice, ...]
    groups: tuple[Choice, ...]


# --- the screen ------------------------------------------------------------------------------------------------------


def show(form: Form, view: Any, args: Any) -> str:
    query, columns = cards.asked(form, args)
    asked = query.tower or towers.Asked()
    if asked.wall and "limit" not in query.said:
        query = replace(query, limit=ON_A_WALL)
    with application().database.read() as conn:
        page = _page(conn, query, columns, view)
        if asked.wall:
            return render("tower_wall.html", layout="bare.html", form=form, query=query, view=view, **page)
        return cards.show_board("tower.html", conn, query, columns, **page)


def _page(conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView) -> dict[str, Any]:
    asked, ways, here = query.tower or towers.Asked(), ways_of(query, columns, view), f"/{query.form.name}"
    counts = counts_of(conn, query)
    page: dict[str, Any] = {"chips": chips(query, ways, counts), "as_of": _as_of(), "asked": asked, "ways": ways}
    if asked.show == "kanban":
        return {**page, "lanes": _lanes(conn, query, columns, view, counts)}
    rows, after = rows_of(conn, query, columns, view, counts)
    page |= {
        "parts": _parts(conn, query, columns, draw(conn, query, columns, view, rows)),
        "more_url": f"{here}{query.url(after=after)}" if after else "", "first": query.after is None,
    }  # fmt: skip
    return {**page, "scale": scale(reader().language)} if asked.show == "timeline" else page


def _as_of() -> str:
    return formats.time(application().clock().astimezone(reader().zone).time().replace(second=0, microsecond=0))


# --- counts and choices above ----------------------------------------------------------------------------------------


def counts_of(conn: sa.Connection, query: ListQuery) -> dict[str, int]:
    """Risk → how many, counted a little further than MOST_COUNTED; one statement. The chosen risks do not narrow it."""
    app, whole = application(), replace(query, tower=replace(query.tower or towers.Asked(), risks=()))
    return towers.counts(app, conn, query.form, fetching.conditions(app, actor(), whole), MOST_COUNTED)


def chips(query: ListQuery, ways: Ways, counts: Mapping[str, int]) -> list[Chip]:
    on = query.tower.risks if query.tower else ()
    return [Chip(risk.name, said(risk.label), risk.colour, _count(counts[risk.name]), ways.risks[risk.name],
                 risk.name in on) for risk in RISKS.values()]  # fmt: skip


def _count(count: int) -> str:
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else formats.integer(count)


def ways_of(query: ListQuery, columns: Columns, view: TowerView) -> Ways:
    """Kept, as the headings of lists are, for towers of which nothing is asked but what is on these buttons."""
    kept, key = application().plans.kept, ("ways", query.form.name, query.url(), rights(actor()), reader().language)
    usual = not (query.text or query.filters or query.said)
    found: Ways | None = kept.get(key) if usual else None
    if found is None:
        found = _ways(query, columns, view)
        if usual:
            kept[key] = found
    return found


def _ways(query: ListQuery, columns: Columns, view: TowerView) -> Ways:
    asked = query.tower or towers.Asked()

    def to(**change: Any) -> str:
        return f"/{query.form.name}{query.url(tower=replace(asked, **change))}"

    shapes = (("table", translate("Table"), "table"), ("kanban", translate("Kanban"), "layout-kanban"),
              ("timeline", translate("Time line"), "timeline"))  # fmt: skip
    groups = {"": translate("Not grouped"),
              **{name: _group_label(columns, name) for name in towers.groups_of(view, columns)}}  # fmt: skip
    return Ways(
        to(), to(wall=True, show="table"), {name: to(risks=_toggled(asked.risks, name)) for name in RISKS},
        tuple(Choice(text, to(show=name), asked.show == name, icon) for name, text, icon in shapes),
        tuple(Choice(text, to(group=name), asked.group == name) for name, text in groups.items()),
    )  # fmt: skip


def _toggled(risks: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(one for one in RISKS if (one in risks) is not (one == name))


def _group_label(columns: Columns, name: str) -> str:
    return translate("Risk") if name == "risk" else columns[name].label_in(reader().language)


# --- rows ------------------------------------------------------------------------------------------------------------


def rows_of(
    conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView, counts: Mapping[str, int]
) -> tuple[list[Any], str | None]:
    """A page of rows and the cursor behind it. Without a sort order of its own the worst risk comes first.

    ``counts``: of each risk, of this query or a wider one.
    """
    names = _names(query, columns, view)
    asked = query.tower or towers.Asked()
    base = Sort(ranked_by(_promised(query.form)), False)
    if "sort" in query.said or asked.group not in ("", "risk"):
        own = query.sort if "sort" in query.said else (base,)
        keys = own if asked.group in ("", "risk") else (Sort(asked.group, False), *own)
        page = fetching.run(application(), actor(), replace(query, sort=keys), conn, names)
        return _filled(conn, query, columns, view, page.rows), page.after
    return _by_risk(conn, replace(query, sort=(base,)), columns, view, names, counts)


def _by_risk(
    conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView, names: Sequence[str],
    counts: Mapping[str, int],
) -> tuple[list[Any], str | None]:  # fmt: skip
    asked = query.tower or towers.Asked()
    first, _, cursor = (query.after or "").partition(".")
    passed = tuple(itertools.takewhile(lambda name: name != first, RISKS)) if first in RISKS else ()
    risks = [name for name in asked.risks or tuple(RISKS) if counts[name] and name not in passed]
    found: list[Any] = []
    after = cursor if cursor and risks[:1] == [first] else None
    for place, name in enumerate(risks):
        few = name != "late" and counts[name] <= towers.FEW  # what is late stands first in that order
        part = replace(query, tower=replace(asked, risks=(name,), few=few), after=after, limit=query.limit - len(found))
        page = fetching.run(application(), actor(), part, conn, names)
        found += page.rows
        after = None
        if page.after:
            return _filled(conn, query, columns, view, found), f"{name}.{page.after}"
        if len(found) == query.limit:
            rest = risks[place + 1 :]
            return _filled(conn, query, columns, view, found), f"{rest[0]}." if rest else None
    return _filled(conn, query, columns, view, found), None


def _promised(form: Form) -> str:
    return str(form.workflow.promised or "") if form.workflow else ""


def these(conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView) -> list[Any]:
    """The rows of a query that names its records."""
    page = fetching.run(application(), actor(), query, conn, _names(query, columns, view))
    return _filled(conn, query, columns, view, page.rows)


def _names(query: ListQuery, columns: Columns, view: TowerView) -> tuple[str, ...]:
    """What rows are read with: what is shown, and what their risk, their time and what they wait for are told by."""
    app, form = application(), query.form
    table = app.tables.form[form.name]
    told = ("state_since", "_previous", _promised(form), *TIMES)
    waited = watch_of(app, actor(), form, view).columns or ()
    wanted = dict.fromkeys((*_shown(query, columns, view), *told, *waited))
    return tuple(name for name in wanted if name in columns or name in table.c)


def _shown(query: ListQuery, columns: Columns, view: TowerView) -> tuple[str, ...]:
    group = query.tower.group if query.tower else ""
    return tuple(dict.fromkeys(name for name in (*view.columns, group, "owner") if name in columns))


def _filled(conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView, rows: list[Any]) -> list[Any]:
    fill(application(), actor(), conn, query.form, columns, _shown(query, columns, view), rows)
    return rows


def draw(conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView, rows: Sequence[Any]) -> list[Drawn]:
    """The rows as they are shown; statements do not grow with their number."""
    app, who, form = application(), actor(), query.form
    found = extras(app, who, conn, form, columns, _shown(query, columns, view), rows) if rows else {}
    asked = query.tower or towers.Asked()
    shape = "wall" if asked.wall else asked.show
    waits = waits_of(app, who, conn, form, view, rows) if shape != "timeline" else {}
    return Brush.of(form, columns, view, query).draw(shape, rows, found, waits)


# --- groups ----------------------------------------------------------------------------------------------------------


def _parts(
    conn: sa.Connection, query: ListQuery, columns: Columns, rows: Sequence[Drawn]
) -> list[tuple[Heading | None, Markup]]:
    """The rows of each group beneath its heading; all of them where they are not grouped."""
    group = query.tower.group if query.tower else ""
    if not group:
        return [(None, _joined(rows))] if rows else []
    values = list(dict.fromkeys(row.group for row in rows))
    heads = dict(zip(values, _headings(conn, query, columns, group, values), strict=True))
    return [(heads[value], _joined(part)) for value, part in itertools.groupby(rows, lambda row: row.group)]


def _joined(rows: Iterable[Drawn]) -> Markup:
    return Markup("".join(row.html for row in rows))  # noqa: S704 - every part is escaped


def _headings(
    conn: sa.Connection, query: ListQuery, columns: Columns, group: str, values: Sequence[Any]
) -> list[Heading]:
    asked = query.tower or towers.Asked()
    if group == "risk":
        alone = {name: query.url(tower=replace(asked, risks=(name,))) for name in values}
        return [Heading(Markup.escape(said(RISKS[name].label)), "", f"/{query.form.name}{alone[name]}")
                for name in values]  # fmt: skip
    stored = [None if isinstance(value, str) and group == "owner" else value for value in values]
    counts = folding.counts_by(application(), actor(), query, conn, group, stored)
    shown = _value_labels(conn, query.form, columns[group], values)
    return [Heading(text, _count(counts.get(key, 0)), _only(query, columns[group], key))
            for key, text in zip(stored, shown, strict=True)]  # fmt: skip


def _only(query: ListQuery, field: Field, value: Any) -> str:
    """The same tower with this group alone."""
    only = equal(field, value)
    if only is None:
        return ""
    asked = query.tower or towers.Asked()
    filters = (*(one for one in query.filters if one.field != field.name), only)
    return f"/{query.form.name}{query.url(filters=filters, tower=replace(asked, group=''))}"


def equal(field: Field, value: Any) -> Filter | None:
    """The condition that the field has this value, or none."""
    wanted = "empty" if value is None else "eq"
    operator = next((each for each in operators_of(field) if each.name == wanted), None)
    if operator is None:
        return None
    return Filter(field.name, operator, () if value is None else (str(value),), value)


def _value_labels(conn: sa.Connection, form: Form, field: Field, values: Sequence[Any]) -> list[Markup]:
    """What a group is called, as cells show it."""
    app, who = application(), actor()
    rows = [{"id": 0, field.name: value, f"{field.name}.title": None} for value in values]
    _add_titles(conn, form, field, rows)
    found = extras(app, who, conn, form, {field.name: field}, (field.name,), rows)  # type: ignore[arg-type]
    open_forms = frozenset(name for name in app.definition.forms if may(app, who, "read", name))
    cell = shower(field, reader(), link_target(app.definition, form, field, open_forms))
    return [Markup(cell(row[field.name], row, found)) if row[field.name] is not None else Markup("–") for row in rows]  # noqa: S704


def _add_titles(conn: sa.Connection, form: Form, field: Field, rows: list[dict[str, Any]]) -> None:
    if field.kind not in ("link", "user"):
        return
    target = "_user" if field.kind == "user" else target_of(form, field, application().definition)
    ids = [row[field.name] for row in rows if isinstance(row[field.name], int)]
    titles = records.titles(conn, application().tables, target, ids)
    for row in rows:
        row[f"{field.name}.title"] = titles.get(row[field.name])


# --- lanes -----------------------------------------------------------------------------------------------------------


def _lanes(
    conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView, counts: Mapping[str, int]
) -> list[Lane]:
    asked = query.tower or towers.Asked()
    if asked.group in ("", "risk"):
        return [lane for name in asked.risks or tuple(RISKS)
                if (lane := _lane(conn, query, columns, view, name, RISKS[name].colour,
                                  Markup.escape(said(RISKS[name].label)), counts[name], counts))]  # fmt: skip
    field = columns[asked.group]
    values = _lane_values(conn, query, field)
    found = folding.counts_by(application(), actor(), query, conn, field.name, values)
    labels = _value_labels(conn, query.form, field, values)
    return [_lane(conn, query, columns, view, value, _lane_colour(field, value), text, found.get(value, 0), counts)
            for value, text in zip(values, labels, strict=True)
            if found.get(value) or hasattr(field, "options")]  # fmt: skip


def _lane_values(conn: sa.Connection, query: ListQuery, field: Field) -> list[Any]:
    """The options; of links and people those with the most records among the first there are."""
    options: Any = getattr(field, "options", None)
    if options:
        final = {name for name, state in query.form.workflow.states.items() if state.final} if (
            field.name == "state" and query.form.workflow) else set()  # fmt: skip
        return [name for name in options if name not in final]
    app = application()
    table = app.tables.form[query.form.name]
    clauses = (table.c.deleted_at.is_(None), *fetching.conditions(app, actor(), query))
    some = sa.select(table.c[field.name].label("value")).where(*clauses).limit(LOOKED_AT).subquery()
    largest = sa.select(some.c.value).group_by(some.c.value).order_by(sa.func.count().desc(), some.c.value)
    return list(conn.scalars(largest.limit(MOST_LANES)))


def _lane_colour(field: Field, value: Any) -> str:
    option = getattr(field, "options", {}).get(value)
    return str(option.colour) if option else "gray"


def _lane(
    conn: sa.Connection, query: ListQuery, columns: Columns, view: TowerView, value: Any, colour: str, text: Markup,
    count: int, counts: Mapping[str, int],
) -> Lane:  # fmt: skip
    asked = query.tower or towers.Asked()
    if asked.group in ("", "risk"):
        part = replace(query, tower=replace(asked, risks=(value,), group="risk"), limit=EACH)
    else:
        only = equal(columns[asked.group], value)
        part = replace(
            query, filters=(*query.filters, *([only] if only else ())), limit=EACH, tower=replace(asked, group="")
        )
    rows, after = rows_of(conn, part, columns, view, counts) if count else ([], None)
    whole = replace(part, tower=replace(part.tower or asked, show="table", group=""))
    more = f"/{query.form.name}{whole.url()}" if after else ""
    key = "" if value is None else str(value)
    return Lane(key, text, colour, _count(count), _joined(draw(conn, query, columns, view, rows)), more)
