"""What is published for people and editors is made of the classes, and is current."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator

from engine.builtin import default_registry
from engine.cli import main
from engine.load import app_schema
from engine.reference import reference

ROOT = Path(__file__).parents[2]


def test_the_published_schema_is_a_json_schema():
    published = json.loads((ROOT / "static/app.schema.json").read_text())
    Draft202012Validator.check_schema(published)
    assert published == app_schema(default_registry())


def test_the_published_schema_is_current(capsys):
    assert main(["schema"]) == 0
    assert (ROOT / "static/app.schema.json").read_text() == capsys.readouterr().out, (
        "run: appmill schema > static/app.schema.json"
    )


def test_the_reference_is_current():
    assert (ROOT / "docs/reference.md").read_text() == reference(default_registry()), (
        "run: appmill schema --reference > docs/reference.md"
    )


def test_every_key_of_the_language_says_what_it_is_for():
    schema = app_schema(default_registry())
    places = {"the file": schema, **schema["$defs"]}
    silent = [
        f"{place}.{key}"
        for place, definition in places.items()
        for key, option in definition.get("properties", {}).items()
        if not option.get("description")
    ]
    assert silent == []


def test_the_schema_holds_only_what_our_own_reading_understands():
    from engine.validate import KEYWORDS

    texts = {"$schema", "title", "description", "default", "enumDescriptions", "markdownEnumDescriptions"}
    editors = {"allOf"}  # the same choice as x-dispatch
    known = KEYWORDS | texts | editors | {"$defs", "$ref", "x-dispatch"}
    assert set(_keywords(app_schema(default_registry()))) - known == set()


def _keywords(schema):
    for key, value in schema.items():
        yield key
        if key in ("properties", "$defs"):
            for inner in value.values():
                yield from _keywords(inner)
        elif key in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
            yield from _keywords(value)
