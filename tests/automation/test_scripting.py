"""Scripts of rules: they read with the rights of whoever caused them, and write everything or nothing."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp

from engine.errors import DefinitionError

SHOP = """
    app: shop
    label: Shop
    languages: [en]
    roles: {clerk: {label: Clerk}, chief: {label: Chief}}
    forms:
      ticket:
        label: Ticket
        title: record.name
        fields:
          name: {type: text, required: true}
          cost: {type: decimal}
          secret: {type: text}
          note: {type: text}
          part_of: {type: link, form: ticket}
        permissions:
          clerk: {create: true, read: true, update: true, fields: {secret: {read: false}}}
          chief: {create: true, read: true, update: true}
"""


def rule(script: str, more: str = "") -> str:
    lines = "\n".join(f"              {line}" for line in script.strip("\n").splitlines())
    return f"""
      think:
        trigger: {{type: created, form: ticket}}
        actions:
          - type: script
            as: found
            source: |
{lines}
{more}
    """


def run_of(made: Made) -> dict[str, Any]:
    table = made.application.tables.run
    with made.application.database.read() as conn:
        return dict(conn.execute(sa.select(table).order_by(table.c.id)).mappings().first() or {})


def error_of(made: Made) -> str:
    table = made.application.tables.message
    with made.application.database.read() as conn:
        return str(conn.scalar(sa.select(table.c.error).where(table.c.kind == "script")))


def test_what_a_script_returns_is_read_by_the_steps_after_it(make_app: MakeApp) -> None:
    made = make_app(
        SHOP, people={"ann": "clerk"},
        rules=rule("return record.cost * 2", "          - {type: set, values: {note: \"'twice: ' + results.found.value\"}}"),
    )  # fmt: skip
    ticket = made.create("ticket", name="A", cost="1.5", as_="ann")
    made.deliver()
    made.deliver()
    assert made.get("ticket", ticket)["note"] == "twice: 3.00"
    assert run_of(made)["state"] == "done"


def test_what_it_writes_is_written_together(make_app: MakeApp) -> None:
    made = make_app(SHOP, people={"ann": "clerk"}, rules=rule("""
        if record.part_of == None:
            for n in [1, 2]:
                create("ticket", {"name": f"part {n}", "part_of": record.id})
            update("ticket", record.id, {"note": "has parts"})
    """))  # fmt: skip
    ticket = made.create("ticket", name="A", as_="ann")
    made.deliver()
    assert (made.count("ticket"), made.get("ticket", ticket)["note"]) == (3, "has parts")
    last = made.events("ticket", ticket)[-1]
    assert (last.rule, last.actor_id, last.run_id) == ("think", made.id_of("ann"), run_of(made)["id"])


def test_one_write_that_is_refused_leaves_none_of_them(make_app: MakeApp) -> None:
    made = make_app(SHOP, people={"ann": "clerk"}, rules=rule("""
        update("ticket", record.id, {"note": "first"})
        update("ticket", record.id, {"secret": "not mine"})
    """))  # fmt: skip
    ticket = made.create("ticket", name="A", as_="ann")
    made.deliver()
    assert made.get("ticket", ticket)["note"] is None
    assert run_of(made)["state"] == "failed"


def test_it_sees_what_its_caller_sees(make_app: MakeApp) -> None:
    look = rule("""
        other = find("ticket", {"name": "hidden"})
        update("ticket", record.id, {"note": "saw " + (other[0].secret if "secret" in other[0] else "nothing")})
    """)
    made = make_app(SHOP, people={"ann": "clerk", "bob": "chief"}, rules=look)
    made.create("ticket", name="hidden", secret="gold", as_="bob")
    mine, his = made.create("ticket", name="A", as_="ann"), made.create("ticket", name="B", as_="bob")
    made.deliver()
    assert (made.get("ticket", mine)["note"], made.get("ticket", his)["note"]) == ("saw nothing", "saw gold")


def test_one_that_never_ends_is_ended(make_app: MakeApp) -> None:
    made = make_app(SHOP, rules=rule("while True:\n    pass"))
    made.create("ticket", name="A")
    made.deliver()
    assert run_of(made)["state"] == "failed"
    assert "too" in error_of(made)


def test_mistakes_are_told_when_the_definition_is_read(make_app: MakeApp) -> None:
    with pytest.raises(DefinitionError) as refused:
        make_app(SHOP, rules=rule("x = 1\nimport os\ny = recrd.cost"))
    said = [str(finding) for finding in refused.value.findings if finding.severity == "error"]
    assert any("Line 2" in each for each in said)
