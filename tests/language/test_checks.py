
"""Given this definition, these are the remarks about it."""

import pytest

from engine.builtin import default_registry
from engine.load import examine, load_text

REGISTRY = default_registry()
BASE = """
app: test
label: Test
languages: [en]
roles: {clerk: {label: Clerk}, boss: {label: Boss}}
forms:
  ticket:
    label: Ticket
    fields:
      name: {type: text}
      proof: {type: attachment}
      amount: {type: money}
      project: {type: link, form: project}
      FIELDS
    SECTIONS
    permissions: {clerk: PERMISSIONS}
    workflow:
      initial: open
      states:
        open: {label: Open, STATE}
        paused: {label: Paused, aside: true}
        closed: {label: Closed, final: true}
      transitions:
        pause: {label: Pause, from: [open], to: paused, roles: [clerk]}
        resume: {label: Resume, from: [paused], to: previous, roles: [clerk]}
        close: {label: Close, from: [open], to: closed, roles: [clerk], TRANSITION}
        MOVES
  project:
    label: Project
    fields:
      name: {type: text}
      MORE
    permissions: {clerk: {create: true, read: true, update: true}}
RULES
"""
GRANT = "{create: true, read: true, update: true}"


def app(**parts):
    text = BASE
    for name, default in {
        "FIELDS": "", "SECTIONS": "", "PERMISSIONS": GRANT, "STATE": "owner: clerk", "TRANSITION": "style: primary",
        "MOVES": "", "MORE": "", "RULES": "",
    }.items():  # fmt: skip
        text = text.replace(name, parts.get(name.lower(), default))
    return text


def remarks(**parts):
    _, _, findings = examine(app(**parts), REGISTRY)
    return [f"{'' if one.severity == 'error' else one.severity + ' '}{one.path}: {one.message}" for one in findings]


def rule(trigger, *actions, when="", name="rules:\n  one"):
    condition = f", when: {when}" if when else ""
    return f"{name}: {{trigger: {trigger}, actions: [{', '.join(actions)}]{condition}}}"


def two(first, second):
    return f"{first}\n{second.replace('rules:', '').replace('  one', '  two').lstrip(chr(10))}"


def test_the_base_has_no_remarks():
    assert remarks() == []


STATES = "forms.ticket.workflow.states"
MOVES = "forms.ticket.workflow.transitions"
CHANGED = "{type: updated, form: ticket}"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        # names
        ({"state": "leave_with: [prof]"}, f"{STATES}.open.leave_with.0: 'ticket' has no field 'prof'; did you mean 'proof'?"),
        ({"fields": "x: {type: user, roles: [bos]}"}, "forms.ticket.fields.x.roles.0: There is no role 'bos'; did you mean 'boss'?"),
        ({"fields": "x: {type: lookup, via: project, field: nam}"}, "forms.ticket.fields.x.field: 'project' has no field 'nam'; did you mean 'name'?"),
        ({"fields": "state: {type: text}"}, "forms.ticket.fields.state: 'state' is reserved; choose another name."),
        ({"fields": "class: {type: text}"}, "forms.ticket.fields.class: 'class' is reserved; choose another name."),
        ({"fields": "x: {type: text, renamed_from: name}"}, "forms.ticket.fields.x.renamed_from: 'name' still exists; a former name is one that is gone."),
        ({"fields": "x: {type: text, id: name}"}, "forms.ticket.fields.x.id: 'name' and 'x' have the same id 'name'."),
        ({"rules": "menu: [{label: M, items: [tikcet]}]"}, "menu.0.items.0: There is no form or page 'tikcet'; did you mean 'ticket'?"),
        ({"rules": rule("{type: taken, form: ticket, transition: clos}", "{type: set, values: {name: \"'x'\"}}")}, "rules.one.trigger.transition: 'ticket' has no transition 'clos'; did you mean 'close'?"),
        ({"rules": rule("{type: entered, form: project, state: open}", "{type: set, values: {name: \"'x'\"}}")}, "rules.one.trigger.state: The form 'project' has no workflow."),
        ({"rules": rule("{type: created, form: ticket}", "{type: set, values: {nam: \"'x'\"}}")}, "rules.one.actions.0.values.nam: 'ticket' has no field 'nam'; did you mean 'name'?"),
        ({"rules": rule("{type: created, form: ticket}", "{type: create, form: project, values: {nam: \"'x'\"}}")}, "rules.one.actions.0.values.nam: 'project' has no field 'nam'; did you mean 'name'?"),
        ({"rules": rule("{type: created, form: ticket}", "{type: take, transition: x, of: name}")}, "rules.one.actions.0.of: 'name' is no link to another record."),
        ({"rules": "timezone: Asia/Shanghi"}, "timezone: Unknown time zone 'Asia/Shanghi'; did you mean 'Asia/Shanghai'?"),
        # shapes
        ({"sections": "title: record.project.name"}, "forms.ticket.title: A title is made of the record's own stored fields; 'record.project.name' is not one."),
        ({"sections": "views: {v: {type: kanban, group: amount, card: [name]}}"}, "forms.ticket.views.v.group: Expected the state or a choice field; 'amount' is of type money."),
        ({"sections": "views: {v: {type: gantt, start: created_at, end: name}}"}, "forms.ticket.views.v.end: Expected a date; 'name' is of type text."),
        ({"sections": "views: {v: {type: tree, parent: project}}"}, "forms.ticket.views.v.parent: Expected a link to 'ticket' itself; 'project' is none."),
        ({"sections": "views: {v: {type: list, columns: [name], totals: [name]}}"}, "forms.ticket.views.v.totals.0: Expected a number; 'name' is of type text."),
        ({"fields": "x: {type: lines, form: ticket}"}, "forms.ticket.fields.x.form: A form cannot be its own lines."),
        ({"rules": "pages: {p: {label: P, cards: [{type: number, label: N, form: ticket, fold: sum}]}}"}, "pages.p.cards.0.fold: 'sum' needs a field: add 'field'."),
        ({"more": "total: {type: rollup, of: ticket.amount, via: name, fold: sum}"}, "forms.project.fields.total.via: 'name' of 'ticket' is no link to 'project'."),
        # workflows
        ({"moves": "x: {label: X, from: [open], to: previous, roles: [clerk]}"}, f"{MOVES}.x.from.0: 'previous' only leads out of a state with 'aside: true', and 'open' has none."),
        ({"moves": "x: {label: X, from: [closed], to: open, roles: [clerk]}"}, f"warning {STATES}.closed: The state 'closed' is final, yet a transition leaves it."),
        ({"moves": "x: {label: X, from: [open], to: closed}"}, f"{MOVES}.x: Nobody may take 'x': give it roles, or let a rule take it."),
        ({"moves": "x: {label: X, from: [open], to: closed, roles: [boss]}"}, f"{MOVES}.x.roles: Nobody can take 'x': none of its roles may read the record."),
        ({"state": "owner: boss"}, f"{STATES}.open.owner: The role 'boss' owns the state 'open' but may not read the record."),
        # filling
        ({"state": "leave_with: [proof]", "sections": "sections: [{fields: [name]}]"}, f"{STATES}.open.leave_with.0: The state 'open' needs 'proof', but it stands in no section."),
        ({"state": "leave_with: [proof]", "permissions": "{create: true, read: true, update: true, fields: {proof: {update: false}}}"}, f"{STATES}.open.leave_with.0: The state 'open' needs 'proof', but no role may change it in any state before."),
        ({"state": "leave_with: [proof]", "permissions": "{create: true, read: true, update: true, fields: {proof: {update: \"record.state == 'closed'\"}}}"}, f"{STATES}.open.leave_with.0: The state 'open' needs 'proof', but no role may change it in any state before."),
        ({"state": "leave_with: [x]", "fields": "x: {type: text, visible_when: \"record.state == 'closed'\"}"}, f"{STATES}.open.leave_with.0: The state 'open' needs 'x', but it is hidden in every state before."),
        ({"state": "leave_with: [x]", "fields": "x: {type: text, readonly_when: \"record.state in ('open', 'paused')\"}"}, f"{STATES}.open.leave_with.0: The state 'open' needs 'x', but it is read-only in every state before."),
        ({"state": "leave_with: [proof]", "permissions": '{read: true, update: "record.amount > 5"}', "rules": rule("{type: created, form: project}", "{type: create, form: ticket}")}, f"note {STATES}.open.leave_with.0: Not analysed: whether someone can fill 'proof' before, because that depends on the record."),
        ({"transition": "when: record.x > 5", "fields": "x: {type: integer, readonly: true}"}, f"{MOVES}.close.when: The guard needs 'x', but it is read-only."),
        ({"transition": "ask: [x]", "fields": "x: {type: integer, readonly: true}"}, f"{MOVES}.close.ask.0: 'x' is read-only, so nobody can be asked for it."),
        ({"transition": "ask: [x]", "fields": "x: {type: computed, result: {type: integer}, value: '1'}"}, f"{MOVES}.close.ask.0: 'x' is worked out, so nobody can be asked for it."),
        ({"fields": "x: {type: text, required: true}", "permissions": "{create: true, read: true, update: true, fields: {x: {update: false}}}"}, "forms.ticket.fields.x: 'x' is required, but no role that may create the record may write it."),
        ({"permissions": "{read: true, update: true}"}, "warning forms.ticket.permissions: Only administrators can create records of 'ticket'."),
        # conditions in the database
        ({"permissions": "{create: true, read: \"record.name[0] == 'x'\", update: true}"}, "forms.ticket.permissions.clerk.read: The database cannot answer this condition: record.name[0] cannot be asked of the database."),
        # rules
        ({"rules": rule(CHANGED, "{type: set, values: {amount: record.amount + 1}}")}, "rules.one: These rules wake each other for ever: one → one."),
        ({"rules": rule(CHANGED, "{type: set, values: {amount: record.amount + 1}}", when="record.amount < 5")}, "note rules.one: Not analysed: whether the conditions keep these rules from waking each other for ever: one → one."),
        ({"rules": rule("{type: created, form: ticket}", "{type: create, form: ticket}")}, "rules.one: These rules wake each other for ever: one → one."),
    ],
)  # fmt: skip
def test_a_mistake_gets_its_sentence(parts, said):
    assert said in remarks(**parts)


def test_the_remark_is_the_only_one():
    assert remarks(state="leave_with: [prof]") == [
        f"{STATES}.open.leave_with.0: 'ticket' has no field 'prof'; did you mean 'proof'?"
    ]


def test_rules_that_pass_a_record_to_and_fro_are_named_in_order():
    pause = rule("{type: entered, form: ticket, state: open}", "{type: take, transition: pause}")
    resume = rule("{type: entered, form: ticket, state: paused}", "{type: take, transition: resume}", name="  two")
    assert remarks(rules=f"{pause}\n{resume}") == [
        "rules.one: These rules wake each other for ever: one → two → one.",
    ]


def test_setting_a_fixed_value_settles():
    assert remarks(rules=rule(CHANGED, "{type: set, values: {amount: 5}}")) == []


def test_two_rules_that_set_different_values_do_not_settle():
    first = rule(CHANGED, "{type: set, values: {amount: 5}}")
    second = rule(CHANGED, "{type: set, values: {amount: 6}}", name="  two")
    assert "rules.one: These rules wake each other for ever: one → one." in remarks(rules=f"{first}\n{second}")


def test_a_rule_that_is_switched_off_wakes_nothing():
    off = rule(CHANGED, "{type: set, values: {amount: record.amount + 1}}").removesuffix("}") + ", enabled: false}"
    assert remarks(rules=off) == []


def test_the_place_of_a_mistake_in_an_expression_is_inside_it():
    text = app(transition="when: \"record.name == 'it''s' and record.nam == 1\"")
    _, _, findings = examine(text, REGISTRY)
    line = text.splitlines()[findings[0].line - 1]
    assert line[findings[0].column - 1 :].startswith("nam ==")
    quoted = app(transition="when: 'record.name == ''x'' and record.nam == 1'")
    _, _, findings = examine(quoted, REGISTRY)
    assert quoted.splitlines()[findings[0].line - 1][findings[0].column - 1 :].startswith("nam ==")


def test_missing_translations_are_warned_of():
    text = app(state="help: {en: Wait}").replace("languages: [en]", "languages: [en, zh]")
    loaded = load_text(text, REGISTRY)
    assert [str(one) for one in loaded.findings] == [
        f"definition.yaml:20:35: warning: {STATES}.open.help: The text in 'zh' is missing."
    ]


def test_what_is_left_unsaid_is_filled_in():
    form = load_text(app(), REGISTRY).definition.forms["project"]
    assert form.title == "record.name"
    assert [section.fields for section in form.sections] == [("name",)]
    assert form.views["all"].columns == ("name",)
    definition = load_text(app(), REGISTRY).definition
    assert definition.menu[0].items == ("ticket", "project")
    assert len(definition.hash) == 16


def test_the_lines_of_a_form_know_their_parent():
    text = app(fields="steps: {type: lines, form: step}", rules="  step: {label: Step, fields: {n: {type: integer}}}")
    form = load_text(text, REGISTRY).definition.forms["step"]
    assert (form.parent_form, form.parent_field) == ("ticket", "steps")
