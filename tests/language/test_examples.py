"""Every built-in type has an example in the reference, and the example is a definition that loads."""

import pytest
from hosting import REGISTRY, host, with_field, with_rule, with_trigger
from jsonschema import Draft202012Validator

from engine import examples
from engine.builtin import default_registry
from engine.load import app_schema, load_text
from engine.yamlfile import read_source


def with_credential(credential):
    return host(connections=f"  example: {{type: http, base_url: https://example.com, auth: {credential}}}")


def with_card(card):
    return host(pages=f"pages:\n  example:\n    label: Example\n    cards: [{card}]")


CASES = [
    *((f"field {name}", with_field(name, text)) for name, text in examples.FIELDS.items()),
    *((f"view {name}", host(view=f"      example: {text}")) for name, text in examples.VIEWS.items()),
    *((f"trigger {name}", with_trigger(name, text)) for name, text in examples.TRIGGERS.items()),
    *((f"action {name}", with_rule(examples.TRIGGERS["created"], text)) for name, text in examples.ACTIONS.items()),
    *((f"card {name}", with_card(text)) for name, text in examples.CARDS.items()),
    *((f"connection {name}", host(connections=f"  example: {text}")) for name, text in examples.CONNECTIONS.items()),
    *((f"credential {name}", with_credential(text)) for name, text in examples.CREDENTIALS.items()),
]


@pytest.mark.parametrize("text", [case[1] for case in CASES], ids=[case[0] for case in CASES])
def test_an_example_loads_and_fits_the_published_schema(text):
    load_text(text, REGISTRY)
    found = Draft202012Validator(app_schema(REGISTRY)).iter_errors(read_source(text).data)
    assert [one.message for one in found] == []


@pytest.mark.parametrize(
    ("kinds", "shown"),
    [
        (REGISTRY.fields, examples.FIELDS),
        (REGISTRY.views, examples.VIEWS),
        (REGISTRY.triggers, examples.TRIGGERS),
        (REGISTRY.actions, examples.ACTIONS),
        (REGISTRY.cards, examples.CARDS),
        (default_registry().connectors, examples.CONNECTIONS),
        (REGISTRY.credentials, examples.CREDENTIALS),
    ],
    ids=["fields", "views", "triggers", "actions", "cards", "connections", "credentials"],
)
def test_every_built_in_type_has_an_example(kinds, shown):
    assert list(shown) == list(kinds)
