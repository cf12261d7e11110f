"""The OpenAPI paths and schemas of approvals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.openapi_schemas import ID, MOMENT, TEXT, Schema, Schemas, nullable, ref
from engine.openapi_shared import FORM_TAG, NULL_TEXT, answers, json_body, listed, object_of, parameter

Json = dict[str, Any]
FLAG: Schema = {"type": "boolean"}
STATES = ["open", "mending", "approved", "refused", "returned", "withdrawn", "timed_out", "cancelled"]
NUMBER = {"name": "id", "in": "path", "required": True, "schema": ID}
ENTRY: Mapping[str, Schema] = {
    "id": ID, "label": TEXT, "message": TEXT, "form": TEXT, "record_id": ID, "record": TEXT,
    "state": {"type": "string", "enum": STATES}, "question": nullable(ID), "batch": FLAG,
    "shows": listed(object_of(name=TEXT, label=TEXT, text=TEXT)),
}  # fmt: skip
APPROVAL_SCHEMAS: Mapping[str, Schema] = {
    "ApprovalEntry": object_of(**ENTRY),
    "Approvals": object_of(approvals=listed(ref("ApprovalEntry")), before=nullable(ID)),
    "Approval": object_of(
        **ENTRY, round={"type": "integer", "minimum": 1}, started_at=MOMENT, closed_at=nullable(MOMENT),
        comment=NULL_TEXT, answers=listed(TEXT), powers=listed(TEXT),
        steps=listed(object_of(
            label=TEXT, mark={"type": "string", "enum": ["good", "bad", "back", "late", "waiting", "skipped", "ahead"]},
            people=listed(object_of(name=TEXT, mark=TEXT, note=TEXT, comment=TEXT, changed=listed(TEXT))),
        )),
    ),
    "ApprovalDone": object_of(id=ID, state={"type": "string", "enum": STATES}),
}  # fmt: skip

PLAIN = "^[^\\u0000]*$"
COMMENT: Schema = {"type": ["string", "null"], "maxLength": 2000, "pattern": PLAIN}
NAME: Schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": PLAIN}


def _get(name: str, summary: str, schema: str, *parameters: Json) -> Callable[[Schemas], Json]:
    return lambda made: {"get": _operation(made, name, summary, schema, "read", parameters=list(parameters))}


def _post(name: str, summary: str, body: Json) -> Callable[[Schemas], Json]:
    return lambda made: {
        "post": _operation(made, name, summary, "ApprovalDone", "write", parameters=[NUMBER], requestBody=body)
    }


def _operation(made: Schemas, name: str, summary: str, schema: str, kind: str, **parts: Any) -> Json:
    return {"operationId": f"approvals.{name}", "tags": [FORM_TAG], "summary": made.said(summary), **parts,
            "responses": answers("200", ref(schema), kind)}  # fmt: skip


_BOX = {"name": "box", "in": "query", "schema": {"type": "string", "enum": ["waiting", "mine", "done"]}}
_DECIDE = json_body(object_of(("question", "answer"), question=ID, answer=NAME, comment=COMMENT,
                              back_to={"type": ["integer", "null"], "minimum": 0, "maximum": 20}))  # fmt: skip
_HAND = json_body(object_of(("question", "to"), question=ID, to=NAME, comment=COMMENT))
_SIGN = json_body(object_of(("question", "to", "when"), question=ID, to=NAME, comment=COMMENT,
                            when={"type": "string", "enum": ["before", "after"]}))  # fmt: skip
_WHY = json_body(object_of((), comment=COMMENT), required=False)
_SAY = json_body(object_of(("comment",), comment={"type": "string", "minLength": 1, "maxLength": 2000,
                                                  "pattern": "[^\\s\\u0000]"}))  # fmt: skip

# path → (the scope a token needs for it, its operations)
APPROVAL_PATHS: Mapping[str, tuple[str, Callable[[Schemas], Json]]] = {
    "/approvals": ("read", _get("list", "List approvals: those that wait for you, that you started or decided",
                                "Approvals", _BOX, parameter("before_id"), parameter("limit_200"))),
    "/approvals/{id}": ("read", _get("read", "Read one approval with its steps", "Approval", NUMBER)),
    "/approvals/{id}/answer": ("write", _post("answer", "Decide: approve, refuse or send back", _DECIDE)),
    "/approvals/{id}/hand_over": ("write", _post("hand_over", "Let somebody else decide in your place", _HAND)),
    "/approvals/{id}/add_signer": ("write", _post("add_signer", "Ask somebody else to sign, too", _SIGN)),
    "/approvals/{id}/withdraw": ("write", _post("withdraw", "Take your request back", _WHY)),
    "/approvals/{id}/remind": ("write", _post("remind", "Remind those who are asked", _WHY)),
    "/approvals/{id}/comment": ("write", _post("comment", "Comment without deciding", _SAY)),
}  # fmt: skip
