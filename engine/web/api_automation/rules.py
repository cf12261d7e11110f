"""Rules: listed, drawn, paused, tried out."""

from __future__ import annotations

from flask import Response, jsonify, request

from engine.definition import Rule
from engine.errors import message
from engine.jobs import mending
from engine.trying import jobs
from engine.trying.back import DAYS
from engine.trying.dry import dry_run
from engine.trying.shadow import shadow_report
from engine.web import api_input
from engine.web.api_automation.door import blueprint
from engine.web.api_shape import Json, moment
from engine.web.automation import rules, trials
from engine.web.automation.access import demand_rule
from engine.web.automation.flow import Box, draw
from engine.web.automation.frame import words_of
from engine.web.context import actor, application, reader


@blueprint.get("/rules")
def list_rules() -> Response:
    api_input.refuse_parameters()
    return jsonify(rules=[_rule(line) for line in rules.rule_lines()])


@blueprint.get("/rules/<rule_id>")
def read_rule(rule_id: str) -> Response:
    api_input.refuse_parameters()
    rule = demand_rule(rule_id).rule
    return jsonify(_whole_rule(rule))


def _whole_rule(rule: Rule) -> Json:
    line = next(line for line in rules.rule_lines() if line.key == rule.stable_id)
    return {**_rule(line), "owner": rule.owner, "steps": [_box(box) for box in draw(words_of(), rule)]}


def _rule(line: rules.RuleLine) -> Json:
    return {
        "id": line.key, "name": line.rule.name, "label": line.label, "trigger": line.rule.trigger.type,
        "wakes_when": line.trigger, "form": line.rule.form, "mode": line.rule.mode, "state": line.standing,
        "reason": line.reason or None, "paused_at": moment(line.since) if line.standing == "paused" else None,
        "runs_24h": dict(line.tally.counts),
        "last_run": None if line.last is None else {"id": line.last["id"], "state": line.last["state"],
                                                    "started_at": moment(line.last["started_at"])},
    }  # fmt: skip


def _box(box: Box) -> Json:
    return {
        "kind": box.kind, "title": box.title, "lines": list(box.lines), "step": box.place[1] if box.place else None,
        "ways": [{"label": way.label, "steps": [_box(one) for one in way.boxes]} for way in box.ways],
        "steps": [_box(one) for one in box.body],
    }  # fmt: skip


@blueprint.post("/rules/<rule_id>/pause")
def pause_rule(rule_id: str) -> Response:
    api_input.refuse_parameters()
    rule = demand_rule(rule_id).rule
    reason = api_input.text_of(api_input.body(("reason",), optional=True), "reason", 500)
    mending.pause_rule(application(), actor(), rule_id, reason or rules.paused_by())
    return jsonify(_whole_rule(rule))


@blueprint.post("/rules/<rule_id>/resume")
def resume_rule(rule_id: str) -> Response:
    api_input.refuse_parameters()
    rule = demand_rule(rule_id).rule
    mending.resume_rule(application(), actor(), rule_id)
    return jsonify(_whole_rule(rule))


# --- trying out ------------------------------------------------------------------------------------------------------


@blueprint.post("/rules/<rule_id>/dry_run")
def try_rule(rule_id: str) -> Response:
    """``record``: the record it is tried on, where records wake the rule."""
    api_input.refuse_parameters()
    rule = demand_rule(rule_id).rule
    record_id = api_input.id_of(api_input.body(("record",), optional=True), "record")
    form = trials.form_of(rule)
    if form is not None and record_id is None:
        raise api_input.misplaced("record", message("{name} is missing.", name="record"))
    trial = dry_run(application(), actor(), rule.name, form.name if form else None, record_id if form else None)
    return jsonify(trial.json(reader().language))


@blueprint.get("/rules/<rule_id>/shadow")
def read_shadow(rule_id: str) -> Response:
    api_input.refuse_parameters()
    return jsonify(shadow_report(application(), demand_rule(rule_id).rule.name))


@blueprint.get("/back_tests")
def list_back_tests() -> Response:
    api_input.refuse_parameters("rule")
    rule = request.args.get("rule")
    name = None if rule is None else demand_rule(rule).rule.name
    return jsonify(back_tests=[_back_test(job) for job in jobs.recent(application(), actor(), name)])


@blueprint.post("/back_tests")
def begin_back_test() -> Response:
    """``rule``: its id; ``days``: 7, 30 or 90."""
    api_input.refuse_parameters()
    sent = api_input.body(("rule", "days"))
    rule = demand_rule(api_input.text_of(sent, "rule", 80) or "").rule
    days = sent.get("days")
    if isinstance(days, bool) or days not in DAYS:
        raise api_input.misplaced("days", message("Look back {days} days.", days=tuple(str(one) for one in DAYS)))
    id = trials.begun(rule, int(days))
    answer = jsonify(_back_test(jobs.load(application(), actor(), id)))
    answer.status_code = 201
    return answer


@blueprint.get("/back_tests/<job_id>")
def read_back_test(job_id: int) -> Response:
    api_input.refuse_parameters()
    job = jobs.load(application(), actor(), job_id)
    found = job.result if job.result is not None and "found" in job.result else None
    return jsonify({**_back_test(job), "result": found})


@blueprint.post("/back_tests/<job_id>/cancel")
def cancel_back_test(job_id: int) -> Response:
    api_input.refuse_parameters()
    jobs.cancel(application(), actor(), job_id)
    return jsonify(_back_test(jobs.load(application(), actor(), job_id)))


def _back_test(job: jobs.Job) -> Json:
    return {
        "id": job.id, "rule": job.rule, "days": job.days, "state": job.state, "progress": job.progress,
        "total": job.total, "error": job.error, "created_at": moment(job.created_at),
        "finished_at": moment(job.finished_at),
    }  # fmt: skip
