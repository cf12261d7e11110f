"""The scenarios of both applications pass; and each of them fails as soon as the definition no longer does what it
shows. A scenario without a mutation that kills it is worthless, so one fails here."""

from pathlib import Path

import pytest
from deep import some
from story_world import registry

from engine.load import load_file, load_text
from engine.scenarios.running import run_scenarios

ROOT = Path(__file__).parents[2]
FILES = {"order_hub": ROOT / "apps" / "order_hub.yaml", "maintenance": ROOT / "tests" / "apps" / "maintenance.yaml"}
# application → scenario → (what stands there, what takes its place)
MUTATIONS = {
    "order_hub": {
        "over_limit_is_frozen": [
            ("trigger: {type: created, form: order}\n    when: \"record.state == 'pending' and",
             "trigger: {type: created, form: order}\n    enabled: false\n    when: \"record.state == 'pending' and"),
            ("credit_limit * 3", "credit_limit * 4"),
            ("to: [finance, record.sales_person], message: {zh: \"订单 {{ record.number }} 已冻结",
             "to: [record.sales_person], message: {zh: \"订单 {{ record.number }} 已冻结"),
        ],
        "at_the_limit_goes_on": [("credit_limit * 3", "credit_limit * 2")],
        "voucher_then_approval": [
            ("trigger: {type: changed, form: order}", "trigger: {type: updated, form: order, field: voucher}"),
            ("and record.contract_file\"", "and record.contract_file and record.amount > 1000\""),
            ("to: [workshop]\n        subject", "to: [planner]\n        subject"),
        ],
        "approval_then_voucher": [
            ("trigger: {type: changed, form: order}", "trigger: {type: updated, form: order, field: finance_approved}"),
        ],
        "one_alone_is_not_enough": [
            ("and record.voucher and record.finance_approved", "and record.finance_approved"),
            (", finance_approved: {update: false}}", "}"),
        ],
        "deposit_before_paid": [
            ("record.received >= record.amount * 0.3 or", "record.received >= 0 or True or"),
            ("record.amount * 0.3 or", "record.amount * 0.5 or"),
            ("to: [record.order.sales_person], message: {zh: \"订单 {{ record.order.number }} 到账",
             "to: [finance], message: {zh: \"订单 {{ record.order.number }} 到账"),
        ],
        "quality_gate": [
            ("and record.shipped_quantity > 0", ""),
            ("record.inspection_result in ('passed', 'concession') and", ""),
            ("roles: [quality]\n          ask: [inspection_result", "roles: [quality, workshop]\n          ask: [inspection_result"),
            ("in ('passed', 'concession')", "in ('passed', 'passed')"),
        ],
        "enough_is_produced": [("when: \"record.produced >= record.quantity\"", "when: \"record.produced > 0\"")],
        "freeze_and_release": [
            ("to: frozen, roles: [finance, manager], reason: required", "to: frozen, roles: [finance, manager, sales], reason: required"),
            ("to: frozen, roles: [finance, manager], reason: required", "to: frozen, roles: [finance, manager], reason: optional"),
            ("from: [frozen], to: previous, roles: [finance, manager]", "from: [frozen], to: previous, roles: [finance, manager, sales]"),
            ("from: [frozen], to: previous, roles: [finance, manager]", "from: [frozen], to: pending, roles: [finance, manager]"),
        ],
        "moved_due_date_is_told": [
            ("type: updated, form: order, field: due_on", "type: updated, form: order, field: note"),
            ("to: [planner, record.sales_person]", "to: [planner, workshop, record.sales_person]"),
        ],
        "nothing_after_the_end": [("when: \"record.order.state in ('signed', 'cancelled')\"", "when: \"record.order.state == 'cancelled'\"")],
        "orders_of_others": [
            ("read: \"record.sales_person == user\"\n        update: \"record.sales_person == user and",
             "read: true\n        update: \""),
            ("        export: true\n        import: true\n        fields: {cost",
             "        export: true\n        delete: \"record.state == 'cancelled'\"\n        fields: {cost"),
        ],
        "cost_is_not_for_sales": [
            ("fields: {cost: {read: false}, produced", "fields: {produced"),
            ("sales: {fields: {cost: {read: false}}}", "sales: {}"),
            ("sales: {read: true, fields: {cost: {read: false}}}", "sales: {read: true}"),
            ("value: \"record.amount - (record.received or 0)\"}", "value: \"record.amount - record.cost + record.cost * 2 - record.amount\"}"),
        ],
        "money_is_not_for_the_workshop": [
            ("workshop: {read: true, fields: {amount: {read: false}, cost: {read: false}", "workshop: {read: true, fields: {cost: {read: false}"),
            ("workshop: {fields: {price: {read: false}, amount", "workshop: {fields: {amount"),
            ("workshop: {read: true, fields: {price: {read: false}, cost: {read: false}}}", "workshop: {read: true}"),
            ("title: record.number\n    fields:\n      number: {type: series, pattern: \"SO", "title: \"record.number + ' ' + text(record.amount)\"\n    fields:\n      number: {type: series, pattern: \"SO"),
            ("workshop: {read: true, fields: {amount", "workshop: {read: true, export: true, fields: {amount"),
        ],
    },
    "maintenance": {
        "a_stopping_fault": [
            ("values: {running: \"False\"}", "values: {running: \"True\"}"),
            ("to: [chief], message: {zh: \"{{ record.equipment.name }} 停机", "to: [operator], message: {zh: \"{{ record.equipment.name }} 停机"),
            ("visible_when: record.stopped, required_when: record.stopped}", "visible_when: record.stopped}"),
            ("when: \"record.severity == 'low' or record.downtime is not None\"", "when: \"record.finding is not None\""),
        ],
        "repaired": [
            ("values: {running: \"True\"}", "values: {running: \"False\"}"),
            ("- {type: set, values: {severity: \"'high'\"}}", "- {type: set, values: {severity: \"'low'\"}}"),
        ],
        "a_round": [
            ("when: \"all(line.result is not None for line in record.points)\"", "when: \"len(record.points) > 0\""),
            ("required_when: \"record.result == 'bad'\"", "required_when: \"record.result == 'good'\""),
            ("to: [chief], message: {zh: \"点检发现", "to: [technician], message: {zh: \"点检发现"),
        ],
        "prices_are_for_the_chief": [
            ("operator: {read: true, fields: {price: {read: false}}}", "operator: {read: true}"),
            ("fields: {parts_cost: {read: false}, technician", "fields: {technician"),
            ("operator: {fields: {cost: {read: false}}}", "operator: {}"),
            ("technician: {read: true, fields: {price: {read: false}}}\n      storekeeper: {create", "technician: {read: true}\n      storekeeper: {create"),
            ("technician: {read: true, fields: {price: {read: false}}}\n      storekeeper: {create",
             "technician: {read: true, update: true, fields: {price: {read: false}}}\n      storekeeper: {create"),
        ],
    },
}  # fmt: skip
CASES = [
    (app, scenario, *change)
    for app, scenarios in MUTATIONS.items()
    for scenario, changes in scenarios.items()
    for change in changes
]


@pytest.mark.parametrize("app", FILES)
def test_all_scenarios_pass(app):
    results = run_scenarios(load_file(FILES[app], registry()), registry())
    assert [(result.scenario, result.failures) for result in results if not result.passed] == []


@pytest.mark.parametrize("app", FILES)
def test_every_scenario_has_a_mutation(app):
    assert set(MUTATIONS[app]) == set(load_file(FILES[app], registry()).definition.scenarios)


@pytest.mark.parametrize(
    ("app", "scenario", "before", "after"),
    [pytest.param(*one, id=f"{one[1]}-{CASES.index(one)}") for one in some(CASES, 14)],
)
def test_a_scenario_fails_when_what_it_shows_is_gone(app, scenario, before, after):
    text = FILES[app].read_text(encoding="utf-8")
    assert text.count(before) >= 1, before
    loaded = load_text(text.replace(before, after, 1), registry())
    (result,) = run_scenarios(loaded, registry(), names=[scenario])
    assert not result.passed
