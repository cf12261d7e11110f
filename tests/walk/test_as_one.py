"""Walks that stand or fall together, and read once what several of them look at; on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.errors import Invalid, Stale
from engine.people import system_actor
from engine.together import together

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"
BOOKS = system_actor("books")


@pytest.fixture
def made(make_app: Any) -> Any:
    return make_app(TICKETS)


def names(made: Any) -> list[str]:
    table = made.application.tables.form["project"]
    with made.application.database.read() as conn:
        return list(conn.scalars(sa.select(table.c.name).order_by(table.c.id)))


def test_one_that_is_refused_takes_the_others_with_it_and_nothing_else(made: Any) -> None:
    with together(made.application, BOOKS) as walks:
        walks.save("project", {"name": "Bridge"})
        with pytest.raises(Invalid), walks.as_one():
            walks.save("project", {"name": "Road"})
            walks.save("project", {"name": ""})
        walks.save("project", {"name": "Tunnel"})
    assert names(made) == ["Bridge", "Tunnel"]


def test_each_sees_what_those_before_it_wrote(made: Any) -> None:
    id = made.create("project", name="Bridge", as_="bob").id
    with together(made.application, BOOKS) as walks, walks.as_one({"project": [id]}):
        walks.save("project", {"budget": 5}, id=id, version=1)
        walks.save("project", {"budget": 7}, id=id, version=2)
    assert made.get("project", id)["version"] == 3
    field = made.application.definition.forms["project"].fields["budget"].stable_id
    (_, one), (before, two) = (event.changes[field] for event in made.events("project", id)[1:])
    assert (one, before, two) == ("5.00", "5.00", "7.00")


def test_whoever_was_faster_is_not_written_over(made: Any) -> None:
    id = made.create("project", name="Bridge", as_="bob").id
    table = made.application.tables.form["project"]
    with pytest.raises(Stale), together(made.application, BOOKS) as walks, walks.as_one({"project": [id]}):
        walks.conn.execute(sa.update(table).where(table.c.id == id).values(version=9))
        walks.save("project", {"budget": 5}, id=id)
    assert made.get("project", id)["version"] == 1
