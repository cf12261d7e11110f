"""Automation over the API, for administrators: a token needs the scope ``admin`` (or none that narrows it)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request

from engine.definition import Rule
from engine.errors import Denied, message
from engine.fields.relations import LARGEST_ID
from engine.jobs import mending
from engine.jobs.health import health
from engine.storage.automation import TROUBLE
from engine.trying import jobs
from engine.trying.back import DAYS
from engine.trying.dry import dry_run
from engine.trying.shadow import shadow_report
from engine.web import api_input
from engine.web.api_shape import Json, moment
from engine.web.automation import connections, ledger, queue, rules, runs, schedules, trials
from engine.web.automation.access import demand_rule, sees_all
from engine.web.automation.flow import Box, draw, stretches
from engine.web.automation.frame import words_of
from engine.web.automation.runs import Asked, RunLine, RunPage, Sent, Twig
from engine.web.automation.telling import Telling, titles_for
from engine.web.context import actor, application, reader

blueprint = Blueprint("api_automation", __name__, url_prefix="/automation")
SCOPE = "admin"
MOST = 200
STATES = (*TROUBLE, "waiting", "parked", "claimed")


@blueprint.before_request
def enter() -> None:
    who = actor()
    if not sees_all():
        raise Denied(message("Only administrators may do this."))
    if who.scopes is not None and SCOPE not in who.scopes:
        raise Denied(message("This token needs the scope “{scope}” for this.", scope=SCOPE))


def _limit() -> int:
    return api_input.number_arg("limit", MOST) or ledger.MOST_LISTED


def _one_of(name: str, known: Sequence[str]) -> str | None:
    given = request.args.get(name)
    if given is None or given in known:
        return given
    said = message("{name} is one of {known}, not “{got}”.", name=name, known=tuple(known), got=given[:60])
    raise api_input.misplaced(name, said)


def _moment_arg(name: str) -> dt.datetime | None:
    raw = request.args.get(name)
    if raw is None:
        return None
    try:
        found = dt.datetime.fromisoformat(raw)
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise api_input.misplaced(name, message("{text} is not a moment.", text=raw[:40])) from None


# --- rules -----------------------------------------------------------------------------------------------------------


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


# --- runs ------------------------------------------------------------------------------------------------------------


@blueprint.get("/runs")
def list_runs() -> Response:
    """The newest first; ``before`` continues."""
    api_input.refuse_parameters("rule", "state", "form", "record", "since", "until", "parent", "before", "limit")
    app, limit = application(), _limit()
    search = ledger.RunSearch(
        rule=request.args.get("rule"), state=_one_of("state", ledger.STATES), form=request.args.get("form"),
        record_id=api_input.number_arg("record", LARGEST_ID), since=_moment_arg("since"),
        until=_moment_arg("until"), parent_id=api_input.number_arg("parent", LARGEST_ID),
        before=api_input.number_arg("before", LARGEST_ID),
    )  # fmt: skip
    with app.database.read() as conn:
        found = ledger.runs(conn, app, search, limit + 1)
        lines = runs.lines_of(conn, found[:limit])
    shown = [_run(line, row) for line, row in zip(lines, found, strict=False)]
    return jsonify(runs=shown, before=shown[-1]["id"] if len(found) > limit else None)


def _run(line: RunLine, row: ledger.Row) -> Json:
    return {
        "id": row["id"], "rule": row["rule"], "rule_label": line.rule, "state": row["state"], "form": row["form"],
        "record_id": row["record_id"], "record": line.record or None, "event_id": row["event_id"],
        "parent_id": row["parent_id"], "actor": row.get("actor_name"), "started_at": moment(row["started_at"]),
        "ended_at": moment(row["ended_at"]), "error": line.error or None, "definition": row["definition"],
    }  # fmt: skip


@blueprint.get("/runs/<run_id>")
def read_run(run_id: int) -> Response:
    api_input.refuse_parameters()
    return jsonify(_whole_run(run_id))


def _whole_run(run_id: int) -> Json:
    with application().database.read() as conn:
        row = runs.run_of(conn, run_id)
        page = runs.page_of(conn, row)
    return {
        **_run(page.line, row),
        "woken_by": page.woken,
        "given": _read(page.given),
        "results": _read(page.results),
        "conditions": [{"text": one.text, "holds": one.holds, "values": _pairs(one.values)} for one in page.clauses],
        "steps": sorted({number for one in stretches(row["trace"]) for number in one.get("steps", ())}),
        "effects": [
            {"step": one.step, "text": one.title, "values": _pairs(one.rows), "data": _read(one.data)}
            for one in page.wishes
        ],
        "messages": [_sent(one) for one in page.sent],
        "made": [{"event_id": one.id, "text": one.text, "record": one.title} for one in page.made],
        "asked": [_asked(one) for one in page.asked],
        "causes": _causes(page),
        "led_to": [_twig(one) for one in page.twigs],
    }


def _asked(one: Asked) -> Json:
    people = [{"name": each.who, "answer": each.text or None, "comment": each.comment or None, "at": moment(each.at)}
              for each in one.answers]  # fmt: skip
    return {"text": one.text, "state": one.state, "due_at": moment(one.due), "people": people}


def _causes(page: RunPage) -> list[Json]:
    return [{"text": one.text, "who": one.who, "record": one.title or None, "at": moment(one.at)}
            for one in page.causes]  # fmt: skip


def _twig(twig: Twig) -> Json:
    return {"run": twig.line.id, "rule_label": twig.line.rule, "state": twig.line.state, "within": twig.within,
            "led_to": [_twig(one) for one in twig.twigs]}  # fmt: skip


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[Json]:
    return [{"name": name, "value": value} for name, value in pairs]


def _read(text: str) -> Any:
    """JSON that was put into text for people, without secrets."""
    return json.loads(text) if text else None


def _sent(one: Sent) -> Json:
    return {
        "id": one.id, "kind": one.kind_name, "connection": one.connection or None, "state": one.state,
        "due_at": moment(one.due), "attempts": one.attempts, "started_at": moment(one.started),
        "done_at": moment(one.done), "error": one.error or None, "data": _read(one.data), "result": _read(one.result),
        "key": one.key,
    }  # fmt: skip


@blueprint.post("/runs/<run_id>/cancel")
def cancel_run(run_id: int) -> Response:
    api_input.refuse_parameters()
    mending.cancel_run(application(), actor(), run_id)
    return jsonify(_whole_run(run_id))


@blueprint.post("/runs/<run_id>/replay")
def replay_run(run_id: int) -> Response:
    api_input.refuse_parameters()
    runs.replay_run(run_id)
    return jsonify(_whole_run(run_id))


# --- messages --------------------------------------------------------------------------------------------------------


@blueprint.get("/queue")
def read_queue() -> Response:
    """How delivery fares."""
    api_input.refuse_parameters()
    app = application()
    fares = health(app)
    with app.database.read() as conn:
        groups = queue.groups_of(ledger.heaps(conn, app))
    return jsonify(
        due=fares.due, oldest=moment(fares.oldest), later=fares.later, parked=fares.parked,
        under_way=fares.under_way, dead=fares.dead, unsure=fares.unsure,
        groups=[{"kind": one.kind, "connection": one.connection or None, "counts": dict(one.counts),
                 "first_due": moment(one.oldest)} for one in groups],
    )  # fmt: skip


@blueprint.get("/messages")
def list_messages() -> Response:
    """Without ``state``: dead letters and those of which nobody knows whether they arrived."""
    api_input.refuse_parameters("state", "kind", "connection", "before", "limit")
    app, limit = application(), _limit()
    search = ledger.MessageSearch(
        state=_one_of("state", STATES), kind=request.args.get("kind"), connection=request.args.get("connection"),
        before=api_input.number_arg("before", LARGEST_ID),
    )  # fmt: skip
    with app.database.read() as conn:
        found = ledger.messages(conn, app, search, limit + 1)
        telling = Telling(conn, words_of())
        telling.know(titles_for(found))
        shown = [_message(telling, row) for row in found[:limit]]
    return jsonify(messages=shown, before=shown[-1]["id"] if len(found) > limit else None)


def _message(telling: Telling, row: ledger.Row) -> Json:
    line = queue.line_of(telling, row)
    return {
        "id": row["id"], "kind": row["kind"], "connection": row["connection"], "state": row["state"],
        "rule": row["rule"] or row["effect"].get("rule"), "run": row["run_id"], "form": row["form"],
        "record_id": row["record_id"], "record": line.record or None, "created_at": moment(row["created_at"]),
        "due_at": moment(line.due), "attempts": row["attempts"], "error": line.error or None,
        "data": _read(telling.data(queue.sendable(row))), "key": row["key"],
    }  # fmt: skip


@blueprint.get("/messages/<message_id>")
def read_message(message_id: int) -> Response:
    api_input.refuse_parameters()
    return jsonify(_whole_message(message_id))


def _whole_message(message_id: int) -> Json:
    with application().database.read() as conn:
        row = queue.message_of(conn, message_id)
        telling = Telling(conn, words_of())
        telling.know(titles_for([row]))
        result = telling.data(row["result"]) if row["result"] is not None else ""
        more = {"started_at": moment(row["started_at"]), "done_at": moment(row["done_at"]), "result": _read(result)}
        return {**_message(telling, row), **more}


@blueprint.post("/messages/<message_id>/replay")
def replay_message(message_id: int) -> Response:
    """Send a dead letter again; ``data`` takes the place of what was to be sent."""
    api_input.refuse_parameters()
    sent = api_input.body(("data",), optional=True)
    with application().database.read() as conn:
        row = queue.message_of(conn, message_id)
    data = dict(api_input.object_of(sent, "data")) if sent.get("data") is not None else None
    if data is not None:
        queue.check_data(data, queue.sendable(row))
    mending.replay(application(), actor(), message_id, data)
    return jsonify(_whole_message(message_id))


@blueprint.post("/messages/<message_id>/settle")
def settle_message(message_id: int) -> Response:
    """``arrived``: it did, with ``result`` as the answer; else it is sent again."""
    api_input.refuse_parameters()
    sent = api_input.body(("arrived", "result"))
    if "arrived" not in sent or sent["arrived"] is None:
        raise api_input.misplaced("arrived", message("{name} must be true or false.", name="arrived"))
    result: Mapping[str, Any] | None = api_input.object_of(sent, "result") or None
    mending.settle(application(), actor(), message_id, api_input.flag_of(sent, "arrived"), result)
    return jsonify(_whole_message(message_id))


# --- time and the world outside --------------------------------------------------------------------------------------


@blueprint.get("/schedules")
def list_schedules() -> Response:
    api_input.refuse_parameters()
    return jsonify(schedules=[
        {"rule": one.line.key, "label": one.line.label, "says": one.line.trigger, "state": one.line.standing,
         "timezone": one.zone, "next": [moment(due) for due in one.coming],
         "last": [{"run": run.id, "state": run.state, "started_at": moment(run.started)} for run in one.lately]}
        for one in schedules.schedule_lines()
    ])  # fmt: skip


@blueprint.get("/webhooks")
def list_webhooks() -> Response:
    """Addresses, how they are signed (never with what), and what was sent lately."""
    api_input.refuse_parameters()
    return jsonify(webhooks=[
        {"rule": one.line.key, "label": one.line.label, "state": one.line.standing, "address": one.address,
         "signature": one.signature, "header": one.header, "open": one.open,
         "secret": None if one.secret is None else {"name": one.secret.name, "set": bool(one.secret.origin)},
         "deliveries": [
             {"id": sent.id, "at": moment(sent.at), "address": sent.address, "size": sent.size, "status": sent.status,
              "reason": sent.reason or None, "repeats": sent.repeats, "run": sent.run_id} for sent in one.deliveries]}
        for one in schedules.hook_lines()
    ])  # fmt: skip


@blueprint.get("/connections")
def list_connections() -> Response:
    """How the connections fare; of secrets only whether they are set."""
    api_input.refuse_parameters()
    return jsonify(connections=[_connection(one) for one in connections.connection_lines()])


def _connection(one: connections.ConnectionLine) -> Json:
    fares = one.fares
    return {
        "name": one.name, "label": one.label, "type": one.type, "address": one.address, "state": fares["state"],
        "secrets": [{"name": secret.name, "set": bool(secret.origin)} for secret in one.secrets],
        "failures": fares["failures"], "opened_at": moment(fares["opened_at"]), "last_ok": moment(fares["last_ok"]),
        "last_failed": moment(fares["last_failed"]), "last_error": fares["last_error"] or None,
        "latency": fares["latency"], "waiting": fares["waiting"],
    }  # fmt: skip


@blueprint.post("/connections/<name>/test")
def test_connection(name: str) -> Response:
    """Send a test: a mail to oneself, a GET, or an operation that only reads."""
    api_input.refuse_parameters()
    said, ok = connections.tried(name)
    return jsonify(ok=ok, said=said)
