"""Trying a rule out: on one record, on what happened lately, and beside the others in the shadow. Nothing is done."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.wrappers import Response as Answer

from engine.definition import Form, Rule
from engine.errors import AppmillError, Invalid, Refused, message
from engine.fields.relations import LinkField
from engine.permissions import may
from engine.triggers import OnRecord
from engine.trying import jobs
from engine.trying.back import DAYS
from engine.trying.dry import dry_run
from engine.trying.shadow import promote, shadow_report
from engine.web import options, publishing
from engine.web.automation.access import demand_rule, for_owners
from engine.web.automation.findings import Findings, Outlook, findings_of, outlook_of
from engine.web.automation.frame import ROOT, polled, show, words_of
from engine.web.automation.telling import Telling
from engine.web.context import actor, application
from engine.web.numbers import whole
from engine.web.render import go, toast, translate

blueprint = Blueprint("trials", __name__)
BADGES = {
    jobs.WAITING: message("waiting"), jobs.WORKING: message("under way"), jobs.DONE: message("done"),
    jobs.CANCELLED: message("cancelled"), jobs.FAILED: message("failed"),
}  # fmt: skip


# --- on one record ---------------------------------------------------------------------------------------------------


def form_of(rule: Rule) -> Form | None:
    """The form whose records the rule is tried on; None where no record wakes it."""
    return application().definition.forms[rule.form] if isinstance(rule.trigger, OnRecord) and rule.form else None


@blueprint.get("/rules/<rule_id>/try")
@for_owners
def try_out(rule_id: str) -> str:
    """``record``: the record it is tried on now; a rule that no record wakes is tried at once."""
    rule = demand_rule(rule_id).rule
    form, record_id = form_of(rule), whole(request.args.get("record"))
    words = words_of()
    outlook, problem, chosen = None, "", ""
    if record_id is not None or (form is None and "now" in request.args):
        try:
            outlook = tried(rule, record_id)
            chosen = outlook.title
        except AppmillError as refused:
            problem = words.say(refused.reason)
    recent = jobs.recent(application(), actor(), rule.name)
    return show("try", "rules", rule=rule, called=words.rule_label(rule), key=rule_id, form=form, record_id=record_id,
                chosen=chosen, outlook=outlook, problem=problem, recent=recent, days=DAYS, states=BADGES,
                first=_offered(form, "") if form else [])  # fmt: skip


def tried(rule: Rule, record_id: int | None) -> Outlook:
    """What the rule would do for the record now, with what the reader may see. Raises Missing."""
    form = form_of(rule)
    trial = dry_run(application(), actor(), rule.name, form.name if form else None, record_id)
    with application().database.read() as conn:
        return outlook_of(Telling(conn, words_of()), trial)


@blueprint.get("/rules/<rule_id>/records")
@for_owners
def records(rule_id: str) -> Response:
    """Records the rule may be tried on, by search."""
    form = form_of(demand_rule(rule_id).rule)
    found = _offered(form, request.args.get("q", "").strip()[: options.LONGEST]) if form else []
    return jsonify([{"id": id, "title": title} for id, title in found])


def _offered(form: Form, text: str) -> list[tuple[int, str]]:
    app = application()
    if form.parent_form or not may(app, actor(), "read", form):
        return []
    picked: Any = LinkField(name="record", form=form.name)  # type: ignore[arg-type]
    with app.database.read() as conn:
        return options.offered(conn, app, actor(), picked, text, None)


# --- on what happened lately -----------------------------------------------------------------------------------------


@blueprint.post("/rules/<rule_id>/back_test")
def begin(rule_id: str) -> Answer:
    rule = demand_rule(rule_id).rule
    id = begun(rule, whole(request.form.get("days")) or 0)
    return go(f"{ROOT}/back_tests/{id}")


def begun(rule: Rule, days: int) -> int:
    """A back-test that runs from now on; answers its job. Raises Refused for another number of days."""
    app = application()
    id = jobs.begin(app, actor(), rule.name, days)
    jobs.start(app, actor(), id)
    return id


@blueprint.get("/back_tests/<int:job_id>")
def back_test(job_id: int) -> Answer:
    app = application()
    job = jobs.load(app, actor(), job_id)
    rule = app.definition.rules.get(job.rule)
    label = words_of().rule_label(rule) if rule else job.rule
    key = rule.stable_id if rule else ""
    if job.state in (jobs.WAITING, jobs.WORKING) and not job.still(app.clock()):
        tag = (job.state, job.progress, job.total)
        return polled("back_progress", "rules", tag, job=job, called=label, key=key)
    found = _findings(job)
    return Response(show("back_test", "rules", job=job, called=label, key=key, found=found, states=BADGES,
                         still=job.still(app.clock())))  # fmt: skip


def _findings(job: jobs.Job) -> Findings | None:
    if job.result is None or "found" not in job.result:
        return None
    with application().database.read() as conn:
        return findings_of(Telling(conn, words_of()), job.result["found"], job.result.get("compared"), job.days)


@blueprint.post("/back_tests/<int:job_id>/cancel")
def cancel(job_id: int) -> Answer:
    jobs.cancel(application(), actor(), job_id)
    toast(message("It stops after what it is looking at."), "info")
    return go(f"{ROOT}/back_tests/{job_id}")


# --- in the shadow ---------------------------------------------------------------------------------------------------


@blueprint.get("/rules/<rule_id>/shadow")
def shadow(rule_id: str) -> str:
    """What the rule would have done since it watches."""
    rule = demand_rule(rule_id).rule
    words = words_of()
    report = shadow_report(application(), rule.name)
    with application().database.read() as conn:
        found = findings_of(Telling(conn, words), report, None, None)
    return show("shadow", "rules", rule=rule, called=words.rule_label(rule), key=rule_id, found=found,
                since=report["since"])  # fmt: skip


@blueprint.post("/rules/<rule_id>/promote")
def let_out(rule_id: str) -> Answer:
    """A draft that lets the rule out of the shadow; it is in force when somebody publishes it."""
    rule = demand_rule(rule_id).rule
    try:
        text = promote(publishing.text_in_force(), rule.name)
    except Invalid as unreadable:
        raise Refused(unreadable.reason) from unreadable
    title = translate("{rule} leaves the shadow", rule=words_of().rule_label(rule))
    return publishing.drafted(title, text)
