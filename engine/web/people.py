"""People and groups, for administrators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import accounts, answering, audit, outsiders, passwords, secondfactor, sessions
from engine.accounts import User
from engine.errors import AppmillError, message
from engine.language import ADMIN
from engine.storage import records
from engine.web.auth import require_admin
from engine.web.context import actor, application
from engine.web.failures import said
from engine.web.me import browser_of, shown_times
from engine.web.numbers import whole
from engine.web.render import go, render, toast

blueprint = Blueprint("people", __name__, url_prefix="/admin")
blueprint.before_request(require_admin)


# --- users


@blueprint.get("/users")
def users() -> str:
    app = application()
    with app.database.read() as conn:
        everybody = accounts.users_where(conn, app.tables)
        groups = accounts.groups_of(conn, app.tables)
    names = {group.id: group.name for group in groups}
    return render("admin/users.html", users=everybody, group_names=names, **shown_times())


@blueprint.get("/users/new")
def new_user() -> str:
    return _new_user_form({}, "")


def _new_user_form(typed: Mapping[str, object], problem: str) -> str:
    app = application()
    with app.database.read() as conn:
        groups = accounts.groups_of(conn, app.tables)
    return render("admin/user_new.html", groups=groups, typed=typed, problem=problem)


@blueprint.post("/users")
def create_user() -> str | tuple[str, int]:
    """A new person with a one-time password, shown this once."""
    app, form = application(), request.form
    password, roles = passwords.one_time(), form.getlist("roles")
    try:
        with app.database.write() as conn:
            user_id = accounts.create_user(
                conn,
                app.tables,
                login=form.get("login", ""),
                name=form.get("name", ""),
                email=form.get("email", "").strip()[:200],
                password=password,
                must_change=True,
                now=app.clock(),
            )
            user = accounts.find_inside(conn, app.tables, user_id)
            accounts.set_roles(conn, app.tables, user, roles, accounts.inside_roles(app.definition))
            accounts.set_groups(conn, app.tables, user_id, _numbers("groups"))
            audit.note(conn, app, actor(), "user.created", user_id, changes={"roles": [[], sorted(roles)]})
    except AppmillError as error:
        typed = {"login": form.get("login"), "name": form.get("name"), "email": form.get("email"), "roles": roles}
        return _new_user_form(typed, said(error.reason)), error.status
    return render("admin/password.html", user=user, password=password, created=True)


def _numbers(name: str) -> list[int]:
    return [found for text in request.form.getlist(name) if (found := whole(text)) is not None]


@blueprint.get("/users/<int:user_id>")
def user(user_id: int) -> str:
    app = application()
    with app.database.read() as conn:
        return render(
            "admin/user.html",
            user=accounts.find_inside(conn, app.tables, user_id),
            groups=accounts.groups_of(conn, app.tables),
            living=sessions.sessions_of(conn, app.tables, user_id, app.clock()),
            tokens=sessions.tokens_of(conn, app.tables, user_id),
            second_factor=secondfactor.enrolled(conn, app.tables, user_id),
            browser_of=browser_of,
            now=app.clock(),
            **shown_times(),
        )


@blueprint.post("/users/<int:user_id>")
def save_user(user_id: int) -> Response:
    app, form = application(), request.form
    with app.database.write() as conn:
        before = accounts.find_inside(conn, app.tables, user_id)
        roles = form.getlist("roles")
        accounts.set_profile(
            conn, app.tables, user_id, name=form.get("name", ""), email=form.get("email", "").strip()[:200] or None
        )
        accounts.set_roles(conn, app.tables, before, roles, accounts.inside_roles(app.definition))
        accounts.set_groups(conn, app.tables, user_id, _numbers("groups"))
        audit.note(conn, app, actor(), "user.changed", user_id, changes=_changes(before, roles, _numbers("groups")))
    toast(message("Saved."))
    return go(f"/admin/users/{user_id}")


def _changes(before: User, roles: list[str], groups: list[int]) -> dict[str, Any]:
    sides: dict[str, tuple[list[Any], list[Any]]] = {
        "roles": (sorted(before.roles), sorted(roles)),
        "groups": (sorted(before.groups), sorted(groups)),
    }
    return {name: [old, new] for name, (old, new) in sides.items() if old != new}


@blueprint.post("/users/<int:user_id>/reset")
def reset_password(user_id: int) -> str:
    """A one-time password, shown this once; the person is signed out everywhere."""
    app, password = application(), passwords.one_time()
    with app.database.write() as conn:
        person = accounts.find_inside(conn, app.tables, user_id)
        accounts.set_password(conn, app.tables, person, password, now=app.clock(), must_change=True)
        audit.note(conn, app, actor(), "user.reset", user_id)
    return render("admin/password.html", user=person, password=password, created=False)


@blueprint.post("/users/<int:user_id>/second_factor")
def drop_second_factor(user_id: int) -> Response:
    """For somebody who lost their phone and their recovery codes: no code is asked for until they enrol again."""
    app = application()
    with app.database.write() as conn:
        person = accounts.find_inside(conn, app.tables, user_id)
        if secondfactor.drop(conn, app, user_id):
            sessions.close_sessions(conn, app.tables, user_id)
            audit.note(conn, app, actor(), "user.second_factor_dropped", user_id)
    toast(message("{name} is signed out and signs in without a code until they set one up again.", name=person.name))
    return go(f"/admin/users/{user_id}")


@blueprint.post("/users/<int:user_id>/active")
def set_active(user_id: int) -> Response:
    app, active = application(), request.form.get("active") == "yes"
    with app.database.write() as conn:
        person = accounts.find_inside(conn, app.tables, user_id)
        accounts.set_active(conn, app.tables, person, active, now=app.clock())
        audit.note(conn, app, actor(), "user.activated" if active else "user.deactivated", user_id)
    if not active:
        answering.no_longer_asked(app, user_id)
    out = "{name} is signed out and cannot sign in any more."
    toast(message("{name} can sign in again." if active else out, name=person.name))
    return go(f"/admin/users/{user_id}")


@blueprint.post("/users/<int:user_id>/sign_out")
def end_sessions(user_id: int) -> Response:
    app = application()
    with app.database.write() as conn:
        ended = sessions.close_sessions(conn, app.tables, user_id)
        audit.note(conn, app, actor(), "user.sessions_ended", user_id)
    toast(message("{count} sessions ended.", count=ended))
    return go(f"/admin/users/{user_id}")


# --- people outside


@blueprint.get("/outside")
def outside() -> str:
    """Who has access from outside, and when they were last seen; managed on the record they stand for."""
    app = application()
    with app.database.read() as conn:
        rooms = [(portal, outsiders.stood_for(app, portal), outsiders.outsiders_of(conn, app, portal))
                 for portal in app.definition.portals.values()]  # fmt: skip
        ids: dict[str, set[int]] = {}
        for _portal, form, people in rooms:
            ids.setdefault(form, set()).update(one.stands_for for one in people)
        titles = {form: records.titles(conn, app.tables, form, some) for form, some in ids.items()}
    return render("admin/outside.html", rooms=rooms, titles=titles, most=outsiders.MOST_LISTED, **shown_times())


# --- groups


@blueprint.get("/groups")
def groups() -> str:
    app = application()
    with app.database.read() as conn:
        found = accounts.groups_of(conn, app.tables)
        everybody = accounts.users_where(conn, app.tables)
    names = {person.id: person.name for person in everybody}
    return render("admin/groups.html", groups=found, names=names)


@blueprint.get("/groups/new")
@blueprint.get("/groups/<int:group_id>")
def group(group_id: int | None = None) -> str | Response:
    app = application()
    with app.database.read() as conn:
        found = [one for one in accounts.groups_of(conn, app.tables) if one.id == group_id]
        everybody = accounts.users_where(conn, app.tables, app.tables.user.c.active)
    if group_id is not None and not found:
        return go("/admin/groups")
    return render("admin/group.html", group=found[0] if found else None, users=everybody)


@blueprint.post("/groups")
@blueprint.post("/groups/<int:group_id>")
def save_group(group_id: int | None = None) -> Response:
    app, form = application(), request.form
    with app.database.write() as conn:
        saved = accounts.save_group(
            conn,
            app.tables,
            id=group_id,
            name=form.get("name", ""),
            roles=form.getlist("roles"),
            members=_numbers("members"),
            known=[name for name in accounts.inside_roles(app.definition) if name != ADMIN],
        )
        audit.note(conn, app, actor(), "group.saved", saved, form="_group", reason=form.get("name", "")[:120])
    toast(message("Saved."))
    return go("/admin/groups")


@blueprint.post("/groups/<int:group_id>/delete")
def delete_group(group_id: int) -> Response:
    app = application()
    with app.database.write() as conn:
        accounts.delete_group(conn, app.tables, group_id)
        audit.note(conn, app, actor(), "group.deleted", group_id, form="_group")
    toast(message("The group is gone; its members lost its roles."))
    return go("/admin/groups")
