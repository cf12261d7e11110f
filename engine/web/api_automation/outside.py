"""Schedules, webhooks and connections: time and the world outside."""

from __future__ import annotations

from flask import Response, jsonify

from engine.web import api_input
from engine.web.api_automation.door import blueprint
from engine.web.api_shape import Json, moment
from engine.web.automation import connections, schedules


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
