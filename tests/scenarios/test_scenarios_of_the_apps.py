"""The scenarios of both applications pass; and each of them fails as soon as the definition no longer does what it
shows. A scenario without a mutation that kills it is worthless, so one fails here."""

from pathlib import Path

import pytest
import servers
from deep import some
from reading import loaded
from story_world import registry

from engine.load import load_text
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
        "what_jobs_lack_is_asked_for": [
            ("trigger: {type: created, form: requirement}\n    actions: [{type: request_material",
             "trigger: {type: created, form: requirement}\n    enabled: false\n    actions: [{type: request_material"),
            ("to: [buyer], message: {zh: \"物料计划", "to: [planner], message: {zh: \"物料计划"),
        ],
        "requests_are_ordered_at_once": [
            ("trigger: {type: created, form: purchase}\n    when: \"record.request is not None",
             "trigger: {type: created, form: purchase}\n    enabled: false\n    when: \"record.request is not None"),
        ],
        "standard_times_follow_reports": [
            ("trigger: {type: schedule, at: [\"02:30\"], weekdays: [sun]}",
             "trigger: {type: schedule, at: [\"02:30\"], weekdays: [sun]}\n    enabled: false"),
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
            ("fields: {cost: {read: false}, spent: {read: false}, bought", "fields: {spent: {read: false}, bought"),
            ("sales: {fields: {cost: {read: false}}}", "sales: {}"),
            ("sales: {read: true, fields: {cost: {read: false}, stock", "sales: {read: true, fields: {stock"),
            ("value: \"record.amount - (record.received or 0)\"}", "value: \"record.amount - record.cost + record.cost * 2 - record.amount\"}"),
        ],
        "money_is_not_for_the_workshop": [
            ("workshop: {read: true, fields: {amount: {read: false}, cost: {read: false}", "workshop: {read: true, fields: {cost: {read: false}"),
            ("workshop: {fields: {price: {read: false}, amount", "workshop: {fields: {amount"),
            ("workshop: {read: true, fields: {price: {read: false}, cost: {read: false}, stock_value: {read: false}}}", "workshop: {read: true}"),
            ("title: record.number\n    fields:\n      number: {type: series, pattern: \"SO", "title: \"record.number + ' ' + text(record.amount)\"\n    fields:\n      number: {type: series, pattern: \"SO"),
            ("workshop: {read: true, fields: {amount", "workshop: {read: true, export: true, fields: {amount"),
        ],
        "from_order_to_signature": [
            ("(1 + coalesce(line.scrap, 0) / 100)", "(1 - coalesce(line.scrap, 0) / 100)"),
            ("values: {signed_on: today()}", "values: {signed_on: 'date_add(today(), 11)'}"),
            ("{order: record.id, amount: record.amount - record.invoiced}", "{order: record.id, amount: record.amount + 1}"),
        ],
        "tower_knows_owner_time_and_forecast": [
            ("aside: true, pauses: true, colour: red", "aside: true, colour: red"),
            ("owner: buyer, within: 3wd", "owner: buyer, within: 9wd"),
        ],
        "overdue_is_frozen_until_paid": [
            ("if record.overdue > 0 else", "if record.overdue > 1000 else"),
            ("when: not record.customer.risk", "when: record.customer.risk"),
            ("record.invoice.open == 0 and", "record.invoice.open >= 0 and"),
        ],
        "frozen_by_hand_stays": [("and record.state == 'frozen' and record.credit_frozen", "and record.state == 'frozen'")],
        "last_material_releases": [
            ("sort: [due_on]\n        limit", "sort: [-due_on]\n        limit"),
            ("and record.order.short == 0 and", "and"),
            ("min(record.missing, record.product.free)", "record.missing"),
        ],
        "stock_is_a_ledger": [
            ("when: record.stock.on_hand < 0", "when: record.stock.on_hand < -1"),
            ("    trigger: {type: updated, form: movement}", "    enabled: false\n    trigger: {type: updated, form: movement}"),
            ("    trigger: {type: deleted, form: movement}", "    enabled: false\n    trigger: {type: deleted, form: movement}"),
            ("quantity: record.difference, note", "quantity: -record.difference, note"),
            ("from: [counted], to: booked, roles: [finance,", "from: [counted], to: booked, roles: [warehouse, finance,"),
        ],
        "reports_and_inspection": [
            ("required_when: record.scrap > 0", "required_when: record.scrap > 9"),
            ("to: approved, roles: [workshop]", "to: approved, roles: [workshop, operator]"),
            ("'final' and record.order.state == 'inspected'", "'final' and record.order.state == 'producing'"),
            ("record.run * 100 / record.available", "record.run * 100 / (record.available + 60)"),
        ],
        "shipments_are_reconciled": [
            ("value: record.recorded + record.moved", "value: record.recorded + record.moved * 0"),
            ("match: {order: record.parent.order, product", "match: {order: record.parent.order, day: today(), product"),
            ('schedule, at: ["20:00"]}', 'schedule, at: ["08:00"]}'),
        ],
        "from_request_to_receipt": [
            ("{type: take, transition: order_it, of: request}", "{type: branch, when: record.price > 99, then: [{type: take, transition: order_it, of: request}]}"),
            ("and record.state == 'answered'\"\n        actions: [{type: take, transition: lose}]",
             "and record.state == 'asked'\"\n        actions: [{type: take, transition: lose}]"),
        ],
        "purchase_arrives": [
            ("when: record.days_late > 0\n", "when: record.days_late > 2\n"),
            ("record.purchase.outstanding == 0", "record.purchase.outstanding >= 0"),
        ],
        "supplier_confirms_on_the_portal": [
            ("vendor: {read: record.supplier == user.stands_for,", "vendor: {read: true,"),
            ("from: [answered], to: chosen, roles: [buyer]", "from: [answered], to: chosen, roles: [buyer, vendor]"),
            ("sum(line.quantity for line in record.deliveries) == record.confirmed_quantity", "True"),
            ("when: record.confirmed_quantity < record.quantity", "when: record.confirmed_quantity > record.quantity"),
        ],
        "dear_purchases_are_approved": [
            ("when: \"record.amount <= max(100000, coalesce(record.approved_amount, 0))\"", "when: \"record.amount > 0\""),
            ("{type: set, values: {approved_amount: record.amount}}", "{type: set, values: {approved_amount: record.price}}"),
        ],
        "customer_signs_on_the_portal": [
            ("client: {read: record.customer == user.stands_for, fields: {customer_level", "client: {read: true, fields: {customer_level"),
            ("to: signed, roles: [service, client]", "to: signed, roles: [service]"),
            ("client: {read: record.customer == user.stands_for, fields: {customer_level", "client: {read: record.customer == user.stands_for, update: true, fields: {customer_level"),
            ("when: record.customer.email", "when: not record.customer.email"),
        ],
        "receivables_fall_due": [
            ("form: invoice, field: due_on, after: 1d", "form: invoice, field: due_on, after: 9d"),
            ("via: customer, fold: sum, when: \"record.state == 'overdue'\"", "via: customer, fold: sum, when: \"record.state == 'open'\""),
        ],
        "changes_follow_the_matrix": [
            ("when: not record.policy.allowed", "when: record.policy.allowed == False"),
            ("to: [planner], when: \"record.policy.approver == 'planner'\"", "to: [finance], when: \"record.policy.approver == 'planner'\""),
            ("when: \"results.approval.answer == 'approved' and text(", "when: \"results.approval.answer != 'withdrawn' and text("),
            ("record.order.amount * record.policy.surcharge / 100", "record.order.amount"),
            ("{type: update, form: job, where: record.order == source, values: {due_on: source.due_on}}",
             "{type: update, form: job, where: record.order == source, values: {due_on: today()}}"),
        ],
        "exceptions_are_collected": [
            ("{order: record.order, kind: \"'complaint'\"}", "{order: record.order, kind: \"'complaint'\", found_on: date_add(today(), 40)}"),
            ("type: create, form: exception, once: [order, kind], values: {order: record.id, kind: \"'loop'\"}",
             "type: create, form: exception, once: [order, kind], values: {order: record.id, kind: \"'margin'\"}"),
            ("record.found_on) % 14", "record.found_on) % 7"),
        ],
        "months_tell_the_effect": [("default: 14.6", "default: 15.6"), ("if record.signed_on <= record.due_on else 0", "if True else 0")],
        "channel_order_becomes_an_order": [
            ("when: record.pool_order.holding >= record.pool_order.pieces", "when: record.pool_order.holding > 999"),
            ("    unique: [[source, number]]\n", ""),
            ("held: {type: decimal, label: {zh: 占用, en: Held}, scale: 0, min: 0, readonly: true, default_expression: record.quantity}",
             "held: {type: decimal, label: {zh: 占用, en: Held}, scale: 0, min: 0, readonly: true, default: 1}"),
        ],
        "shipped_channel_orders_are_told": [
            ("values: {held: \"max(0, record.held + source.quantity)\"}", "values: {held: record.held}"),
            ("record.order.state == 'inspected' and record.order.shipped_quantity >=", "record.order.state == 'paid' and record.order.shipped_quantity >="),
        ],
        "unknown_skus_wait_in_a_queue": [
            ("when: record.unknown > 0 or record.amount is None", "when: record.amount is None"),
            ("(record.currency == source.currency or record.currency == None)", "record.currency == None"),
        ],
        "duplicates_are_decided_by_a_person": [
            ("when: record.group.count > 1 and not record.not_the_same", "when: record.group.count > 9"),
            ("same_address(record.region, record.place, record.street)", "concat(record.province, record.street)"),
        ],
        "what_the_channel_cancels": [
            ("then: [{type: take, transition: cancel_stock, of: order", "then: [{type: take, transition: change, of: order"),
            ("- {type: notify, to: [planner, workshop, record.channel.sales_person], message: {zh: \"{{ record.display }} 渠道已取消",
             "- {type: notify, to: [planner], message: {zh: \"{{ record.display }} 渠道已取消"),
        ],
        "warehouses_are_chosen_by_rules": [
            ("else 'nearest' if is_remote(record.region) else 'usual'", "else 'usual'"),
            ("record.amount >= record.channel.high_value else 'nearest'", "record.amount >= 10000000 else 'nearest'"),
        ],
        "split_or_wait_and_override": [
            ("and record.pool_order.channel.if_apart == 'split'", "and record.pool_order.channel.if_apart == 'wait'"),
            ("else record.warehouse.kind == 'own' if record.pool_order.policy == 'own'", "else record.warehouse.kind == 'own' if record.pool_order.policy == 'usual'"),
        ],
        "the_last_piece_is_sold_once": [
            ("when: any(line.product.free < 0 for line in record.lines)", "when: any(line.product.free < -9 for line in record.lines)"),
        ],
        "listings_pause_and_resume": [
            ("max(0, record.free - coalesce(record.safety_stock, 0))", "max(0, record.free)"),
            ("record.wanted <= 0 and record.state == 'listed'\"", "record.wanted < 0 and record.state == 'listed'\""),
        ],
        "listings_come_back": [("record.wanted > 0 and record.state == 'paused'\"", "record.wanted > 99 and record.state == 'paused'\"")],
        "a_channel_that_refuses_is_an_alarm": [
            ("{type: finished, rule: pause_listing, outcome: failed}", "{type: finished, rule: pause_listing, outcome: done}"),
        ],
        "what_channels_tell_arrives_once": [
            ("match: {source: source, number: item.number}", "match: {source: source, number: \"item.number + item.status\"}"),
            ("      status: item.status\n", ""),
        ],
        "the_erp_is_away": [
            ("now()) > 0.25 else", "now()) > 99 else"),
            ("if record.product.erp_on_hand >= record.quantity else 'short'\", erp_seen", "if True else 'short'\", erp_seen"),
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
    results = run_scenarios(loaded(FILES[app], registry()), registry())
    assert [(result.scenario, result.failures) for result in results if not result.passed] == []


def test_they_pass_on_postgresql_too():
    """All but those that try every door, which ask no more of the database than the others."""
    hub = loaded(FILES["order_hub"], registry())
    names = [
        name for name, one in hub.definition.scenarios.items() if not any(each.never_reads for each in one.then)
    ]
    with servers.postgresql_database() as url:
        results = run_scenarios(hub, registry(), names=some(names, 6), url=url)
    assert [(result.scenario, result.failures) for result in results if not result.passed] == []


@pytest.mark.parametrize("app", FILES)
def test_every_scenario_has_a_mutation(app):
    assert set(MUTATIONS[app]) == set(loaded(FILES[app], registry()).definition.scenarios)


@pytest.mark.parametrize(
    ("app", "scenario", "before", "after"),
    [pytest.param(*one, id=f"{one[1]}-{CASES.index(one)}") for one in some(CASES, 7)],
)
def test_a_scenario_fails_when_what_it_shows_is_gone(app, scenario, before, after):
    text = FILES[app].read_text(encoding="utf-8")
    assert text.count(before) >= 1, before
    changed = load_text(text.replace(before, after, 1), registry())
    (result,) = run_scenarios(changed, registry(), names=[scenario])
    assert not result.passed
