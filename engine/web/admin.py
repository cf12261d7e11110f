"""Roles, audit and API tokens of everybody, for administrators. All of it only shows, but for revoking a token."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import accounts, audit, sessions
from engine.chain.standing import standing
from engine.definition import Form, Grant
from engine.errors import Invalid, Missing, Problem, message
from engine.language import Condition
from engine.web.auth import require_admin
from engine.web.context import actor, application, reader
from engine.web.me import shown_times
from engine.web.numbers import number
from engine.web.render import go, render, toast, translate

blueprint = Blueprint("admin", __name__, url_prefix="/admin")
blueprint.before_request(require_admin)

PAGE = 60
VERBS = (
    ("create", "create"), ("read", "read"), ("update", "change"), ("delete", "delete"), ("export", "export"),
    ("imports", "import"),
)  # fmt: skip


@blueprint.get("")
def show() -> Response:
    return go("/admin/users")


# --- roles


@dataclass(frozen=True)
class Row:
    """What one role may do with the records of one form, and which of its transitions it may take."""

    form: Form
    cells: tuple[Condition, ...]
    fields: tuple[tuple[str, str], ...]
    transitions: tuple[str, ...]


@blueprint.get("/roles")
def roles() -> str:
    app = application()
    names = list(app.definition.roles)
    chosen = request.args.get("role", names[0] if names else "")
    if names and chosen not in names:
        raise Missing(message("There is no role {role}.", role=chosen[:80]))
    forms = [form for form in app.definition.forms.values() if not form.parent_form]
    rows = [_row(form, chosen) for form in forms] if names else []
    return render("admin/roles.html", rows=rows, chosen=chosen, verbs=VERBS)


def _row(form: Form, role: str) -> Row:
    grant = form.permissions.get(role, Grant())  # type: ignore[call-overload]
    transitions = form.workflow.transitions.values() if form.workflow else ()
    language = reader().language
    return Row(
        form,
        tuple(getattr(grant, verb) for verb, _text in VERBS),
        tuple((form.fields[name].label_in(language), _field_text(one)) for name, one in grant.fields.items()),
        tuple(one.label.text(language) for one in transitions if role in one.roles),
    )


def _field_text(grant: object) -> str:
    """``read: never, change: record.state == 'x'``"""
    parts = (("read", getattr(grant, "read", None)), ("change", getattr(grant, "update", None)))
    said = (f"{translate(verb)}: {_condition(condition)}" for verb, condition in parts if condition is not None)
    return ", ".join(said)


def _condition(condition: Condition) -> str:
    if condition.expression is not None:
        return str(condition.expression)
    return translate("always") if condition.constant else translate("never")


# --- audit


@blueprint.get("/audit")
def events() -> str:
    app, args = application(), request.args
    search = audit.Search(
        form=args.get("form", ""),
        kind=args.get("kind", ""),
        actor_id=args.get("actor", type=number),
        record_id=args.get("record", type=number),
        since=_day(args.get("since")),
        until=_day(args.get("until"), after=1),
        before=args.get("before", type=number),
    )
    with app.database.read() as conn:
        found = audit.found(conn, app, search, PAGE + 1)
        people = accounts.users_where(conn, app.tables)
        names = audit.subject_names(conn, app, found[:PAGE])
        chain = standing(conn)
    return render(
        "admin/audit.html",
        events=found[:PAGE],
        names=names,
        people=people,
        following=found[PAGE - 1].id if len(found) > PAGE else None,
        field_label=_field_label,
        older=_older,
        request_arg=lambda name: args.get(name, ""),
        shown=_shown,
        kind_label=kind_label,
        search=search,
        chain=chain,
        **shown_times(),
    )


def _older(before: int) -> str:
    return "/admin/audit?" + urlencode({**request.args.to_dict(), "before": before})


def _shown(value: object) -> str:
    if value in (None, "", []):
        return "–"
    text = ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _day(text: str | None, after: int = 0) -> dt.datetime | None:
    """A date as the browser sends it → the beginning of that day (or ``after`` days later) on the reader's clock."""
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        reason = message("{text} is not a date.", text=text[:20])
        raise Invalid(reason, [Problem("since", reason)]) from None
    return dt.datetime.combine(day + dt.timedelta(days=after), dt.time(), reader().zone)


def _field_label(form_name: str, key: str) -> str:
    form = application().definition.forms.get(form_name)
    fields = form.fields.values() if form else ()
    found = next((field for field in fields if field.stable_id == key), None)
    return found.label_in(reader().language) if found else key


KINDS = {
    "created": message("created"),
    "updated": message("changed"),
    "deleted": message("deleted"),
    "restored": message("restored"),
    "transition": message("moved on"),
    "adopted": message("imported"),
    "reassigned": message("handed over"),
    "commented": message("commented"),
    "user.created": message("added the user"),
    "user.changed": message("changed the user"),
    "user.profile": message("changed the own profile"),
    "user.password": message("changed the own password"),
    "user.reset": message("reset the password"),
    "user.second_factor": message("turned on the second factor"),
    "user.second_factor_dropped": message("turned off the second factor"),
    "user.recovery_codes": message("made new recovery codes"),
    "portal.accepted": message("accepted the invitation"),
    "portal.invited": message("invited"),
    "portal.link_made": message("made a link to a record for"),
    "portal.link_opened": message("opened a link to a record"),
    "portal.link_revoked": message("took back a link to a record"),
    "portal.looked": message("looked at the portal as"),
    "user.activated": message("activated the user"),
    "user.deactivated": message("deactivated the user"),
    "user.sessions_ended": message("signed out devices"),
    "user.signed_in": message("signed in"),
    "token.created": message("created an API token"),
    "token.revoked": message("revoked an API token"),
    "wall.created": message("made a wall screen"),
    "wall.revoked": message("revoked a wall screen"),
    "group.saved": message("saved the group"),
    "group.deleted": message("deleted the group"),
    "audit.verified": message("verified the audit chain"),
    "definition.applied": message("applied a definition"),
    "definition.published": message("published a definition"),
    "definition.rolled_back": message("went back to a definition"),
    "rule.paused": message("paused a rule"),
    "rule.resumed": message("let a rule go on"),
    "run.cancelled": message("cancelled a run"),
    "message.replayed": message("sent a message again"),
    "message.settled": message("settled a message"),
    "feed.sent": message("handed over from a page"),
    "connection.tested": message("tried a connection"),
    "feed.looked": message("let a feed look now"),
    "feed.filled": message("began a back-fill"),
    "feed.fill_cancelled": message("stopped a back-fill"),
    "feed.replayed": message("let arrivals be taken again"),
    "secret.set": message("set a secret"),
    "secret.removed": message("removed a secret"),
    "secret.renewed": message("encrypted the secrets anew"),
}


def kind_label(kind: str) -> object:
    return KINDS.get(kind, kind)


# --- tokens


@blueprint.get("/tokens")
def tokens() -> str:
    app = application()
    with app.database.read() as conn:
        everybodys = sessions.tokens_of(conn, app.tables)
    return render("admin/tokens.html", mine=everybodys, own=False, now=app.clock(), **shown_times())


@blueprint.post("/tokens/<int:token_id>/revoke")
def revoke_token(token_id: int) -> Response:
    app = application()
    with app.database.write() as conn:
        if not sessions.revoke_token(conn, app.tables, token_id, now=app.clock()):
            raise Missing(message("There is no such token."))
        audit.note(conn, app, actor(), "token.revoked", actor().id or 0)
    toast(message("The token no longer works."))
    return go("/admin/tokens")
