"""My records, and one of them: how far it is, what is asked of me, what I may fill in, documents, the conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, request
from markupsafe import Markup
from werkzeug.wrappers import Response

from engine import fetching, formats
from engine.columns import Columns, columns_of
from engine.definition import Form
from engine.expressions import fill as fill_template
from engine.filling import fill
from engine.once import new_token
from engine.paper.formats import formats_of
from engine.permissions import may
from engine.portals import Portal, PortalForm
from engine.queries import ListQuery
from engine.sight import Sight
from engine.titles import extras
from engine.views import ListView
from engine.web import conversation, path, uploads
from engine.web.boxes import Box, Sheet
from engine.web.context import actor, application, reader
from engine.web.doors import ShownDoor, open_doors
from engine.web.forms import ShownProblem, sheet_maker, shown_problems
from engine.web.path import Badge, Step
from engine.web.portal.frame import address_of, base_of, draw, label_of, portal_of_request, see_there, shown_form
from engine.web.render import go
from engine.web.rows import NOWHERE, shower
from engine.web.seen import Seen
from engine.web.showing import Fact, Showing, ShownLines
from engine.web.typed import Typed
from engine.workflow import doors

CARDS = 24  # on one page of the list


def add_to(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/", "home", home, strict_slashes=False)
    blueprint.add_url_rule("/<form_name>", "records", records)
    blueprint.add_url_rule("/<form_name>/<int:record_id>", "record", record)


@dataclass(frozen=True)
class Card:
    """A record in the list. ``asked`` are the primary steps this person may take now."""

    href: str
    title: str
    state: Badge | None
    steps: tuple[Step, ...]
    facts: tuple[tuple[str, Markup], ...]
    asked: tuple[str, ...]


@dataclass(frozen=True)
class RecordPage:
    form: Form
    title: str
    href: str
    version: int
    token: str
    state: Badge | None
    aside: path.Aside | None
    steps: tuple[Step, ...]
    history: tuple[tuple[str, str], ...]
    doors: tuple[ShownDoor, ...]
    facts: tuple[Fact, ...]
    lines: tuple[ShownLines, ...]
    boxes: tuple[Box, ...]
    documents: tuple[Mapping[str, Any], ...]
    papers: tuple[tuple[str, str], ...]  # address, name
    talk: conversation.Talk | None
    problems: tuple[ShownProblem, ...] = ()
    problem_heading: str = ""


# --- the list --------------------------------------------------------------------------------------------------------


def home(portal_name: str) -> Response:
    """The first form the person sees something of; whoever came by a link is led to their record."""
    portal, who = portal_of_request(), actor()
    if who.only is not None:
        return go(f"{base_of(portal)}/{who.only.form}/{who.only.id}")
    app = application()
    names = [
        str(one.form) for one in portal.forms if may(app, who, "read", one.form) or may(app, who, "create", one.form)
    ]
    return go(f"{base_of(portal)}/{(names or [portal.forms[0].form])[0]}")


def records(portal_name: str, form_name: str) -> Response:
    """``all``: also those whose life has ended; ``after``, ``before``: the next page, the one before."""
    portal, app, who = portal_of_request(), application(), actor()
    shown, form = shown_form(portal, form_name)
    if who.only is not None:
        return go(f"{base_of(portal)}/{who.only.form}/{who.only.id}")
    whole = "all" in request.args or form.workflow is None
    columns = columns_of(app, who, form)
    names = tuple(name for name in shown.card if name in columns)
    view = ListView(columns=(), where=_where(shown, form, whole))
    query = ListQuery(form=form, view=view, columns=names, limit=CARDS, after=request.args.get("after"),
                      before=request.args.get("before"))  # fmt: skip
    with app.database.read() as conn:
        page = fetching.run(app, who, query, conn, names or ("id",))
        fill(app, who, conn, form, columns, names, page.rows)
        found = extras(app, who, conn, form, columns, names, page.rows)
        cards = _cards(conn, portal, shown, form, columns, names, page.rows, found)
    return draw(
        "records.html", portal, form=form, heading=label_of(shown, form), cards=cards, whole=whole, page=page,
        ends=form.workflow is not None, welcome=_welcome(portal), may_create=bool(may(app, who, "create", form)),
        address=f"{base_of(portal)}/{form.name}",
    )  # fmt: skip


def _where(shown: PortalForm, form: Form, whole: bool) -> Any:
    parts = [f"({shown.where})"] if shown.where is not None else []
    if not whole:
        parts.append("not record.state.final")
    return " and ".join(parts) or None


def _welcome(portal: Portal) -> str:
    if portal.welcome is None:
        return ""
    app, who = application(), actor()
    with app.database.read() as conn:
        names = Sight(app, conn, who).names
        return fill_template(portal.welcome, reader().language, names, app.registry, reader())


def _cards(
    conn: sa.Connection, portal: Portal, shown: PortalForm, form: Form, columns: Columns, names: Sequence[str],
    rows: Sequence[Any], found: Any,
) -> list[Card]:  # fmt: skip
    app, who, person = application(), actor(), reader()
    sight = Sight(app, conn, who)
    sight.prime(form.name, [row["id"] for row in rows])
    shows = [(name, columns[name].label_in(person.language), shower(columns[name], person, NOWHERE)) for name in names]
    cards = []
    for row in rows:
        stored = sight.load(form.name, row["id"]) or row
        ways = doors(app, who, form, sight.view(form, stored)) if form.workflow else ()
        cards.append(Card(
            href=address_of(portal, form, row["id"]),
            title=str(row.get("_title") or f"#{row['id']}"),
            state=path.badge(form, row, person),
            steps=_steps(shown, form, stored, ()),
            facts=tuple(
                (label, Markup(show(row[name], row, found)))  # noqa: S704 - showers escape
                for name, label, show in shows if row[name] is not None and name not in row.get("_hidden", ())
            ),
            asked=tuple(door.label for door in open_doors(ways, form, stored) if _is_asked(form, door)),
        ))  # fmt: skip
    return cards


def _is_asked(form: Form, door: ShownDoor) -> bool:
    """What is possible beside it, a step of another style, is not asked of anybody."""
    return form.workflow is not None and form.workflow.transitions[door.name].style == "primary"


def _steps(shown: PortalForm, form: Form, row: Mapping[str, Any], stays: Sequence[path.Stay]) -> tuple[Step, ...]:
    """The main path, without who did what and how long it is to take."""
    if not shown.progress or form.workflow is None:
        return ()
    drawn = path.steps(form.workflow, row, stays, {}, reader(), application().clock())
    return tuple(replace(step, note="", title="", who="", late=False) for step in drawn)


# --- one record ------------------------------------------------------------------------------------------------------


def record(portal_name: str, form_name: str, record_id: int) -> Response:
    portal = portal_of_request()
    shown, form = shown_form(portal, form_name)
    with application().database.read() as conn:
        seen = see_there(conn, shown, form, record_id)
        page = page_of(conn, portal, shown, seen)
        return draw("record.html", portal, page=page, heading=page.title)


def page_of(
    conn: sa.Connection, portal: Portal, shown: PortalForm, seen: Seen, typed: Typed | None = None, error: Any = None
) -> RecordPage:
    """``typed`` and ``error``: what was filled in and not taken."""
    app, who, form, row = application(), actor(), seen.form, seen.row
    showing = Showing(conn, app, who, seen)
    typed = typed or Typed()
    sheet = sheet_maker(conn, form).make(seen, typed, {})
    problems: tuple[ShownProblem, ...] = ()
    if error is not None:
        problems, by_path = shown_problems(error.problems, typed, sheet)
        sheet = replace(sheet, problems=by_path)
        problems = problems or (ShownProblem(str(error.reason), None),)
    boxes = fillable(sheet, shown, seen)
    filled = {box.name for box in boxes}
    ways = doors(app, who, form, seen.view) if form.workflow else ()
    stays = path.stays_of(conn, app, form, seen.id) if form.workflow else []
    facts = [form.fields[name] for name in shown.fields
             if name in form.fields and name in seen.fields and name not in filled]  # fmt: skip
    plain = [field for field in facts if field.kind != "lines"]
    return RecordPage(
        form=form,
        title=seen.title,
        href=address_of(portal, form, seen.id),
        version=row["version"],
        token=new_token(),
        state=path.badge(form, row, reader()),
        aside=path.aside(form.workflow, row, reader(), app.clock()) if form.workflow else None,
        steps=_steps(shown, form, row, stays),
        history=_history(shown, form, stays),
        doors=open_doors(ways, form, row),
        facts=tuple(showing.fact(one) for one in plain if sheet.standing(one, sheet.view).visible),
        lines=tuple(showing.lines(field, alone=False) for field in facts if field.kind == "lines"),
        boxes=boxes,
        documents=_documents(conn, shown, seen),
        papers=_papers(portal, shown, seen),
        talk=conversation.outside(conn, portal, seen) if shown.messages else None,
        problems=problems,
    )  # fmt: skip


def fillable(sheet: Sheet, shown: PortalForm, seen: Seen) -> tuple[Box, ...]:
    """The fields of the page that this person may change now."""
    form = sheet.form
    names = [name for name in shown.fields if name in form.fields and name in seen.fields]
    made = (sheet.box(form, form.fields[name], sheet.view, name, sheet.typed.raw) for name in names
            if sheet.may_type(form, form.fields[name]) and actor().view_as is None)  # fmt: skip
    return tuple(box for box in made if box.visible and not box.locked)


def _history(shown: PortalForm, form: Form, stays: Sequence[path.Stay]) -> tuple[tuple[str, str], ...]:
    """(state, when it began), the latest first; never who."""
    if shown.history != "states" or form.workflow is None:
        return ()
    states = form.workflow.states
    told = reversed([stay for stay in stays if stay.state in states])
    return tuple(
        (states[stay.state].label.text(reader().language), formats.moment(stay.entered_at, reader())) for stay in told
    )


def _papers(portal: Portal, shown: PortalForm, seen: Seen) -> tuple[tuple[str, str], ...]:
    at, language = address_of(portal, seen.form, seen.id), reader().language
    offered = (one for one in formats_of(seen.form, actor()) if one.name in shown.prints)
    return tuple((f"{at}/print/{one.name}.pdf", one.label.text(language)) for one in offered)


def _documents(conn: sa.Connection, shown: PortalForm, seen: Seen) -> tuple[Mapping[str, Any], ...]:
    ids = [id for name in shown.files if name in seen.fields for id in seen.row.get(name) or ()]
    return tuple(uploads.shown_files(conn, application(), ids).values())
