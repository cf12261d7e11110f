"""Runs: listed, with everything that is known of one, cancelled and gone on with."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, jsonify, request

from engine.fields.relations import LARGEST_ID
from engine.jobs import mending
from engine.web import api_input
from engine.web.api_automation.door import blueprint, limit_arg, moment_arg, one_of, read_json
from engine.web.api_shape import Json, moment
from engine.web.automation import ledger, runs
from engine.web.automation.flow import stretches
from engine.web.automation.runlines import RunLine, lines_of
from engine.web.automation.runpage import Asked, RunPage, Sent, Twig, page_of
from engine.web.context import actor, application


@blueprint.get("/runs")
def list_runs() -> Response:
    """The newest first; ``before`` continues."""
    api_input.refuse_parameters("rule", "state", "form", "record", "since", "until", "parent", "before", "limit")
    app, limit = application(), limit_arg()
    search = ledger.RunSearch(
        rule=request.args.get("rule"), state=one_of("state", ledger.STATES), form=request.args.get("form"),
        record_id=api_input.number_arg("record", LARGEST_ID), since=moment_arg("since"),
        until=moment_arg("until"), parent_id=api_input.number_arg("parent", LARGEST_ID),
        before=api_input.number_arg("before", LARGEST_ID),
    )  # fmt: skip
    with app.database.read() as conn:
        found = ledger.runs(conn, app, search, limit + 1)
        lines = lines_of(conn, found[:limit])
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
        page = page_of(conn, row)
    return {
        **_run(page.line, row),
        "woken_by": page.woken,
        "given": read_json(page.given),
        "results": read_json(page.results),
        "conditions": [{"text": one.text, "holds": one.holds, "values": _pairs(one.values)} for one in page.clauses],
        "steps": sorted({number for one in stretches(row["trace"]) for number in one.get("steps", ())}),
        "effects": [
            {"step": one.step, "text": one.title, "values": _pairs(one.rows), "data": read_json(one.data)}
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


def _sent(one: Sent) -> Json:
    return {
        "id": one.id, "kind": one.kind_name, "connection": one.connection or None, "state": one.state,
        "due_at": moment(one.due), "attempts": one.attempts, "started_at": moment(one.started),
        "done_at": moment(one.done), "error": one.error or None, "data": read_json(one.data),
        "result": read_json(one.result), "key": one.key,
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
