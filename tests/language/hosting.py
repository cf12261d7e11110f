"""A small application for types: one example of each stands in it."""

from dataclasses import dataclass
from typing import ClassVar

from engine import examples
from engine.builtin import default_registry
from engine.connectors import HttpConnection, Operation
from engine.language import Label
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
      wall: {{type: kanban, group: state, card: [name]}}
      plan: {{type: gantt, start: created_at, end: due_on}}
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
PAGES = "pages: {overview: {label: Overview, cards: [{type: text, label: Note}]}}"
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
    empty = {"project": "", "ticket": "", "view": "", "rules": "", "pages": PAGES, "connections": "", "steps": STEPS}
    return HOST.format(**(empty | parts))


def with_field(name, example):
    if name == "rollup":
        return host(project=f", example: {example}")
    return host(ticket=f"      example: {example}", steps="" if name == "lines" else STEPS)


def with_rule(trigger, action):
    return host(rules=f"rules:\n  example:\n    trigger: {trigger}\n    when: record.cost > 5\n    actions: [{action}]")


def with_trigger(name, trigger):
    """Beside a rule that others may watch; no record wakes some."""
    if issubclass(REGISTRY.triggers[name], OnRecord):
        return with_rule(trigger, examples.ACTIONS["notify"])
    tell = "{type: notify, to: [member], message: Done}"
    other = f"  other:\n    trigger: {examples.TRIGGERS['created']}\n    actions: [{tell}]"
    return host(rules=f"rules:\n{other}\n  example:\n    trigger: {trigger}\n    actions: [{tell}]")
