"""The page that explains the API: the OpenAPI document as people read it, with examples that can be pasted."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.openapi_shared import ERRORS
from engine.web.render import render, translate

Json = Mapping[str, Any]
FILTER = "where."
SHOWN_OPTIONS = 8


@dataclass(frozen=True)
class Row:
    """A parameter or a field, as a line of a table."""

    name: str
    place: str
    type: str
    note: str
    required: bool


@dataclass(frozen=True)
class Call:
    """One operation. ``filters``: field → its operators; ``try_at``: an address to look at in the browser."""

    anchor: str
    method: str
    path: str
    summary: str
    rows: tuple[Row, ...]
    filters: Mapping[str, tuple[str, ...]]
    body: tuple[Row, ...]
    answers: tuple[tuple[str, str], ...]
    curl: str
    try_at: str


@dataclass(frozen=True)
class Part:
    """The operations of one form, and what its records hold."""

    name: str
    title: str
    calls: tuple[Call, ...]
    fields: tuple[Row, ...]


def page(document: Json, base: str) -> str:
    parts = [_part(document, tag, base.rstrip("/")) for tag in document["tags"]]
    return render("api_docs.html", parts=parts, base=base.rstrip("/") + "/api/v1", errors=_errors(document))


def _errors(document: Json) -> list[tuple[str, str]]:
    described = document["components"]["responses"]
    return [(status, described[name]["description"]) for status, (name, _) in ERRORS.items()]


def _part(document: Json, tag: Json, base: str) -> Part:
    schemas = document["components"]["schemas"]
    calls = tuple(
        _call(document, base, path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if tag["name"] in operation["tags"]
    )
    return Part(tag["name"], tag["description"], calls, _fields(schemas, schemas.get(f"{tag['name']}.record", {})))


# --- one operation ---------------------------------------------------------------------------------------------------


def _call(document: Json, base: str, path: str, method: str, operation: Json) -> Call:
    schemas, parameters = document["components"]["schemas"], operation.get("parameters", ())
    kind, body = _body(schemas, operation)
    plain = [one for one in parameters if not one["name"].startswith(FILTER)]
    address = f"{base}/api/v1{path.replace('{id}', '1')}"
    limited = "?limit=3" if any(one["name"] == "limit" for one in plain) else ""
    looked_at = method == "get" and "{id}" not in path
    return Call(
        anchor=operation["operationId"].replace(".", "-"),
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        rows=tuple(_parameter(schemas, one) for one in plain),
        filters=_filters(parameters),
        body=_fields(schemas, body),
        answers=tuple(_answers(document, operation)),
        curl=_curl(schemas, method, address, kind, body),
        try_at=f"/api/v1{path}{limited}" if looked_at else "",
    )


def _body(schemas: Json, operation: Json) -> tuple[str, Json]:
    """(media type, schema) of the request; empty without one."""
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        return kind, _resolved(schemas, content["schema"])
    return "", {}


def _parameter(schemas: Json, one: Json) -> Row:
    places = {"path": translate("address"), "query": translate("query"), "header": translate("header")}
    return Row(one["name"], places[one["in"]], type_text(schemas, one["schema"]), one.get("description", ""),
               one.get("required", False))  # fmt: skip


def _filters(parameters: Sequence[Json]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in parameters:
        if one["name"].startswith(FILTER):
            field, _, operator = one["name"].removeprefix(FILTER).partition(".")
            found[field] = (*found.get(field, ()), operator)
    return found


def _answers(document: Json, operation: Json) -> Iterator[tuple[str, str]]:
    for status, answer in operation["responses"].items():
        if "$ref" in answer:
            answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
        yield status, answer["description"]


# --- schemas as tables -----------------------------------------------------------------------------------------------


def _fields(schemas: Json, schema: Json) -> tuple[Row, ...]:
    needed = schema.get("required", ())
    return tuple(
        Row(name, one.get("title", ""), type_text(schemas, one), one.get("description", ""), name in needed)
        for name, one in schema.get("properties", {}).items()
    )


def _resolved(schemas: Json, schema: Json) -> Json:
    if "$ref" in schema:
        found: Json = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def type_text(schemas: Json, schema: Json) -> str:
    """A schema in a few words: ``text, at most 60``, ``one of low, high``, ``list of whole numbers``."""
    schema = _resolved(schemas, schema)
    if "anyOf" in schema:
        return type_text(schemas, schema["anyOf"][0])
    if "enum" in schema:
        return _one_of([str(one) for one in schema["enum"] if one is not None])
    kinds = schema.get("type", "")
    kind = kinds if isinstance(kinds, str) else next((one for one in kinds if one != "null"), "")
    if kind == "array":
        return translate("list: {items}", items=type_text(schemas, schema.get("items", {})))
    return _plain(kind, schema)


def _one_of(options: Sequence[str]) -> str:
    shown = ", ".join(options[:SHOWN_OPTIONS])
    return translate("one of {options}", options=shown + (" …" if len(options) > SHOWN_OPTIONS else ""))


def _plain(kind: str, schema: Json) -> str:
    formats = {"date": translate("date"), "date-time": translate("moment"), "decimal": translate("decimal number")}
    kinds = {
        "string": translate("text"), "integer": translate("whole number"), "number": translate("number"),
        "boolean": translate("true or false"), "object": translate("object"),
    }  # fmt: skip
    words = formats.get(schema.get("format", ""), kinds.get(kind, translate("any JSON")))
    most = schema.get("maxLength")
    return translate("{kind}, at most {most}", kind=words, most=most) if most else words


# --- examples --------------------------------------------------------------------------------------------------------


def _curl(schemas: Json, method: str, address: str, kind: str, body: Json) -> str:
    parts = ["curl", *([] if method == "get" else ["-X", method.upper()]), '-H "Authorization: Bearer $TOKEN"']
    if kind == "multipart/form-data":
        parts += [f"-F {name}={'@file.pdf' if name == 'file' else name.upper()}" for name in body["required"]]
    elif kind:
        content = json.dumps(example(schemas, body), ensure_ascii=False)
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(content)}"]
    return " ".join([*parts, shlex.quote(address)])


def example(schemas: Json, schema: Json) -> Any:
    """Data of this form: what an object needs, or its first two fields."""
    schema = _resolved(schemas, schema)
    if "anyOf" in schema:
        return example(schemas, schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if "properties" in schema:
        names: Iterable[str] = schema.get("required") or list(schema["properties"])[:2]
        return {name: example(schemas, schema["properties"][name]) for name in names}
    kinds = schema.get("type", "")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "array":
        return [example(schemas, schema.get("items", {}))]
    return _sample(kind, schema)


def _sample(kind: str, schema: Json) -> Any:
    formats = {"date": "2026-11-22", "date-time": "2026-11-22T08:30:00Z", "decimal": "12.50"}
    if schema.get("format") in formats:
        return formats[schema["format"]]
    return {"integer": max(1, schema.get("minimum", 1)), "number": 1, "boolean": True, "object": {}}.get(kind, "…")
