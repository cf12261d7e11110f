"""The OpenAPI paths and schemas of automation, for administrators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.openapi_schemas import ID, MOMENT, TEXT, Schema, Schemas, nullable, ref
from engine.openapi_shared import FORM_TAG, NULL_TEXT, answers, json_body, listed, object_of, parameter
from engine.people import Actor

Json = dict[str, Any]
ANY: Schema = {}
COUNT: Schema = {"type": "integer", "minimum": 0}
COUNTS: Schema = {"type": "object", "additionalProperties": COUNT}
WHEN = nullable(MOMENT)
FLAG: Schema = {"type": "boolean"}
RUN_STATES = ["working", "queued", "done", "failed", "skipped", "shadow", "paused", "cancelled"]
MESSAGE_STATES = ["dead", "unsure", "waiting", "parked", "claimed"]
PAIRS = listed(object_of(name=TEXT, value=TEXT))
RULE: Mapping[str, Schema] = {
    "id": TEXT, "name": TEXT, "label": TEXT, "trigger": TEXT, "wakes_when": TEXT, "form": NULL_TEXT, "mode": TEXT,
    "state": {"type": "string", "enum": ["on", "off", "shadow", "paused"]}, "reason": NULL_TEXT, "paused_at": WHEN,
    "runs_24h": COUNTS,
    "last_run": {"anyOf": [object_of(id=ID, state=TEXT, started_at=MOMENT), {"type": "null"}]},
}  # fmt: skip
RUN: Mapping[str, Schema] = {
    "id": ID, "rule": TEXT, "rule_label": TEXT, "state": {"type": "string", "enum": RUN_STATES}, "form": NULL_TEXT,
    "record_id": nullable(ID), "record": NULL_TEXT, "event_id": nullable(ID), "parent_id": nullable(ID),
    "actor": NULL_TEXT, "started_at": MOMENT, "ended_at": WHEN, "error": NULL_TEXT, "definition": TEXT,
}  # fmt: skip
MESSAGE: Mapping[str, Schema] = {
    "id": ID, "kind": TEXT, "connection": NULL_TEXT, "state": TEXT, "rule": NULL_TEXT, "run": nullable(ID),
    "form": NULL_TEXT, "record_id": nullable(ID), "record": NULL_TEXT, "created_at": MOMENT, "due_at": WHEN,
    "attempts": COUNT, "error": NULL_TEXT, "data": ANY, "key": TEXT,
}  # fmt: skip
SENT: Mapping[str, Schema] = {
    "id": ID, "kind": TEXT, "connection": NULL_TEXT, "state": TEXT, "due_at": WHEN, "attempts": COUNT,
    "started_at": WHEN, "done_at": WHEN, "error": NULL_TEXT, "data": ANY, "result": ANY, "key": TEXT,
}  # fmt: skip

BACK_TEST: Mapping[str, Schema] = {
    "id": ID, "rule": TEXT, "days": COUNT,
    "state": {"type": "string", "enum": ["waiting", "working", "done", "cancelled", "failed"]},
    "progress": COUNT, "total": COUNT, "error": NULL_TEXT, "created_at": MOMENT, "finished_at": WHEN,
}  # fmt: skip

AUTOMATION_SCHEMAS: Mapping[str, Schema] = {
    "RuleStep": object_of(
        kind=TEXT, title=TEXT, lines=listed(TEXT), step={"type": ["integer", "null"]},
        ways=listed(object_of(label=TEXT, steps=listed(ref("RuleStep")))), steps=listed(ref("RuleStep")),
    ),
    "RuleState": object_of(**RULE),
    "RuleStates": object_of(rules=listed(ref("RuleState"))),
    "Rule": object_of(**RULE, owner=NULL_TEXT, steps=listed(ref("RuleStep"))),
    "Run": object_of(**RUN),
    "Runs": object_of(runs=listed(ref("Run")), before=nullable(ID)),
    "RunLedTo": object_of(
        run=ID, rule_label=TEXT, state=TEXT, within=FLAG, led_to=listed(ref("RunLedTo")),
    ),
    "RunStory": object_of(
        **RUN, woken_by=TEXT, given=ANY, results=ANY,
        conditions=listed(object_of(text=TEXT, holds=FLAG, values=PAIRS)),
        steps=listed(COUNT),
        effects=listed(object_of(step={"type": ["integer", "null"]}, text=TEXT, values=PAIRS, data=ANY)),
        messages=listed(object_of(**SENT)),
        asked=listed(object_of(
            text=TEXT, state={"type": "string", "enum": ["open", "answered", "timed_out", "withdrawn"]}, due_at=WHEN,
            people=listed(object_of(name=TEXT, answer=NULL_TEXT, comment=NULL_TEXT, at=WHEN)),
        )),
        made=listed(object_of(event_id=ID, text=TEXT, record=TEXT)),
        causes=listed(object_of(text=TEXT, who=TEXT, record=NULL_TEXT, at=MOMENT)), led_to=listed(ref("RunLedTo")),
    ),
    "Queue": object_of(
        due=COUNT, oldest=WHEN, later=COUNT, parked=COUNT, under_way=COUNT, dead=COUNT, unsure=COUNT,
        groups=listed(object_of(kind=TEXT, connection=NULL_TEXT, counts=COUNTS, first_due=WHEN)),
    ),
    "Message": object_of(**MESSAGE),
    "Messages": object_of(messages=listed(ref("Message")), before=nullable(ID)),
    "MessageStory": object_of(**MESSAGE, started_at=WHEN, done_at=WHEN, result=ANY),
    "Schedules": object_of(schedules=listed(object_of(
        rule=TEXT, label=TEXT, says=TEXT, state=TEXT, timezone=TEXT, next=listed(MOMENT),
        last=listed(object_of(run=ID, state=TEXT, started_at=MOMENT)),
    ))),
    "Webhooks": object_of(webhooks=listed(object_of(
        rule=TEXT, label=TEXT, state=TEXT, address=TEXT, signature=TEXT, header=TEXT, open=FLAG,
        secret={"anyOf": [object_of(name=TEXT, set=FLAG), {"type": "null"}]},
        deliveries=listed(object_of(id=ID, at=MOMENT, address=TEXT, size=COUNT, status={"type": "integer"},
                                    reason=NULL_TEXT, repeats=COUNT, run=nullable(ID))),
    ))),
    "Connections": object_of(connections=listed(object_of(
        name=TEXT, label=TEXT, type=TEXT, address=TEXT, state=TEXT, secrets=listed(object_of(name=TEXT, set=FLAG)),
        failures=COUNT, opened_at=WHEN, last_ok=WHEN, last_failed=WHEN, last_error=NULL_TEXT,
        latency={"type": ["number", "null"]}, waiting=COUNT,
    ))),
    "Trial": {"type": "object", "required": ["rule", "matched", "held", "would_act", "clauses", "steps", "refusals"]},
    "ShadowReport": {"type": "object", "required": ["fired", "records", "days", "effects", "messages", "shown"]},
    "BackTest": object_of(**BACK_TEST),
    "BackTests": object_of(back_tests=listed(ref("BackTest"))),
    "BackTestStory": object_of(**BACK_TEST, result={"type": ["object", "null"]}),
    "Tried": object_of(ok=FLAG, said=TEXT),
}  # fmt: skip


def is_open_to(actor: Actor) -> bool:
    """Whether the actor reaches automation: administrators, with a token of the scope ``admin`` or of all."""
    reaches = actor.scopes is None or "admin" in actor.scopes
    return actor.is_admin and actor.view_as is None and reaches


# --- paths -----------------------------------------------------------------------------------------------------------


def _query(name: str, schema: Schema) -> Json:
    return {"name": name, "in": "query", "schema": schema}


def _in_path(name: str, schema: Schema) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


RULE_ID = _in_path("rule", {"type": "string", "maxLength": 80})
NUMBER = _in_path("id", ID)
PAGED = (parameter("before_id"), parameter("limit_200"))


def _get(name: str, summary: str, schema: str, *parameters: Json) -> Callable[[Schemas], Json]:
    return lambda made: {"get": _operation(made, name, summary, schema, "read", parameters=list(parameters))}


def _post(
    name: str, summary: str, schema: str, *parameters: Json, body: Json | None = None, status: str = "200"
) -> Callable[[Schemas], Json]:
    sent = {} if body is None else {"requestBody": body}
    return lambda made: {
        "post": _operation(made, name, summary, schema, "write", status=status, parameters=list(parameters), **sent)
    }


def _operation(
    made: Schemas, name: str, summary: str, schema: str, kind: str, *, status: str = "200", **parts: Any
) -> Json:
    return {"operationId": f"automation.{name}", "tags": [FORM_TAG], "summary": made.said(summary), **parts,
            "responses": answers(status, ref(schema), kind)}  # fmt: skip


_RUN_QUERY = (
    _query("rule", {"type": "string", "maxLength": 80}), _query("state", {"type": "string", "enum": RUN_STATES}),
    _query("form", {"type": "string", "maxLength": 80}), _query("record", ID), _query("since", MOMENT),
    _query("until", MOMENT), _query("parent", ID), *PAGED,
)  # fmt: skip
_MESSAGE_QUERY = (
    _query("state", {"type": "string", "enum": MESSAGE_STATES}), _query("kind", {"type": "string", "maxLength": 80}),
    _query("connection", {"type": "string", "maxLength": 80}), *PAGED,
)  # fmt: skip
_REASON = json_body(object_of((), reason={"type": ["string", "null"], "maxLength": 500, "pattern": "^[^\\u0000]*$"}),
                    required=False)  # fmt: skip
_DATA = json_body(object_of((), data={"type": ["object", "null"]}), required=False)
_RECORD = json_body(object_of((), record=nullable(ID)), required=False)
_DAYS = json_body(object_of(rule={"type": "string", "maxLength": 80}, days={"type": "integer", "enum": [7, 30, 90]}))
_RULE_QUERY = _query("rule", {"type": "string", "maxLength": 80})
_SETTLE = json_body(object_of(("arrived",), arrived=FLAG, result={"type": ["object", "null"]}))

AUTOMATION_PATHS: Mapping[str, Callable[[Schemas], Json]] = {
    "/automation/rules": _get("rules", "List the rules and how they fare", "RuleStates"),
    "/automation/rules/{rule}": _get("rule", "Read a rule with its steps", "Rule", RULE_ID),
    "/automation/rules/{rule}/pause": _post("rule.pause", "Pause a rule", "Rule", RULE_ID, body=_REASON),
    "/automation/rules/{rule}/resume": _post("rule.resume", "Let a paused rule go on", "Rule", RULE_ID),
    "/automation/rules/{rule}/dry_run": _post(
        "rule.dry_run", "Try a rule out on a record; nothing is done", "Trial", RULE_ID, body=_RECORD
    ),
    "/automation/rules/{rule}/shadow": _get(
        "rule.shadow", "Read what a rule in the shadow would have done", "ShadowReport", RULE_ID
    ),
    "/automation/back_tests": lambda made: {
        **_get("back_tests", "List back-tests, the newest first", "BackTests", _RULE_QUERY)(made),
        **_post("back_test.begin", "Begin a back-test of a rule", "BackTest", body=_DAYS, status="201")(made),
    },
    "/automation/back_tests/{id}": _get("back_test", "Read a back-test with its result", "BackTestStory", NUMBER),
    "/automation/back_tests/{id}/cancel": _post("back_test.cancel", "Stop a back-test", "BackTest", NUMBER),
    "/automation/runs": _get("runs", "List the runs of rules, the newest first", "Runs", *_RUN_QUERY),
    "/automation/runs/{id}": _get("run", "Read everything that is known of a run", "RunStory", NUMBER),
    "/automation/runs/{id}/cancel": _post("run.cancel", "Cancel a run", "RunStory", NUMBER),
    "/automation/runs/{id}/replay": _post("run.replay", "Send the dead letters of a run again", "RunStory", NUMBER),
    "/automation/queue": _get("queue", "Read how delivery fares", "Queue"),
    "/automation/messages": _get("messages", "List messages in trouble, or in a state", "Messages", *_MESSAGE_QUERY),
    "/automation/messages/{id}": _get("message", "Read a message", "MessageStory", NUMBER),
    "/automation/messages/{id}/replay": _post(
        "message.replay", "Send a dead letter again, edited or as it is", "MessageStory", NUMBER, body=_DATA
    ),
    "/automation/messages/{id}/settle": _post(
        "message.settle", "Say whether a message arrived of which nobody knows", "MessageStory", NUMBER, body=_SETTLE
    ),
    "/automation/schedules": _get("schedules", "List schedules with their next times", "Schedules"),
    "/automation/webhooks": _get("webhooks", "List webhooks with what was sent to them", "Webhooks"),
    "/automation/connections": _get("connections", "List connections and how they fare", "Connections"),
    "/automation/connections/{name}/test": _post(
        "connection.test", "Try a connection", "Tried", _in_path("name", {"type": "string", "maxLength": 80})
    ),
}
