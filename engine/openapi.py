"""OpenAPI 3.1 out of the definition, for one actor: nothing in it that they may not read or do.

Worked out once per definition, set of rights and language.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.application import Application
from engine.columns import columns_of, rights
from engine.definition import Form
from engine.openapi_approvals import APPROVAL_PATHS, APPROVAL_SCHEMAS
from engine.openapi_automation import AUTOMATION_PATHS, AUTOMATION_SCHEMAS, is_open_to
from engine.openapi_lists import list_parameters
from engine.openapi_schemas import ID, MOMENT, TEXT, Schema, Schemas, nullable, offers, ref
from engine.openapi_shared import (
    ERRORS,
    FORM_TAG,
    PLAIN_PATHS,
    SHARED_SCHEMAS,
    answers,
    json_body,
    parameter,
    refused,
)  # fmt: skip
from engine.people import Actor
from engine.queries import MOST, MOST_FILTERS
from engine.triggers import Button

Json = dict[str, Any]
VERBS = ("create", "read", "update", "delete", "import")
VERSION = "1.0"
BASE = "/api/v1"


def document(app: Application, actor: Actor) -> Json:
    """The whole document as JSON data. It is shared: copy it before changing it."""
    key = ("openapi", rights(actor), actor.language)
    found: Json | None = app.plans.kept.get(key)
    if found is None:
        found = app.plans.kept[key] = _document(app, actor)
    return found


def _document(app: Application, actor: Actor) -> Json:
    made = Schemas(app, actor)
    forms = [one for one in app.definition.forms.values() if not one.parent_form and _visible(made, one)]
    components = {**SHARED_SCHEMAS, **APPROVAL_SCHEMAS}
    plain = {**PLAIN_PATHS, **APPROVAL_PATHS}
    paths: Json = {path: item(made) for path, (scope, item) in plain.items() if not scope or made.reaches(scope)}
    if is_open_to(actor):
        components.update(AUTOMATION_SCHEMAS)
        paths.update((path, item(made)) for path, item in AUTOMATION_PATHS.items())
    for form in forms:
        components.update(_schemas(made, form))
        paths.update(_paths(made, form))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": app.definition.label.text(actor.language),
            "version": f"{VERSION}+{app.definition.hash}",
            "description": made.said("Made from the application's definition, for what you may do."),
        },
        "servers": [{"url": BASE}],
        "security": [{"token": []}, {"session": []}],
        "tags": [
            {"name": FORM_TAG, "description": made.said("General")},
            *({"name": one.name, "description": (one.plural or one.label).text(actor.language)} for one in forms),
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": {name: refused(made, pattern) for name, pattern in ERRORS.values()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "appmill",
                            "description": made.said("In a browser; changes also need the header X-CSRF-Token.")},
            },
        },
    }  # fmt: skip


def _visible(made: Schemas, form: Form) -> bool:
    return any(offers(made.app, made.actor, form, verb) for verb in ("read", "create"))


# --- schemas of a form -----------------------------------------------------------------------------------------------


def _schemas(made: Schemas, form: Form) -> Json:
    found: Json = {}
    verbs = [verb for verb in ("create", "update", "import") if offers(made.app, made.actor, form, verb)]
    makers = {"create": made.create, "update": made.update, "import": made.brought}
    found |= {f"{form.name}.{verb}": makers[verb](form) for verb in verbs}
    found[f"{form.name}.record"] = made.record(form)
    for lines in _line_forms(made, form):
        found[f"{lines.name}.line"] = made.line(lines)
        found |= {f"{lines.name}.{verb}_line": made.row(lines, verb) for verb in ("create", "update", "import")}
    return found


def _line_forms(made: Schemas, form: Form) -> Iterator[Form]:
    forms = made.app.definition.forms
    yield from (forms[one.form] for one in form.fields.values() if one.kind == "lines")  # type: ignore[attr-defined]


# --- paths of a form -------------------------------------------------------------------------------------------------


def _paths(made: Schemas, form: Form) -> Json:
    may_do = {verb: offers(made.app, made.actor, form, verb) for verb in VERBS}
    root, one = f"/records/{form.name}", f"/records/{form.name}/{{id}}"
    found: Json = {
        f"/forms/{form.name}": {"get": _describe(made, form)},
        root: _given(get=may_do["read"] and _list(made, form), post=may_do["create"] and _create(made, form)),
        one: _given(
            get=may_do["read"] and _read(made, form),
            patch=may_do["update"] and may_do["read"] and _change(made, form),
            delete=may_do["delete"] and may_do["read"] and _delete(made, form),
        ),
    }
    if may_do["import"]:
        found[f"/forms/{form.name}/import"] = {"post": _adopt(made, form)}
    if may_do["read"]:
        found |= _more(made, form, one, may_do["delete"])
    return {path: item for path, item in found.items() if item}


def _given(**operations: Any) -> Json:
    return {method: operation for method, operation in operations.items() if operation}


def _more(made: Schemas, form: Form, one: str, may_delete: bool) -> Json:
    reaches = offers(made.app, made.actor, form, "take")
    found: Json = {
        f"{one}/transitions": {"get": _doors(made, form)},
        f"{one}/events": {"get": _story(made, form, "events", "List what happened to a {form}")},
    }
    if may_delete:
        found[f"{one}/restore"] = {"post": _restore(made, form)}
    if form.comments:
        found[f"{one}/comments"] = _given(
            get=_story(made, form, "comments", "List the comments on a {form}"),
            post=made.reaches("comment", form.name) and _comment(made, form),
        )
    for step in form.workflow.transitions.values() if form.workflow and reaches else ():
        if made.actor.is_admin or not made.actor.roles.isdisjoint(step.roles):
            found[f"{one}/transitions/{step.name}"] = {"post": _take(made, form, step)}
    for name, button in _buttons(made, form) if reaches else ():
        found[f"{one}/press/{name}"] = {"post": _press(made, form, name, button)}
    found |= _reveals(made, form, one)
    found |= _options(made, form)
    found |= _views(made, form)
    return found


def _buttons(made: Schemas, form: Form) -> Iterator[tuple[str, Button]]:
    """(rule, button) of those the actor may press."""
    for rule in made.app.definition.rules.values():
        button = rule.trigger
        if not rule.enabled or not isinstance(button, Button) or button.form != form.name:
            continue
        if made.actor.is_admin or not made.actor.roles.isdisjoint(button.roles):
            yield rule.name, button


def _operation(made: Schemas, form: Form, name: str, pattern: str, **parts: Any) -> Json:
    said = made.said(pattern, form=form.label, forms=form.plural or form.label, **parts.pop("words", {}))
    return {"operationId": f"{form.name}.{name}", "tags": [form.name], "summary": said, **parts}


ID_OF_RECORD: Json = {"name": "id", "in": "path", "required": True, "schema": ID}


def _describe(made: Schemas, form: Form) -> Json:
    return _operation(made, form, "form", "Describe {form}", responses=answers("200", ref("Form"), "read"))


def _create(made: Schemas, form: Form) -> Json:
    return _operation(
        made, form, "create", "Create a {form}",
        parameters=[parameter("Idempotency-Key")],
        requestBody=json_body(ref(f"{form.name}.create")),
        responses=answers("201", ref(f"{form.name}.record"), "write"),
    )  # fmt: skip


def _read(made: Schemas, form: Form) -> Json:
    deleted = {"name": "deleted", "in": "query", "schema": {"type": "boolean"},
               "description": made.said("Also when it is deleted, for those who may delete.")}  # fmt: skip
    return _operation(
        made, form, "read", "Read a {form}",
        parameters=[ID_OF_RECORD, deleted],
        responses=answers("200", ref(f"{form.name}.record"), "read"),
    )  # fmt: skip


def _change(made: Schemas, form: Form) -> Json:
    return _operation(
        made, form, "update", "Change a {form}",
        parameters=[ID_OF_RECORD, parameter("If-Match")],
        requestBody=json_body(ref(f"{form.name}.update")),
        responses=answers("200", ref(f"{form.name}.record"), "write"),
    )  # fmt: skip


def _delete(made: Schemas, form: Form) -> Json:
    version = {"name": "version", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}}
    reason = {"name": "reason", "in": "query", "schema": {"type": "string", "maxLength": 2000}}
    return _operation(
        made, form, "delete", "Delete a {form}",
        parameters=[ID_OF_RECORD, version, reason, parameter("If-Match")],
        responses=answers("204", None, "write"),
    )  # fmt: skip


def _restore(made: Schemas, form: Form) -> Json:
    return _operation(
        made, form, "restore", "Bring a deleted {form} back",
        parameters=[ID_OF_RECORD], responses=answers("200", ref(f"{form.name}.record"), "write"),
    )  # fmt: skip


def _adopt(made: Schemas, form: Form) -> Json:
    states = list(form.workflow.states) if form.workflow else []
    state = {"type": "string", "enum": states} if states else {"type": "string"}
    visit = {
        "type": "object", "additionalProperties": False, "required": ["state", "entered_at"],
        "properties": {"state": state, "entered_at": MOMENT, "left_at": nullable(MOMENT), "entered_by": nullable(ID),
                       "left_by": nullable(ID)},
    }  # fmt: skip
    life: Schema = {"state": nullable(state), "history": {"type": "array", "items": visit, "maxItems": 500}}
    body = {
        "type": "object", "additionalProperties": False, "required": ["values"],
        "properties": {"values": ref(f"{form.name}.import"), **(life if states else {})},
    }  # fmt: skip
    return _operation(
        made, form, "import", "Bring in a {form} with its state and history",
        parameters=[parameter("Idempotency-Key")], requestBody=json_body(body),
        responses=answers("201", ref(f"{form.name}.record"), "write"),
    )  # fmt: skip


def _take(made: Schemas, form: Form, step: Any) -> Json:
    body = {
        "type": "object", "additionalProperties": False,
        "properties": {
            "values": nullable(made.asked(form, step.ask)),
            "version": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31 - 1},
            "reason": {"type": ["string", "null"], "maxLength": 2000, "pattern": "^[^\\u0000]*$"},
        },
    }  # fmt: skip
    return _operation(
        made, form, f"take.{step.name}", "{transition}: take a {form} on", words={"transition": step.label},
        parameters=[ID_OF_RECORD, parameter("If-Match"), parameter("Idempotency-Key")],
        requestBody=json_body(body, required=False),
        responses=answers("200", ref(f"{form.name}.record"), "write"),
    )  # fmt: skip


def _press(made: Schemas, form: Form, rule: str, button: Button) -> Json:
    body = {
        "type": "object", "additionalProperties": False,
        "properties": {"version": {"type": ["integer", "null"], "minimum": 1, "maximum": 2**31 - 1}},
    }  # fmt: skip
    return _operation(
        made, form, f"press.{rule}", "{button}: press the button of a {form}", words={"button": button.label},
        parameters=[ID_OF_RECORD, parameter("If-Match"), parameter("Idempotency-Key")],
        requestBody=json_body(body, required=False),
        responses=answers("200", ref(f"{form.name}.record"), "write"),
    )  # fmt: skip


def _doors(made: Schemas, form: Form) -> Json:
    return _operation(
        made, form, "transitions", "List what can be done with a {form}, and why not the rest",
        parameters=[ID_OF_RECORD], responses=answers("200", ref("Transitions"), "read"),
    )  # fmt: skip


def _story(made: Schemas, form: Form, name: str, pattern: str) -> Json:
    parameters = [ID_OF_RECORD, parameter("before_id"), parameter("limit_200")]
    page = ref("Events" if name == "events" else "Comments")
    return _operation(made, form, name, pattern, parameters=parameters, responses=answers("200", page, "read"))


def _comment(made: Schemas, form: Form) -> Json:
    body = {
        "type": "object", "additionalProperties": False, "required": ["body"],
        "properties": {"body": {"type": "string", "minLength": 1, "maxLength": 5000, "pattern": "^[^\\u0000]*$"}},
    }  # fmt: skip
    return _operation(
        made, form, "comment", "Comment on a {form}",
        parameters=[ID_OF_RECORD, parameter("Idempotency-Key")], requestBody=json_body(body),
        responses=answers("201", ref("Comment"), "write"),
    )  # fmt: skip


def _reveals(made: Schemas, form: Form, one: str) -> Json:
    columns = columns_of(made.app, made.actor, form)
    return {
        f"{one}/reveal/{field.name}": {"post": _operation(
            made, form, f"reveal.{field.name}", "Show {field} of a {form} in clear, and note who looked",
            words={"field": field.title}, parameters=[ID_OF_RECORD],
            responses=answers("200", {"type": "object", "required": ["field", "value"], "additionalProperties": False,
                                      "properties": {"field": TEXT, "value": {}}}, "write"),
        )}
        for field in columns.values()
        if field.sensitive and field.name in form.fields
    }  # fmt: skip


def _options(made: Schemas, form: Form) -> Json:
    allowed = made.create(form)["properties"] | made.update(form)["properties"]
    query = [
        {"name": "q", "in": "query", "schema": {"type": "string", "maxLength": 100}},
        {"name": "id", "in": "query", "schema": ID},
    ]
    return {
        f"/forms/{form.name}/options/{field.name}": {"get": _operation(
            made, form, f"options.{field.name}", "List what {field} of a {form} may be set to",
            words={"field": field.title}, parameters=query, responses=answers("200", ref("Options"), "read"),
        )}
        for field in form.fields.values()
        if field.kind in ("link", "links", "user", "users") and field.name in allowed
    }  # fmt: skip


def _views(made: Schemas, form: Form) -> Json:
    seen = answers("200", ref("SavedViews"), "read")
    listed = _operation(made, form, "views", "List saved views of {forms}", responses=seen)
    if not made.reaches("write"):
        return {f"/forms/{form.name}/views": {"get": listed}}
    saved = _operation(
        made, form, "save_view", "Save a view of {forms}",
        requestBody=json_body(ref("NewSavedView")), responses=answers("201", ref("SavedView"), "write"),
    )  # fmt: skip
    deleted = _operation(
        made, form, "delete_view", "Delete a saved view of {forms}",
        parameters=[ID_OF_RECORD], responses=answers("204", None, "write"),
    )  # fmt: skip
    return {
        f"/forms/{form.name}/views": {"get": listed, "post": saved},
        f"/forms/{form.name}/views/{{id}}": {"delete": deleted},
    }


def _list(made: Schemas, form: Form) -> Json:
    columns = columns_of(made.app, made.actor, form)
    page = {
        "type": "object", "additionalProperties": False, "required": ["records", "after", "before"],
        "properties": {
            "records": {"type": "array", "items": ref(f"{form.name}.record"), "maxItems": MOST},
            "after": nullable(TEXT), "before": nullable(TEXT),
            "count": {"type": "integer", "minimum": 0}, "count_capped": {"type": "boolean"},
        },
    }  # fmt: skip
    return _operation(
        made, form, "list", "List {forms}",
        description=made.said("At most {most} filters; an unknown parameter is refused.", most=MOST_FILTERS),
        parameters=list(list_parameters(made, form, columns)),
        responses=answers("200", page, "read"),
    )  # fmt: skip
