"""Saved views: a name for a query string, one's own or shared. The address stays the truth; a view only fills it in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from engine.definition import Form
from engine.errors import Denied, Invalid, Message, Missing, message
from engine.people import Actor
from engine.queries import parse_query
from engine.storage.prepared import value
from engine.web.context import actor, application
from engine.web.render import go, render, toast
from engine.web.screens import form_named

blueprint = Blueprint("saved", __name__)
LONGEST_NAME = 60
MOST_EACH = 50  # saved views of one person on one form


@dataclass(frozen=True)
class SavedView:
    """``mine``: whether the present actor made it and may change it."""

    id: int
    name: str
    url: str
    shared: bool
    is_default: bool
    mine: bool
    active: bool


def of_form(conn: sa.Connection, form: Form, active: str | None) -> list[SavedView]:
    """The actor's own and the shared ones, by name."""
    who = actor()
    tables = application().tables
    query = tables.statements.get(("saved views",), conn.dialect, lambda: _of_form(tables.saved_view))
    return [_view(form, row, who, active) for row in query.rows(conn, {"form_": form.name, "owner_": who.id})]


def _of_form(table: sa.Table) -> sa.Select[Any]:
    seen = sa.or_(table.c.owner == value("owner_", table.c.owner.type), table.c.shared.is_(True))
    return sa.select(table).where(table.c.form == value("form_", sa.Text), seen).order_by(table.c.name, table.c.id)


def _view(form: Form, row: Any, who: Actor, active: str | None) -> SavedView:
    url = f"/{form.name}?{urlencode([('saved', row['id']), *parse_qsl(row['query'], keep_blank_values=True)])}"
    mine = row["owner"] == who.id
    return SavedView(
        row["id"], row["name"], url, row["shared"], row["is_default"] and mine, mine, active == str(row["id"])
    )


def outlived(form: Form, view_id: str) -> tuple[str, list[Message]] | None:
    """Where an address asks, in the words of a saved view, for what is gone meanwhile: the address with what still
    works, and what was left out."""
    with application().database.read() as conn:
        kept = next((each for each in of_form(conn, form, view_id) if each.active), None)
    if kept is None:
        return None
    stored = set(parse_qsl(urlsplit(kept.url).query, keep_blank_values=True))
    args = MultiDict(pair for pair in request.args.items(multi=True) if pair in stored)
    try:
        parse_query(application(), actor(), form, args, also=("saved",))
    except (Invalid, Missing) as error:
        gone = [problem.message for problem in error.problems] or [error.reason]
    else:
        return None
    if args.get("view", "") not in form.views:
        args.poplist("view")
    query = parse_query(application(), actor(), form, args, also=("saved",), strict=False)
    return f"/{form.name}?{urlencode([('saved', view_id), *query.args()])}", gone


def default_url(conn: sa.Connection, form: Form) -> str | None:
    """Where the bare address of the list leads this actor, if they chose a view for it."""
    return next((view.url for view in of_form(conn, form, None) if view.is_default), None)


@blueprint.get("/<form_name>/saved")
def menu(form_name: str) -> str:
    form = form_named(form_name)
    query = parse_query(application(), actor(), form, request.args, also=("saved",))
    with application().database.read() as conn:
        views = of_form(conn, form, request.args.get("saved"))
    return render("list_saved.html", form=form, views=views, query_text=urlencode(query.args()))


@blueprint.post("/<form_name>/saved")
def save(form_name: str) -> Response:
    """Keep the query string that was sent under a name; the actor's own view of that name is replaced."""
    form, who, app = form_named(form_name), actor(), application()
    name = request.form.get("name", "").strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise Invalid(message("Give the view a name of 1 to {most} characters.", most=LONGEST_NAME))
    refuse_looking(who)
    query = checked_query(form, request.form.get("query", ""))
    values = {
        "query": query,
        "shared": request.form.get("shared") == "1",
        "is_default": request.form.get("is_default") == "1",
    }
    with app.database.write() as conn:
        saved = store(conn, form, who, name, values)
    toast(message("The view “{name}” is saved.", name=name))
    return go(f"/{form.name}?{urlencode([('saved', saved), *parse_qsl(query)])}")


def refuse_looking(who: Actor) -> None:
    if who.view_as:
        raise Denied(message("You are looking as another role; nothing can be changed."))


def checked_query(form: Form, text: str) -> str:
    """The query string as a list would say it itself; raises Invalid for one no list understands."""
    pairs = MultiDict((key, value) for key, value in parse_qsl(text[:4000], keep_blank_values=True) if key != "saved")
    query = parse_query(application(), actor(), form, pairs)
    return urlencode(query.args())


def store(conn: sa.Connection, form: Form, who: Actor, name: str, values: dict[str, Any]) -> int:
    table = application().tables.saved_view
    mine = sa.and_(table.c.form == form.name, table.c.owner == who.id)
    if values["is_default"]:
        conn.execute(sa.update(table).where(mine).values(is_default=False))
    same = conn.scalar(sa.select(table.c.id).where(mine, table.c.name == name))
    if same is not None:
        conn.execute(sa.update(table).where(table.c.id == same).values(**values))
        return int(same)
    if (conn.scalar(sa.select(sa.func.count()).select_from(table).where(mine)) or 0) >= MOST_EACH:
        raise Invalid(message("You have {most} saved views here already; delete one first.", most=MOST_EACH))
    made = conn.execute(sa.insert(table).values(form=form.name, owner=who.id, name=name, **values))
    return int(made.inserted_primary_key[0])  # type: ignore[index]


@blueprint.post("/<form_name>/saved/<int:view_id>")
def change(form_name: str, view_id: int) -> Response:
    """Delete one of one's own views, share it or stop sharing it, or make it the one the list opens with."""
    form, who, app = form_named(form_name), actor(), application()
    refuse_looking(who)
    table = app.tables.saved_view
    with app.database.write() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == view_id, table.c.form == form.name)).mappings().first()
        if row is None or row["owner"] != who.id:
            raise Missing(message("There is no such view of yours."))
        for statement in _changes(table, row, request.form.get("do", "")):
            conn.execute(statement)
    return go(f"/{form.name}?view=" + next(iter(form.views), ""))


def _changes(table: sa.Table, row: Any, do: str) -> Iterator[Any]:
    own = table.c.id == row["id"]
    siblings = sa.and_(table.c.form == row["form"], table.c.owner == row["owner"])
    if do == "delete":
        yield sa.delete(table).where(own)
    elif do in ("share", "keep"):
        yield sa.update(table).where(own).values(shared=do == "share")
    elif do in ("open", "usual"):
        yield sa.update(table).where(siblings).values(is_default=False)
        if do == "open":
            yield sa.update(table).where(own).values(is_default=True)
    else:
        raise Invalid(message("A saved view can be deleted, shared, kept to oneself, or opened first."))
