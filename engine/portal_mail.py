"""Mails to people outside: invitations, and news of messages.

What is queued names the person only. The secret in the link is made when the mail is handed over, so that no table
holds it; a mail that is sent again carries a new one, and the one before is dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine import outsiders
from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, DeliveryFailed, Message, message
from engine.outside.task import Task
from engine.people import Actor
from engine.portals import Portal
from engine.storage import records
from engine.storage.upsert import insert
from engine.texts import say

KIND = "portal_mail"
MOST_TOLD = 20


def can_send(portal: Portal) -> bool:
    return portal.connection is not None and portal.address is not None


def invite(conn: sa.Connection, app: Application, portal: Portal, user_id: int, by: Actor) -> None:
    """Queue the mail with the invitation, in the caller's transaction."""
    key = f"invitation:{portal.name}:{user_id}:{app.clock().isoformat()}"
    _leave(conn, app, portal, key, {"what": "invitation", "user": user_id, "by": by.id})


def tell(
    conn: sa.Connection, app: Application, portal: Portal, form: Form, record_id: int, stands_for: int, message_id: int
) -> None:
    """Queue a mail to everybody with access who stands for that record: there is a new message."""
    if not can_send(portal):
        return
    people = [
        one for one in outsiders.outsiders_of(conn, app, portal, stands_for=stands_for) if one.active and one.address
    ]
    for one in people[:MOST_TOLD]:
        if one.has_password or (portal.links is not None and one.links):
            what = {"what": "message", "user": one.id, "form": form.name, "record": record_id}
            _leave(conn, app, portal, f"message:{portal.name}:{message_id}:{one.id}", what, form.name, record_id)


def _leave(
    conn: sa.Connection, app: Application, portal: Portal, key: str, what: Mapping[str, Any], form: str | None = None,
    record_id: int | None = None,
) -> None:  # fmt: skip
    table, now = app.tables.message, app.clock()
    row = {
        "key": key, "kind": KIND, "form": form, "record_id": record_id, "due_at": now, "state": "waiting",
        "connection": portal.connection, "effect": {"portal": portal.name, **what},
        "definition": app.definition.hash, "created_at": now,
    }  # fmt: skip
    id = conn.scalar(
        insert(conn, table).values(row).on_conflict_do_nothing(index_elements=["key"]).returning(table.c.id)
    )
    if id is not None:
        app.database.posted(conn, id, now)


# --- when it is handed over ------------------------------------------------------------------------------------------


def perform(task: Task, around: Any) -> Mapping[str, Any]:
    """The performer of ``portal_mail``. ``around``: what ``carry_out`` hands over, which knows the application
    inside."""
    app: Application = around.inner.app
    try:
        portal = outsiders.portal_named(app, str(task.data["portal"]))
        data = _letter(app, portal, task.data)
    except DeliveryFailed:
        raise
    except AppmillError as error:
        raise DeliveryFailed(error.reason, again=False) from None
    result: Mapping[str, Any] = app.registry.performers["mail"](replace(task, kind="mail", data=data), around)
    return result


def with_link(app: Application, form: str | None, record_id: int | None, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is mailed, with a link to the record below its text, made now for whom it is sent to. Raises DeliveryFailed
    where the portal gives out none, or the record is nobody's outside."""
    rest = {name: value for name, value in data.items() if name != "portal"}
    try:
        with app.database.write() as conn:
            portal = outsiders.portal_named(app, str(data["portal"]))
            shown = portal.form(form or "")
            row = records.get(conn, app.tables, form or "", record_id or 0) if shown else None
            stands_for = outsiders.whose(app, portal, shown, row) if shown is not None and row is not None else None
            if form is None or record_id is None or stands_for is None:
                raise DeliveryFailed(
                    message("The record is nobody's in this portal; there is no link to it."), again=False
                )
            person = outsiders.link_person(conn, app, portal, stands_for, _only_address(data.get("to") or ()))
            secret = outsiders.make_link(conn, app, portal, form, record_id, person, None)
    except AppmillError as error:
        if isinstance(error, DeliveryFailed):
            raise
        raise DeliveryFailed(error.reason, again=False) from None
    return {**rest, "text": f"{rest.get('text') or ''}\n\n{address(portal, f'link/{secret}')}"}


def _only_address(receivers: Sequence[Any]) -> str | None:
    """The one address a mail goes to; None where it goes to several, who share the link."""
    found = [one["address"] if isinstance(one, Mapping) else str(one) for one in receivers]
    return found[0] if len(found) == 1 and outsiders.ADDRESS.fullmatch(found[0]) else None


def _letter(app: Application, portal: Portal, what: Mapping[str, Any]) -> Mapping[str, Any]:
    with app.database.write() as conn:
        user = app.tables.user
        person = conn.execute(
            sa.select(user.c.name, user.c.email, user.c.language, user.c.active).where(user.c.id == what["user"])
        ).first()
        if person is None or not person.active or not person.email:
            raise DeliveryFailed(message("The access was ended; no mail is sent."), again=False)
        language = person.language or app.definition.languages[0]
        make = _invitation if what["what"] == "invitation" else _news
        subject, body = make(conn, app, portal, what, language)
    lines = [say(one, language) if isinstance(one, Message) else one for one in body]
    contact = portal.contact.text(language) if portal.contact else ""
    return {"to": [{"name": person.name, "address": person.email}], "cc": [], "subject": say(subject, language),
            "text": "\n\n".join([*lines, *([contact] if contact else [])]), "attachments": []}  # fmt: skip


def _invitation(
    conn: sa.Connection, app: Application, portal: Portal, what: Mapping[str, Any], language: str
) -> tuple[Message, list[Message | str]]:
    secret = outsiders.renew_invitation(conn, app, int(what["user"]), what.get("by"))
    name = app.definition.label
    return message("{app}: your access to {portal}", app=name, portal=portal.label), [
        message("You are invited to {portal} of {app}. Open this link within 7 days and choose a password:",
                portal=portal.label, app=name),
        address(portal, f"invitation/{secret}"),
        message("If you did not expect this mail, leave it."),
    ]  # fmt: skip


def _news(
    conn: sa.Connection, app: Application, portal: Portal, what: Mapping[str, Any], language: str
) -> tuple[Message, list[Message | str]]:
    form, record_id = app.definition.forms[what["form"]], int(what["record"])
    table = app.tables.form[form.name]
    title = conn.scalar(sa.select(table.c["_title"]).where(table.c.id == record_id)) or f"#{record_id}"
    outsider = app.tables.user.c.password_hash
    has_account = conn.scalar(sa.select(outsider.is_not(None)).where(app.tables.user.c.id == what["user"]))
    if has_account:
        at = f"{form.name}/{record_id}#talk"
    else:
        at = f"link/{outsiders.make_link(conn, app, portal, form.name, record_id, int(what['user']), None)}"
    return message("New message: {title}", title=title), [
        message("There is a new message for you about {form} {title}:", form=form.label, title=title),
        address(portal, at),
    ]  # fmt: skip


def address(portal: Portal, at: str) -> str:
    """An address of the portal as people outside open it."""
    return f"{portal.address or ''}/portal/{portal.name}/{at}"
