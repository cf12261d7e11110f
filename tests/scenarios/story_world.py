"""Small applications whose scenarios are played, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from textwrap import dedent, indent

from engine.builtin import default_registry
from engine.errors import Message
from engine.load import examine, load_text
from engine.scenarios.results import Result
from engine.scenarios.running import run_scenarios
from engine.texts import say
from plugins import order_hub, planning

DESK = """
app: desk
label: Desk
languages: [en]
timezone: Europe/Berlin
roles: {clerk: {label: Clerk}, boss: {label: Boss}}
demo_users: {ann: {name: Ann, roles: [clerk]}, cem: {name: Cem, roles: [clerk]}}
connections:
  shop: {type: http, base_url: "https://shop.example.com"}
  post: {type: smtp, host: mail.example.com, sender: desk@example.com}
forms:
  project:
    label: Project
    title: record.name
    fields:
      name: {type: text}
      budget: {type: money}
    permissions: {clerk: {read: true, fields: {budget: {read: false}}}, boss: {create: true, read: true, update: true}}
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text, required: true}
      project: {type: link, form: project}
      worker: {type: user, roles: [clerk]}
      due_on: {type: date}
      cost: {type: money}
      proof: {type: attachment, accept: [pdf]}
      answer: {type: text}
      EXTRA_FIELDS
    permissions:
      clerk: {create: true, read: true, update: "record.state == 'open'", fields: {cost: {read: COST}}}
      boss: {create: true, read: true, update: true, delete: true}
    workflow:
      initial: open
      states:
        open: {label: Open, owner: clerk}
        late: {label: Late}
        closed: {label: Closed, final: true}
      transitions:
        be_late: {label: Be late, from: [open], to: late}
        close: {label: Close, from: [open, late], to: closed, roles: [boss], when: record.proof, because: There is no proof}
rules:
  too_late:
    trigger: {type: timeout, form: ticket, state: open, within: 2d}
    actions:
      - {type: take, transition: be_late}
      - {type: notify, to: [boss], message: "{{ record.name }} is late"}
  ask_boss:
    trigger: {type: updated, form: ticket, field: cost}
    actions:
      - {type: ask, to: [boss], message: "May {{ record.name }} cost that?", as: word, answers: {yes: {label: "Yes"}, no: {label: "No"}}}
      - {type: set, values: {answer: results.word.answer}}
  tell_shop:
    trigger: {type: entered, form: ticket, state: closed}
    actions:
      - {type: http, connection: shop, path: "/closed/{{ record.name }}", json: {cost: record.cost}, as: told}
      - {type: set, values: {answer: text(results.told.status)}}
      - {type: mail, connection: post, to: [boss], subject: Closed, message: "{{ record.name }} is closed"}
  remind:
    trigger: {type: button, form: ticket, label: Remind, roles: [clerk]}
    actions: [{type: notify, to: [record.worker], message: "Think of {{ record.name }}"}]
"""


@cache
def registry():
    """The built-ins and what the Order Hub brings along; no screens of the designer."""
    found = default_registry()
    order_hub.register(found)
    planning.register(found)
    return found


def text(scenarios: str, *, extra_fields: str = "", cost: str = "false", rules: str = "") -> str:
    base = DESK.replace("EXTRA_FIELDS", extra_fields).replace("COST", cost).replace("rules:\n", f"rules:\n{rules}")
    return f"{base}scenarios:\n{indent(dedent(scenarios).strip(chr(10)), '  ')}\n"


def played(scenarios: str, **parts: str) -> list[Result]:
    return run_scenarios(load_text(text(scenarios, **parts), registry()), registry())


def said(results: Sequence[Result], language: str = "en") -> list[str]:
    """``place: expected … / it came …`` of everything that went otherwise."""

    def words(one: Message) -> str:
        return say(one, language)

    return [
        f"{'.'.join(map(str, one.path[2:]))}: {words(one.expected)} / {words(one.got)}"
        for result in results
        for one in result.failures
    ]


def remarks(scenarios: str) -> list[str]:
    _, _, findings = examine(text(scenarios), registry())
    return [f"{one.path.removeprefix('scenarios.')}: {one.message}" for one in findings if "scenarios" in one.path]
