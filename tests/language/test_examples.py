"""Every built-in type has an example in the reference, and the example is a definition that loads."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from jsonschema import Draft202012Validator

from engine import examples
from engine.builtin import default_registry
from engine.connectors import HttpConnection, Operation
from engine.language import Label
from engine.load import app_schema, load_text
from engine.triggers import OnRecord

HOST = """
app: host
label: Host
languages: [en]
roles: {{member: {{label: Member}}}}
forms:
  project:
    label: Project
    fields: {{name: {{type: text}}, closed: {{type: boolean}}{project}}}
    permissions: {{member: {{create: true, read: true, update: true}}}}
  step:
    label: Step
    fields: {{hours: {{type: decimal}}}}
  ticket:
    label: Ticket
    fields:
      name: {{type: text}}
      due_on: {{type: date}}
      cost: {{type: money}}
      priority: {{type: choice, options: {{normal: {{}}, high: {{}}}}}}
      project: {{type: link, form: project}}
      papers: {{type: attachment}}
      part_of: {{type: link, form: ticket}}{steps}
{ticket}
    views:
      all: {{type: list, columns: [name]}}
{view}
    permissions: {{member: {{create: true, read: true, update: true}}}}
    workflow:
      initial: open
      states: {{open: {{label: Open, within: 8h}}, closed: {{label: Closed, final: true}}}}
      transitions: {{close: {{label: Close, from: [open], to: closed, roles: [member]}}}}
connections:
  inbox: {{type: imap, host: imap.example.com, user: desk, password: {{secret: INBOX}}}}
  post: {{type: smtp, host: smtp.example.com, sender: desk@example.com}}
  hub: {{type: hub, base_url: https://hub.example.com}}
{connections}
{rules}
{pages}
"""
STEPS = "\n      steps: {type: lines, form: step}"
REGISTRY = default_registry()


@REGISTRY.connector
@dataclass(frozen=True, kw_only=True)
class Hub(HttpConnection):
    """A system with an operation."""

    type: ClassVar[str] = "hub"

    def operations(self):
        return {"pull": Operation(Label({"": "Pull"}), {"id": {"type": "integer"}}, frozenset({"id"}))}


def host(**parts):
    return HOST.format(**({"project": "", "ticket": "", "view": "", "rules": "", "pages": "", "connections": "", "steps": STEPS} | parts))


def with_field(name, example):
    if name == "rollup":
        return host(project=f", example: {example}")
    return host(ticket=f"      example: {example}", steps="" if name == "lines" else STEPS)


def with_rule(trigger, action):
    return host(rules=f"rules:\n  example:\n    trigger: {trigger}\n    when: record.cost > 5\n    actions: [{action}]")


def with_credential(credential):
    return host(connections=f"  example: {{type: http, base_url: https://example.com, auth: {credential}}}")


def with_trigger(name, trigger):
    """Beside a rule that others may watch; no record wakes some."""
    if issubclass(REGISTRY.triggers[name], OnRecord):
        return with_rule(trigger, examples.ACTIONS["notify"])
    tell = "{type: notify, to: [member], message: Done}"
    other = f"  other:\n    trigger: {examples.TRIGGERS['created']}\n    actions: [{tell}]"
    return host(rules=f"rules:\n{other}\n  example:\n    trigger: {trigger}\n    actions: [{tell}]")


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
    Draft202012Validator(app_schema(REGISTRY)).validate(plain(text))


def plain(text):
    from engine.yamlfile import read_source

    return read_source(text).data


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
