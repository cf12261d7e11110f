"""Finding a record: the palette's search over everything the actor may see, and what a link field offers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from engine import codes, fetching, queries
from engine.application import Application
from engine.columns import columns_of
from engine.definition import Form
from engine.errors import Invalid, Missing, message
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.fields.relations import POINTING
from engine.people import Actor, inside, people_with_roles
from engine.permissions import may, row_filter
from engine.queries import ListQuery
from engine.storage import search
from engine.subtitles import subtitles
from engine.web.context import actor, application, reader
from engine.web.menu import menu_of
from engine.web.numbers import whole
from engine.web.render import go, render
from engine.web.screens import form_named
from engine.web.seen import see

blueprint = Blueprint("finding", __name__)
EACH = 5  # of one form in the palette
FULL = 25  # of one form on the page
MOST_FORMS = 40
OFFERED = 20


@dataclass(frozen=True)
class Hit:
    title: str
    url: str
    state: Any  # a badge, or ""
    subtitle: str = ""


@dataclass(frozen=True)
class HitGroup:
    """The records of one form that were found; ``more_url``: the list searched the same way."""

    label: str
    icon: str
    hits: tuple[Hit, ...]
    more_url: str | None


@blueprint.get("/find")
def find_code() -> Response:
    """``code``, typed or scanned: straight to the only record that has it, else what there is. JSON where asked for."""
    code = _own_path(request.args.get("code", "").strip())
    if len(code) > codes.LONGEST:
        raise Invalid(message("Search for at most {most} characters.", most=codes.LONGEST))
    app, who = application(), actor()
    with app.database.read() as conn:
        hits = _by_address(conn, code) or codes.find(app, who, conn, code)
    if request.accept_mimetypes.best == "application/json":
        return jsonify(hits=[{"title": hit.title, "url": f"/{hit.form}/{hit.id}", "form": hit.form} for hit in hits])
    if len(hits) == 1:
        return go(f"/{hits[0].form}/{hits[0].id}")
    groups = _grouped(hits) if hits else found(app, who, code, FULL) if code else []
    return Response(render("search.html", q=code, groups=groups, entries=[], news=[], exact=bool(hits)))


def _own_path(code: str) -> str:
    """Labels may hold a whole address of this site; what counts is where it leads."""
    parts = urlsplit(code) if code.startswith(("http://", "https://")) else None
    return parts.path if parts is not None and parts.netloc == request.host else code


def _by_address(conn: sa.Connection, code: str) -> list[codes.Found]:
    """``/repair/12`` names a record by itself."""
    form, _, number = code.strip("/").partition("/")
    id = whole(number)
    if not code.startswith("/") or id is None or form not in application().definition.forms:
        return []
    try:
        seen = see(conn, form_named(form), id)
    except Missing:
        return []
    return [codes.Found(form, id, seen.title)]


def _grouped(hits: Sequence[codes.Found]) -> list[HitGroup]:
    groups = []
    for name in dict.fromkeys(hit.form for hit in hits):
        form = application().definition.forms[name]
        own = tuple(Hit(hit.title, f"/{name}/{hit.id}", "") for hit in hits if hit.form == name)
        groups.append(HitGroup((form.plural or form.label).text(reader().language), form.icon, own, None))
    return groups


@blueprint.get("/search")
def find() -> str:
    text = request.args.get("q", "").strip()
    if len(text) > queries.LONGEST:
        raise Invalid(message("Search for at most {most} characters.", most=queries.LONGEST))
    inside = request.headers.get("HX-Request") is not None
    groups = found(application(), actor(), text, EACH if inside else FULL) if text else []
    menu = menu_of(application(), actor())
    entries = [entry for group in menu.groups for entry in group.entries if text.casefold() in entry.label.casefold()]
    news = [entry for entry in menu.creatable if text.casefold() in entry.label.casefold()]
    exact = _exact(text) if inside and text else []
    return render("palette.html" if inside else "search.html", q=text, groups=groups, entries=entries, news=news,
                  exact=exact)  # fmt: skip


def _exact(text: str) -> list[HitGroup]:
    """What has exactly this number stands first, so that Enter opens it."""
    with application().database.read() as conn:
        return _grouped(codes.find(application(), actor(), conn, text))


def found(app: Application, who: Actor, text: str, each: int) -> list[HitGroup]:
    """What matches in every form the actor may read; forms where the title is exactly the text come first."""
    exact: list[HitGroup] = []
    others: list[HitGroup] = []
    with app.database.read() as conn:
        for form in _searched(app, who):
            group, is_exact = _in_form(app, who, conn, form, text, each)
            if group is not None:
                (exact if is_exact else others).append(group)
    return [*exact, *others]


def _searched(app: Application, who: Actor) -> Iterator[Form]:
    forms = [form for form in app.definition.forms.values() if not form.parent_form and may(app, who, "read", form)]
    yield from forms[:MOST_FORMS]


def _in_form(
    app: Application, who: Actor, conn: sa.Connection, form: Form, text: str, each: int
) -> tuple[HitGroup | None, bool]:
    query = ListQuery(form=form, view=None, text=text, limit=each, sort=(queries.Sort("updated_at", True),))
    page = fetching.run(app, who, query, conn, ("id",))
    if not page.rows:
        return None, False
    wanted = text.casefold()
    rows = sorted(page.rows, key=lambda row: not _is_exact(row["_title"], wanted))
    language = reader().language
    said = subtitles(app, who, conn, form, [row["id"] for row in rows])
    hits = tuple(
        Hit(
            row["_title"] or f"#{row['id']}",
            f"/{form.name}/{row['id']}",
            _badge(who, form, row),
            said.get(row["id"], ""),
        )
        for row in rows
    )
    more = f"/{form.name}{ListQuery(form=form, view=None, text=text).url()}" if page.after else None
    label = (form.plural or form.label).text(language)
    return HitGroup(label, form.icon, hits, more), _is_exact(rows[0]["_title"], wanted)


def _is_exact(title: str | None, wanted: str) -> bool:
    """The title, or its first word, which often is a number, is just what was typed."""
    words = (title or "").casefold()
    return words == wanted or words.split(" ", 1)[0] == wanted


def _badge(who: Actor, form: Form, row: Any) -> Any:
    columns = columns_of(application(), who, form)
    state = columns.get("state")
    return state.cell(row["state"], reader()) if state is not None and row.get("state") else ""


# --- what a link field offers ----------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/options")
def options(form_name: str) -> Response:
    """``[{id, title}]``: what a list may be filtered by; found by ``q``. Forms to fill in ask ``/options/<field>``."""
    app, who = application(), actor()
    form, field = _asked(form_name)
    text = request.args.get("q", "").strip()[: queries.LONGEST]
    with app.database.read() as conn:
        rows = offered(app, who, conn, form, field, text)
    answer = jsonify(rows)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _asked(form_name: str) -> tuple[Form, Field]:
    """The link or user column asked about; it must be one the actor may see."""
    form = form_named(form_name)
    columns = columns_of(application(), actor(), form)
    field = columns.get(request.args.get("field", ""))
    if field is None or field.kind not in POINTING:
        known = [each for each in columns if columns[each].kind in POINTING]
        raise Invalid(queries.unknown(queries.NO_FIELD, request.args.get("field", ""), known))
    return form, field


def offered(
    app: Application, who: Actor, conn: sa.Connection, form: Form, field: Field, text: str
) -> list[dict[str, Any]]:
    """At most 20 that a list may be filtered by: what the actor may see and the field's condition allows."""
    if field.kind in ("user", "users"):
        return _people(app, conn, field, text)
    return _records(app, who, conn, form, field, text)


def _records(
    app: Application, who: Actor, conn: sa.Connection, form: Form, field: Field, text: str
) -> list[dict[str, Any]]:
    target = app.definition.forms[target_of(form, field, app.definition)]
    if not may(app, who, "read", target):
        return []
    table = app.tables.form[target.name]
    select = sa.select(table.c.id, table.c["_title"]).where(table.c.deleted_at.is_(None))
    allowed = row_filter(app, who, "read", target)
    if allowed is not None:
        select = select.where(allowed)
    for clause in _own_condition(app, who, target, field):
        select = select.where(clause)
    if text:
        select = select.where(search.clause(app.tables, target.name, text))
    order = (table.c["_title"], table.c.id) if text else (table.c.updated_at.desc(), table.c.id.desc())
    rows = conn.execute(select.order_by(*order).limit(OFFERED))
    return [{"id": row[0], "title": row[1] or f"#{row[0]}"} for row in rows]


def _own_condition(app: Application, who: Actor, target: Form, field: Field) -> Iterator[sa.ColumnElement[bool]]:
    """``where`` of the link; what it asks of the record being edited is checked when that is saved."""
    source = getattr(field, "where", None)
    if source and not any(path[0] == "source" for path in app.plans.compile(source).paths):
        yield fetching.where_sql(app, who, target, source)


def _people(app: Application, conn: sa.Connection, field: Field, text: str) -> list[dict[str, Any]]:
    table = app.tables.user
    select = sa.select(table.c.id, table.c.name).where(table.c.active.is_(True), inside(app.tables))
    if text:
        matches = table.c.name.icontains(text, autoescape=True) | table.c.login.istartswith(text, autoescape=True)
        select = select.where(matches)
    roles = getattr(field, "roles", ())
    if roles:
        select = select.where(table.c.id.in_(people_with_roles(conn, app.tables, roles)))
    rows = conn.execute(select.order_by(table.c.name, table.c.id).limit(OFFERED))
    return [{"id": row[0], "title": row[1]} for row in rows]
