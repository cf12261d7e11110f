"""The list of a form's records: the table, and the pieces of it that are fetched on their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, redirect, request
from markupsafe import Markup

from engine import fetching, folding, queries
from engine.columns import Columns, columns_of, rights
from engine.definition import Form
from engine.errors import Invalid
from engine.filling import fill
from engine.formats import integer
from engine.paper.formats import formats_of
from engine.permissions import may, updatable_fields
from engine.queries import ListQuery, parse_query, view_asked
from engine.storage.page import Page
from engine.titles import extras
from engine.web import listing, saved
from engine.web.context import actor, application, reader
from engine.web.listing import Chip, Heading, QuickFilter, Tab
from engine.web.render import render, toast, translate
from engine.web.rows import RowPlan, plan_rows
from engine.web.saved import SavedView
from engine.web.screens import SCREENS, form_named

blueprint = Blueprint("lists", __name__)
ALSO = ("saved",)  # which saved view a query string came from
EDITED_IN_PLACE = frozenset({"text", "number", "boolean", "date", "time", "datetime", "duration", "link", "user"})
NOT_IN_PLACE = frozenset({"long_text", "rich_text", "barcode"})


@dataclass(frozen=True)
class BulkAction:
    name: str
    label: str
    icon: str


@dataclass(frozen=True, kw_only=True)
class Around:
    """What every screen of records has around its content."""

    form: Form
    tabs: Sequence[Tab]
    saved: Sequence[SavedView]
    saved_url: str
    may_create: bool
    import_url: str | None
    export_csv: str | None
    export_xlsx: str | None
    clear_url: str
    chips: Sequence[Chip]
    quick: Sequence[QuickFilter]
    filter_url: str
    args_without_q: Sequence[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class ListScreen(Around):
    """The table and what belongs to it."""

    headings: Sequence[Heading]
    phone_headings: Sequence[str]
    rows: Markup
    columns_url: str
    bulk_url: str
    bulk_actions: Sequence[BulkAction]
    may_bulk: bool
    more: bool
    previous_url: str | None
    next_url: str | None
    count_text: str
    count_url: str | None
    totals_url: str | None


# --- the page --------------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>")
def show(form_name: str) -> Any:
    form = form_named(form_name)
    if not request.args:
        with application().database.read() as conn:
            mine = saved.default_url(conn, form)
        if mine is not None:
            return redirect(mine, 303)
    if "saved" in request.args and (left := saved.outlived(form, request.args["saved"])):
        address, gone = left
        for each in gone[:3]:
            toast(each, "warning")
        return redirect(address, 303)
    view = view_asked(
        application(), actor(), form, request.args.get("view", ""), columns_of(application(), actor(), form)
    )
    screen = SCREENS.get(view.type) if view else None
    return screen(form, view, request.args) if screen and view else show_list(form)


def show_list(form: Form) -> str:
    return show_query(form, parse_query(application(), actor(), form, request.args, also=ALSO))


def show_query(form: Form, query: ListQuery) -> str:
    app, who = application(), actor()
    columns = columns_of(app, who, form)
    plan = row_plan(form, columns, query)
    with app.database.read() as conn:
        page = fetching.run(app, who, query, conn, plan.names)
        fill(app, who, conn, form, columns, plan.names, page.rows)
        more = extras(app, who, conn, form, columns, plan.names, page.rows)
        around = look_around(conn, form, query, columns)
    actions = bulk_actions(form)
    rows = plan.draw(page.rows, more, app.clock(), pick=bool(actions)) if page.rows else Markup("")
    screen = ListScreen(
        **around,
        **_table(form, query, columns, plan, page),
        rows=rows,
        bulk_actions=actions,
        may_bulk=bool(actions),
        bulk_url=f"/{form.name}/bulk{query.url()}",
    )
    return render("list.html", form=form, query=query, screen=screen)


def row_plan(form: Form, columns: Columns, query: ListQuery, opens: bool = True) -> RowPlan:
    """Kept per definition, columns, rights and reader."""
    app, who, person = application(), actor(), reader()
    card = listing.card_columns(query.view, columns, query.columns) if opens else ()
    key = ("rows", form.name, query.columns, card, opens, rights(who), person)
    found: RowPlan | None = app.plans.kept.get(key)
    if found is None:
        if len(app.plans.kept) > 5000:  # columns are chosen freely: never grow without end
            app.plans.kept.clear()
        open_forms = frozenset(name for name in app.definition.forms if may(app, who, "read", name))
        found = app.plans.kept[key] = plan_rows(
            app.definition, form, columns, query.columns, card, person, open_forms, opens
        )
    return found


def look_around(conn: sa.Connection, form: Form, query: ListQuery, columns: Columns) -> dict[str, Any]:
    """Tabs, chips, menus: for ``Around``."""
    app, who, person = application(), actor(), reader()
    address = query.url()
    exports = may(app, who, "export", form).allowed
    titles = listing.chip_titles(app, who, conn, query, columns)
    return {
        "form": form,
        "tabs": listing.tabs(form, columns, None if request.args.get("saved") else query.view, person.language),
        "saved": saved.of_form(conn, form, request.args.get("saved")),
        "saved_url": f"/{form.name}/saved{address}",
        "may_create": not form.parent_form and may(app, who, "create", form).allowed,
        "import_url": f"/{form.name}/import" if not form.parent_form and may(app, who, "import", form) else None,
        "export_csv": f"/{form.name}/export.csv{address}" if exports else None,
        "export_xlsx": f"/{form.name}/export.xlsx{address}" if exports else None,
        "clear_url": f"/{form.name}{query.url(text='', filters=())}",
        "chips": tuple(listing.chips(query, columns, titles, person)),
        "quick": listing.quick_filters(query, columns, person.language),
        "filter_url": f"/{form.name}/filter{address}",
        "args_without_q": query.args(text=""),
    }


def _table(form: Form, query: ListQuery, columns: Columns, plan: RowPlan, page: Page) -> dict[str, Any]:
    here, language = f"/{form.name}", reader().language
    whole = page.before is None and page.after is None
    count = len(page.rows)
    sums = queries.summable(columns, getattr(query.view, "totals", ()))
    shown_sums = [name for name in sums if name in query.columns]
    return {
        "headings": _headings(form, query, columns, language),
        "phone_headings": [columns[name].label_in(language) for name in plan.names[len(query.columns) :]],
        "columns_url": f"{here}/columns{query.url()}",
        "more": page.after is not None or page.before is not None,
        "previous_url": f"{here}{query.url(before=page.before)}" if page.before else None,
        "next_url": f"{here}{query.url(after=page.after)}" if page.after else None,
        "count_text": count_text(count, whole) if whole else translate("{count} shown", count=count),
        "count_url": None if whole else f"{here}/count{query.url()}",
        "totals_url": f"{here}/totals{query.url()}" if shown_sums else None,
    }


def _headings(form: Form, query: ListQuery, columns: Columns, language: str) -> tuple[Heading, ...]:
    """Kept for the lists nobody narrowed, which are the same for everybody with the same rights."""
    kept, key = application().plans.kept, ("headings", form.name, query.url(), query.columns, query.sort,
                                           rights(actor()), language)  # fmt: skip
    found: tuple[Heading, ...] | None = None if query.narrowed else kept.get(key)
    if found is None:
        found = listing.headings(query, columns, editable_fields(form, columns), language)
        if not query.narrowed:
            kept[key] = found
    return found


def count_text(count: int, exact: bool = True) -> str:
    if not exact:
        return translate("More than {count} records", count=integer(count))
    return translate("1 record") if count == 1 else translate("{count} records", count=integer(count))


def editable_fields(form: Form, columns: Columns) -> frozenset[str]:
    """Fields that a cell may be turned into an input for."""
    app, who = application(), actor()
    allowed = updatable_fields(app, who, form)
    return frozenset(
        name
        for name, field in columns.items()
        if allowed.ever(name)
        and field.kind in EDITED_IN_PLACE
        and field.type not in NOT_IN_PLACE
        and not field.readonly
        and not field.sensitive
    )


def bulk_actions(form: Form) -> list[BulkAction]:
    """What may be done with several records at once."""
    app, who = application(), actor()
    if form.parent_form:
        return []
    found = []
    if may(app, who, "update", form):
        found.append(BulkAction("edit", translate("Edit"), "pencil"))
    if form.workflow and not who.view_as and _transitions_open(form):
        found.append(BulkAction("take", translate("Move on"), "route"))
    if formats_of(form, who):
        found.append(BulkAction("print", translate("Print"), "printer"))
    if may(app, who, "delete", form):
        found.append(BulkAction("delete", translate("Delete"), "trash"))
    return found


def _transitions_open(form: Form) -> bool:
    who = actor()
    transitions = form.workflow.transitions.values() if form.workflow else ()
    return any(who.boundless or who.roles.intersection(each.roles) for each in transitions)


# --- what is fetched on its own --------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/count")
def count(form_name: str) -> str:
    """How many records match, counted up to a thousand: the rest would cost more than it tells."""
    app, form = application(), form_named(form_name)
    query = parse_query(app, actor(), form, request.args, also=ALSO)
    with app.database.read() as conn:
        found = fetching.count(app, actor(), query, conn)
    return count_text(min(found, 1000), found <= 1000)


@blueprint.get("/<form_name>/totals")
def totals(form_name: str) -> str:
    """The sums under the table; said not to be known when there are too many records to add up in passing."""
    app, who, form = application(), actor(), form_named(form_name)
    query = parse_query(app, who, form, request.args, also=ALSO)
    columns = columns_of(app, who, form)
    names = queries.summable(columns, getattr(query.view, "totals", ()))
    with app.database.read() as conn:
        too_many = fetching.count(app, who, query, conn, MOST_SUMMED) > MOST_SUMMED
        sums = {} if too_many else fetching.totals(app, who, query, conn, names)
    cells = [(columns[name], _sum_cell(columns, name, sums, names)) for name in query.columns]
    plan = row_plan(form, columns, query)
    return render("list_totals.html", layout="fragment.html", cells=cells, pick=bool(bulk_actions(form)),
                  too_many=too_many, phone=len(plan.names) - len(query.columns))  # fmt: skip


MOST_SUMMED = 100_000


def _sum_cell(columns: Columns, name: str, sums: Any, names: Sequence[str]) -> str:
    if name not in names:
        return ""
    value = sums.get(name)
    return "…" if not sums else columns[name].format(value, reader()) if value is not None else "–"


@blueprint.get("/<form_name>/quick")
def quick(form_name: str) -> str:
    """The values of a state or choice, each with how many records of the list have it."""
    app, who, form = application(), actor(), form_named(form_name)
    query = parse_query(app, who, form, request.args, also=(*ALSO, "by"))
    columns = columns_of(app, who, form)
    field = columns.get(request.args.get("by", ""))
    if field is None or field not in listing.quick_fields(columns, query.columns):
        raise Invalid(queries.unknown(queries.NO_FIELD, request.args.get("by", ""), columns.filterable))
    rest = replace(query, filters=tuple(each for each in query.filters if each.field != field.name))
    picked = {value for each in query.filters if each.field == field.name for value in listing.values_of(each)}
    with app.database.read() as conn:
        counts = folding.counts_by(app, who, rest, conn, field.name, tuple(field.options))  # type: ignore[attr-defined]
    return render("list_quick.html", layout="fragment.html", form=form, field=field, query=rest, picked=picked,
                  counts=counts, args=rest.args())  # fmt: skip


@blueprint.get("/<form_name>/columns")
def choose_columns(form_name: str) -> str:
    """The menu that chooses columns and their order."""
    app, who, form = application(), actor(), form_named(form_name)
    query = parse_query(app, who, form, request.args, also=ALSO)
    columns = columns_of(app, who, form)
    others = [name for name in columns if name not in query.columns]
    usual = query.url(said=query.said - {"columns"})
    args = query.args(said=query.said - {"columns"})
    return render("list_columns.html", form=form, query=query, fields=[columns[n] for n in (*query.columns, *others)],
                  shown=query.columns, usual_url=f"/{form.name}{usual}", args=args)  # fmt: skip
