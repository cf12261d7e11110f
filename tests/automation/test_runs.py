"""Rules that do something at once and something later: what is kept, and how it is taken up."""

from __future__ import annotations

import datetime as dt
from textwrap import dedent
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp

from engine import going_on
from engine.builtin import default_registry
from engine.errors import DefinitionError
from engine.load import examine

SHOP = """
    app: shop
    label: Shop
    languages: [en]
    timezone: UTC
    roles: {clerk: {label: Clerk}}
    forms:
      ticket:
        label: Ticket
        fields:
          name: {type: text, required: true}
          urgent: {type: boolean}
          note: {type: text}
          due_on: {type: date}
          part_of: {type: link, form: ticket}
        permissions: {clerk: {create: true, read: true, update: true}}
"""


def rows(made: Made, name: str) -> list[dict[str, Any]]:
    table = made.application.tables.system[name]
    with made.application.database.read() as conn:
        return [dict(row) for row in conn.execute(sa.select(table).order_by(table.c.id)).mappings()]


def go_on(made: Made) -> int:
    """Take up every run that is due, as delivery does."""
    app, taken = made.application, 0
    table = app.tables.message
    while True:
        with app.database.write() as conn:
            due = sa.select(table).where(
                table.c.state.in_(("waiting", "parked")), table.c.due_at <= made.clock(), table.c.kind == "go_on"
            )
            row = conn.execute(due.order_by(table.c.id).limit(1)).mappings().first()
            if row is None:
                return taken
            conn.execute(sa.update(table).where(table.c.id == row["id"]).values(state="done", done_at=made.clock()))
            going_on.go_on(app, conn, row["run_id"], row["step"], paused=bool(row["effect"].get("paused")))
            taken += 1


def test_a_branch_goes_one_way(make_app: MakeApp) -> None:
    made = make_app(SHOP, rules="""
      sort_out:
        trigger: {type: created, form: ticket}
        actions:
          - type: branch
            when: record.urgent
            then: [{type: set, values: {note: "'at once'"}}]
            otherwise: [{type: set, values: {note: "'later'"}}]
    """)  # fmt: skip
    calm, hot = made.create("ticket", name="A"), made.create("ticket", name="B", urgent=True)
    assert (made.get("ticket", calm)["note"], made.get("ticket", hot)["note"]) == ("later", "at once")
    assert [(run["state"], run["record_id"]) for run in rows(made, "run")] == [("done", calm.id), ("done", hot.id)]


def test_after_a_wait_the_rest_is_done(make_app: MakeApp) -> None:
    made = make_app(SHOP, rules="""
      remind:
        trigger: {type: created, form: ticket}
        actions:
          - {type: set, values: {note: "'new'"}}
          - {type: wait, for: 2h}
          - {type: set, values: {note: "record.note + ', two hours old'"}}
    """)  # fmt: skip
    ticket = made.create("ticket", name="A")
    assert made.get("ticket", ticket)["note"] == "new"
    assert (go_on(made), rows(made, "run")[0]["state"]) == (0, "working")
    made.clock.advance(hours=2)
    assert go_on(made) == 1
    assert made.get("ticket", ticket)["note"] == "new, two hours old"
    assert rows(made, "run")[0]["state"] == "done"
    last = made.events("ticket", ticket)[-1]
    assert (last.rule, last.run_id) == ("remind", rows(made, "run")[0]["id"])


@pytest.mark.parametrize(
    ("mode", "states"),
    [("parallel", ["working", "working"]), ("single", ["working", "skipped"]), ("restart", ["cancelled", "working"]),
     ("queued", ["working", "queued"])],
)  # fmt: skip
def test_the_mode_says_what_a_second_run_does(make_app: MakeApp, mode: str, states: list[str]) -> None:
    made = make_app(SHOP, rules=f"""
      follow:
        trigger: {{type: updated, form: ticket, field: name}}
        mode: {mode}
        actions: [{{type: wait, for: 1h}}, {{type: set, values: {{note: "(record.note or '') + 'x'"}}}}]
    """)  # fmt: skip
    ticket = made.create("ticket", name="A")
    for name in ("B", "C"):
        made.update("ticket", ticket, name=name)
    assert [run["state"] for run in rows(made, "run")] == states
    for _ in range(3):
        made.clock.advance(hours=1)
        go_on(made)
    assert {run["state"] for run in rows(made, "run")} <= {"done", "skipped", "cancelled"}
    ran = sum(run["state"] == "done" for run in rows(made, "run"))
    assert made.get("ticket", ticket)["note"] == "x" * ran


def test_a_rule_in_the_shadow_decides_and_does_nothing(make_app: MakeApp) -> None:
    made = make_app(SHOP, rules="""
      mark:
        trigger: {type: created, form: ticket}
        shadow: true
        actions: [{type: set, values: {note: "'touched'"}}]
    """)  # fmt: skip
    ticket = made.create("ticket", name="A")
    assert made.get("ticket", ticket)["note"] is None
    run = rows(made, "run")[0]
    assert (run["state"], run["trace"]["effects"]) == (
        "shadow", [{"set": "ticket", "id": ticket.id, "values": {"note": "touched"}}]
    )  # fmt: skip


def test_for_each_is_left_to_be_done_in_batches(make_app: MakeApp) -> None:
    made = make_app(SHOP, rules="""
      spread:
        trigger: {type: updated, form: ticket, field: urgent}
        actions:
          - type: for_each
            form: ticket
            where: record.part_of == source
            actions: [{type: set, values: {note: "'because of ' + source.name"}}]
          - {type: set, values: {note: "'told'"}}
    """)  # fmt: skip
    whole = made.create("ticket", name="Whole")
    parts = [made.create("ticket", name=f"P{n}", part_of=whole.id) for n in range(3)]
    made.update("ticket", whole, urgent=True)
    message, app = rows(made, "message")[0], made.application
    assert (message["kind"], message["effect"]) == (
        "for_each", {"form": "ticket", "where": "record.part_of == source", "batch": 50}
    )  # fmt: skip
    with app.database.write() as conn:
        run = going_on.load_run(app, conn, message["run_id"])
        assert run is not None
        for part in parts:
            going_on.run_for_record(app, conn, run, message["step"], "ticket", part.id)
    assert [made.get("ticket", part)["note"] for part in parts] == ["because of Whole"] * 3
    children = [run for run in rows(made, "run") if run["parent_id"]]
    assert [(child["record_id"], child["state"]) for child in children] == [(part.id, "done") for part in parts]


def test_a_changed_rule_leaves_what_is_under_way_as_it_began(make_app: MakeApp) -> None:
    rule = """
      remind:
        trigger: {type: created, form: ticket}
        actions: [{type: wait, for: 1h}, {type: set, values: {note: "'%s'"}}]
    """
    made = make_app(SHOP, rules=rule % "old words")
    ticket = made.create("ticket", name="A")
    made.redefine(SHOP, rules=rule % "new words")
    made.clock.advance(hours=1)
    assert go_on(made) == 1
    assert made.get("ticket", ticket)["note"] == "old words"


def test_steps_inside_others_are_checked_where_they_stand(make_app: MakeApp) -> None:
    with pytest.raises(DefinitionError) as refused:
        make_app(SHOP, rules="""
          spread:
            trigger: {type: created, form: ticket}
            actions:
              - type: branch
                when: record.urgnt
                then: [{type: set, values: {nte: "1"}}]
        """)  # fmt: skip
    said = [str(finding) for finding in refused.value.findings if finding.severity == "error"]
    assert len(said) == 2
    assert "did you mean urgent?" in said[0]
    assert "did you mean 'note'?" in said[1]


def test_time_is_the_clock_of_the_application(make_app: MakeApp) -> None:
    made = make_app(SHOP, rules="""
      remind:
        trigger: {type: created, form: ticket}
        actions: [{type: wait, until: "record.due_on - days(1)"}, {type: set, values: {note: "'tomorrow'"}}]
    """)  # fmt: skip
    made.create("ticket", name="A", due_on="2026-12-24")
    assert rows(made, "message")[0]["due_at"] == dt.datetime(2026, 12, 23, tzinfo=dt.UTC)


@pytest.mark.parametrize(("when", "ring"), [("record.state == 'open'", False), ("record.urgent", True)])
def test_a_rule_that_leaves_the_state_it_asks_for_does_not_wake_itself(
    make_app: MakeApp, when: str, ring: bool
) -> None:
    text = SHOP.replace(
        "permissions: {clerk: {create: true, read: true, update: true}}",
        """workflow:
          initial: open
          states: {open: {label: Open}, shut: {label: Shut, final: true}}
          transitions: {shut: {label: Shut, from: [open], to: shut}}
        permissions: {clerk: {create: true, read: true, update: true}}""",
    )
    rule = f"""
rules:
  close:
    trigger: {{type: changed, form: ticket}}
    when: "{when}"
    actions: [{{type: take, transition: shut}}]
    """
    _definition, _source, findings = examine(dedent(text) + rule, default_registry(), "a.yaml")
    assert any("waking each other" in str(finding) for finding in findings) is ring
