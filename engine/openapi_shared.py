"""The parts of the OpenAPI document that are the same for every form: errors, headers, small schemas, plain paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.openapi_schemas import ID, MOMENT, TEXT, Schema, Schemas, nullable, ref

Json = dict[str, Any]
FORM_TAG = "application"

# status → (name of the response, what it means)
ERRORS: Mapping[str, tuple[str, str]] = {
    "400": ("BadRequest", "The request cannot be read: its JSON, its address or a header is wrong."),
    "401": ("Unauthorized", "No token, or one that is not known or no longer valid."),
    "403": ("Denied", "The actor may not do this."),
    "404": ("Missing", "There is nothing here, or nothing the actor may see."),
    "406": ("NotAcceptable", "The Accept header leaves no type this answers in."),
    "409": ("Conflict", "Someone else saved first (stale), or the record's state or a rule forbids it now (refused)."),
    "413": ("TooLarge", "The body is too large."),
    "415": ("Unsupported", "The body is of a type that is not taken."),
    "422": ("Invalid", "The input is wrong; every wrong place is listed."),
    "429": ("TooMany", "Too many requests."),
}
READ = ("400", "401", "403", "404", "406", "422", "429")
WRITE = (*READ, "409", "413", "415")


def refused(made: Schemas, pattern: str) -> Json:
    return {"description": made.said(pattern), "content": {"application/json": {"schema": ref("Error")}}}


def answers(status: str, schema: Schema | None, kind: str) -> Json:
    """The responses of an operation. ``schema`` None: an answer without a body."""
    good: Json = {"description": {"200": "OK", "201": "Created", "204": "Done"}[status]}
    if schema is not None:
        good["content"] = {"application/json": {"schema": schema}}
    if status == "201" and schema and schema.get("$ref", "").endswith(".record"):
        good["headers"] = {"Location": {"schema": TEXT}}
    codes = READ if kind == "read" else WRITE
    return {status: good, **{code: {"$ref": f"#/components/responses/{ERRORS[code][0]}"} for code in sorted(codes)}}


def json_of(schema: Schema) -> Json:
    return {"application/json": {"schema": schema}}


def json_body(schema: Schema, *, required: bool = True) -> Json:
    return {"required": required, "content": json_of(schema)}


def parameter(name: str) -> Json:
    return _PARAMETERS[name]


_PARAMETERS: Mapping[str, Json] = {
    "Idempotency-Key": {
        "name": "Idempotency-Key", "in": "header",
        "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
        "description": "A name for this request, such as a UUID: a repetition is answered with the first result.",
    },
    "If-Match": {
        "name": "If-Match", "in": "header", "schema": {"type": "string", "pattern": '^(W/)?"[1-9][0-9]{0,8}"$'},
        "description": "The ETag of the record as it was read, in place of version.",
    },
    "before_id": {"name": "before", "in": "query", "schema": ID},
    "limit_200": {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}},
}  # fmt: skip


def object_of(required: tuple[str, ...] | None = None, /, **properties: Schema) -> Schema:
    needed = list(properties) if required is None else list(required)
    return {"type": "object", "properties": properties, "additionalProperties": False,
            **({"required": needed} if needed else {})}  # fmt: skip


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


PERSON = {"anyOf": [object_of(id=ID, name=TEXT), {"type": "null"}]}
NULL_TEXT = nullable(TEXT)
PROBLEM = object_of(where=TEXT, message=TEXT)
ANY: Schema = {}
SHARED_SCHEMAS: Mapping[str, Schema] = {
    "Error": object_of(error=object_of(
        ("code", "message", "problems", "request_id"),
        code=TEXT, message=TEXT, problems=listed(PROBLEM), request_id=NULL_TEXT,
        version={"type": ["integer", "null"], "description": "Of the stored record, when somebody saved first."},
    )),
    "Form": {"type": "object", "required": ["name", "label", "fields"]},
    "Transitions": object_of(
        state=NULL_TEXT, version={"type": "integer"},
        transitions=listed(object_of(
            name=TEXT, label=TEXT, to=TEXT, open={"type": "boolean"}, ask=listed(TEXT),
            reason={"type": "string", "enum": ["none", "optional", "required"]}, confirm=NULL_TEXT,
            obstacles=listed(object_of(kind=TEXT, message=TEXT, field=NULL_TEXT, asked={"type": "boolean"})),
        )),
        buttons=listed(object_of(name=TEXT, label=TEXT, confirm=NULL_TEXT)),
    ),
    "Events": object_of(
        events=listed(object_of(
            id=ID, at=MOMENT, kind=TEXT, actor=PERSON, transition=NULL_TEXT, from_state=NULL_TEXT, to_state=NULL_TEXT,
            reason=NULL_TEXT, rule=NULL_TEXT, cause=nullable(ID),
            changes=listed(object_of(field=TEXT, before=ANY, after=ANY)),
        )),
        before=nullable(ID),
    ),
    "Comment": object_of(
        ("id", "at", "author", "mine", "body", "edited", "portal", "files"),
        id=ID, at=MOMENT, author=PERSON, mine={"type": "boolean"}, body=TEXT, edited={"type": "boolean"},
        portal=NULL_TEXT, files=listed(object_of(id=ID, name=TEXT)), not_told=listed(TEXT),
    ),
    "Comments": object_of(comments=listed(ref("Comment")), before=nullable(ID)),
    "Options": object_of(options=listed(object_of(id=ID, title=TEXT))),
    "SavedView": object_of(
        id=ID, name=TEXT, query=TEXT, shared={"type": "boolean"}, is_default={"type": "boolean"},
        mine={"type": "boolean"},
    ),
    "SavedViews": object_of(views=listed(ref("SavedView"))),
    "NewSavedView": object_of(
        ("name",), name={"type": "string", "minLength": 1, "maxLength": 60},
        query={"type": ["string", "null"], "maxLength": 4000},
        shared={"type": ["boolean", "null"]}, is_default={"type": ["boolean", "null"]},
    ),
    "Notifications": object_of(
        notifications=listed(object_of(
            id=ID, at=MOMENT, message=TEXT, form=NULL_TEXT, record_id=nullable(ID), unread={"type": "boolean"})),
        before=nullable(ID),
    ),
    "Questions": object_of(
        questions=listed(object_of(
            id=ID, message=TEXT, form=NULL_TEXT, record_id=nullable(ID), record=NULL_TEXT, rule=TEXT, asked_at=MOMENT,
            due_at=nullable(MOMENT), needs=TEXT,
            choices=listed(object_of(
                name=TEXT, label=TEXT, style={"type": "string", "enum": ["primary", "secondary", "danger"]},
                comment={"type": "string", "enum": ["none", "optional", "required"]}, decisive={"type": "boolean"},
            )),
            people=listed(object_of(id=ID, name=TEXT, answer=NULL_TEXT)),
        )),
        before=nullable(ID),
    ),
    "Answered": object_of(id=ID, answer=TEXT, settled={"type": "boolean"}),
    "Me": object_of(
        id=ID, login=TEXT, name=TEXT, language=TEXT, timezone=TEXT, roles=listed(object_of(name=TEXT, label=TEXT)),
        groups=listed(TEXT), scopes={"type": ["array", "null"], "items": TEXT},
    ),
    "Index": {"type": "object", "required": ["app", "label", "forms", "pages", "links"]},
    "Files": {"type": "object", "required": ["files", "id", "name"]},
}  # fmt: skip


# --- paths without a form --------------------------------------------------------------------------------------------


def _plain(made: Schemas, name: str, summary: str, responses: Json, **parts: Any) -> Json:
    return {"operationId": name, "tags": [FORM_TAG], "summary": made.said(summary), "responses": responses, **parts}


def _index(made: Schemas) -> Json:
    return {"get": _plain(made, "index", "List the forms and pages you may see", answers("200", ref("Index"), "read"))}


def _me(made: Schemas) -> Json:
    return {"get": _plain(made, "me", "Read who you are", answers("200", ref("Me"), "read"))}


def _notifications(made: Schemas) -> Json:
    unread = {"name": "unread", "in": "query", "schema": {"type": "boolean"}}
    return {"get": _plain(
        made, "notifications", "List your notifications", answers("200", ref("Notifications"), "read"),
        parameters=[parameter("before_id"), parameter("limit_200"), unread],
    )}  # fmt: skip


def _mark_read(made: Schemas) -> Json:
    body = json_body(object_of((), id=nullable(ID)), required=False)
    return {"post": _plain(
        made, "notifications.read", "Mark one notification or all read", answers("204", None, "write"), requestBody=body
    )}  # fmt: skip


def _questions(made: Schemas) -> Json:
    return {"get": _plain(
        made, "questions", "List the questions that wait for your answer", answers("200", ref("Questions"), "read"),
        parameters=[parameter("before_id"), parameter("limit_200")],
    )}  # fmt: skip


def _answer(made: Schemas) -> Json:
    plain = "^[^\\u0000]*$"
    body = json_body(object_of(
        ("answer",), answer={"type": "string", "minLength": 1, "maxLength": 200, "pattern": plain},
        comment={"type": ["string", "null"], "maxLength": 2000, "pattern": plain},
    ))  # fmt: skip
    id_of_question = {"name": "id", "in": "path", "required": True, "schema": ID}
    return {"post": _plain(
        made, "questions.answer", "Answer a question; the same answer again is answered like the first",
        answers("200", ref("Answered"), "write"), requestBody=body, parameters=[id_of_question],
    )}  # fmt: skip


def _files(made: Schemas) -> Json:
    parts = object_of(
        ("form", "field", "file"), form=TEXT, field=TEXT, id={"type": "string", "pattern": "^[0-9]{1,18}$"},
        file={"type": "string", "contentMediaType": "application/octet-stream"},
    )  # fmt: skip
    body = {"required": True, "content": {"multipart/form-data": {"schema": parts}}}
    return {"post": _plain(
        made, "files.upload", "Upload a file for a field; then set the field to its id",
        answers("201", ref("Files"), "write"), requestBody=body,
    )}  # fmt: skip


def _file(made: Schemas) -> Json:
    found = answers("200", None, "read")
    found["200"]["content"] = {"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
    found |= {code: {"description": text} for code, text in
              (("206", "A part of it"), ("304", "Not changed"), ("416", "There is no such part"))}  # fmt: skip
    id_of_file = {"name": "id", "in": "path", "required": True, "schema": ID}
    return {"get": _plain(made, "files.download", "Download a file", found, parameters=[id_of_file])}


# path → (the scope a token needs for it, its operations)
PLAIN_PATHS: Mapping[str, tuple[str, Callable[[Schemas], Json]]] = {
    "/": ("", _index),
    "/me": ("", _me),
    "/notifications": ("read", _notifications),
    "/notifications/read": ("write", _mark_read),
    "/notifications/questions": ("read", _questions),
    "/notifications/questions/{id}/answer": ("write", _answer),
    "/files": ("", _files),
    "/files/{id}": ("", _file),
}
