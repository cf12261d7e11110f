"""The runs: a list with filters, and the page of one with everything that is known of it."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine.errors import Missing, Refused, message
from engine.jobs import mending
from engine.runs import OPEN
from engine.web.automation import ledger
from engine.web.automation.access import for_owners, seen_rules, sees_all
from engine.web.automation.frame import ROOT, day_arg, further, polled, show, words_of
from engine.web.automation.runlines import lines_of
from engine.web.automation.runpage import RunPage, page_of
from engine.web.automation.telling import Telling
from engine.web.automation.words import RUN_STATES
from engine.web.context import actor, application
from engine.web.numbers import whole
from engine.web.render import go, toast

blueprint = Blueprint("runs", __name__, url_prefix="/runs")
NO_RUN = message("There is no such run.")


# --- the list --------------------------------------------------------------------------------------------------------


def search_of_request() -> ledger.RunSearch:
    args, rules = request.args, seen_rules()
    state = args.get("state") if args.get("state") in ledger.STATES else None
    rule = args.get("rule") or None
    return ledger.RunSearch(
        rule=rule if rule is None or rule in rules or sees_all() else "",
        rules=None if sees_all() else frozenset(rules), state=state, form=args.get("form") or None,
        record_id=whole(args.get("record")), since=day_arg("since"), until=day_arg("until", after=1),
        before=whole(args.get("before")),
    )  # fmt: skip


@blueprint.get("")
@for_owners
def index() -> str:
    app, search = application(), search_of_request()
    with app.database.read() as conn:
        found = ledger.runs(conn, app, search, ledger.MOST_LISTED + 1)
        lines = lines_of(conn, found[: ledger.MOST_LISTED])
        telling = Telling(conn, words_of())
        if search.form and search.record_id is not None:
            telling.know({search.form: {search.record_id}})
        about = telling.record(search.form, search.record_id)
    older = further(before=lines[-1].id) if len(found) > ledger.MOST_LISTED else ""
    rules = [(key, words_of().rule_label(plan.rule)) for key, plan in seen_rules().items()]
    return show("runs", "runs", lines=lines, older=older, search=search, rules=rules, states=RUN_STATES, about=about,
                args=request.args, without_record=further(form=None, record=None, before=None))  # fmt: skip


# --- one -------------------------------------------------------------------------------------------------------------


def run_of(conn: sa.Connection, run_id: int) -> ledger.Row:
    """The run; raises Missing when there is none or its rule is not for the reader's eyes."""
    found = ledger.run(conn, application(), run_id)
    if found is None or not (sees_all() or found["rule"] in seen_rules()):
        raise Missing(NO_RUN)
    return found


@blueprint.get("/<int:run_id>")
@for_owners
def one(run_id: int) -> Response:
    with application().database.read() as conn:
        row = run_of(conn, run_id)
        page = page_of(conn, row)
    return polled("run", "runs", _fares(row, page), page=page, open=row["state"] in OPEN)


def _fares(row: ledger.Row, page: RunPage) -> tuple[object, ...]:
    """What changes on the page while the run is under way."""
    messages = tuple((one.id, one.state, one.attempts, one.result) for one in page.sent)
    return row["state"], row["next"], messages, len(page.made), len(page.twigs), page.asked


# --- what administrators do about it ---------------------------------------------------------------------------------


@blueprint.post("/<int:run_id>/cancel")
def cancel(run_id: int) -> Response:
    mending.cancel_run(application(), actor(), run_id)
    toast(message("The run is cancelled."))
    return go(f"{ROOT}/runs/{run_id}")


@blueprint.post("/<int:run_id>/replay")
def replay(run_id: int) -> Response:
    """Deliver the dead letters of the run again; it goes on from there."""
    replay_run(run_id)
    toast(message("It is sent again."))
    return go(f"{ROOT}/runs/{run_id}")


def replay_run(run_id: int) -> None:
    """Raises Refused when the run has no dead letter."""
    app = application()
    with app.database.read() as conn:
        row = run_of(conn, run_id)
        dead = [one["id"] for one in ledger.messages_of(conn, app, [row["id"]]) if one["state"] == "dead"]
    if not dead:
        raise Refused(message("Nothing of this run can be sent again."))
    for id in dead:
        mending.replay(app, actor(), id)
