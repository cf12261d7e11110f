"""Long work of a plugin: begun by a person, watched and cancelled, begun anew when its process dies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from making import Made, MakeApp

from engine import longwork
from engine.api import Application, Refused, Word, message, system_actor
from engine.builtin import default_registry
from engine.errors import Missing
from engine.jobs import claiming, sweeping
from engine.jobs.desk import Desk

SHOP = """
    app: shop
    label: Shop
    languages: [en]
    timezone: UTC
    roles: {clerk: {label: Clerk}}
    forms:
      ticket:
        label: Ticket
        fields: {name: {type: text, required: true}}
        permissions: {clerk: {create: true, read: true}}
"""
SOMEBODY = system_actor("somebody")


def counted(app: Application, params: Mapping[str, Any], word: Word) -> Mapping[str, Any]:
    """Counts up to a number; somebody may have wanted it to end before it reaches it."""
    if params["to"] < 0:
        raise Refused(message("Counting goes up."))
    if params["to"] == 0:
        raise ZeroDivisionError
    for one in range(params["to"]):
        word._said_at = 0  # every word is said
        word.progress(one + 1, params["to"])
        word.found({"now": one + 1})
        if params.get("cancelled_at") == one:
            longwork.cancel(app, word.id, "count")
            word._said_at = 0
        if word.cancelled():
            return {"now": one + 1}
    return {"counted": params["to"]}


@pytest.fixture
def made(make_app: MakeApp) -> Made:
    registry = default_registry()
    registry.work("count", counted)
    return make_app(SHOP, registry=registry)


def began(made: Made, **params: Any) -> int:
    return longwork.begin(made.application, SOMEBODY, "count", params)


def test_it_is_done_by_whoever_delivers_and_says_how_far_it_is(made: Made) -> None:
    id = began(made, to=3)
    waiting = longwork.look(made.application, id, "count")
    assert (waiting.state, waiting.over) == ("waiting", False)
    made.deliver()
    done = longwork.look(made.application, id, "count")
    assert (done.state, done.progress, done.total, done.result) == ("done", 3, 3, {"counted": 3})
    assert done.over


def test_cancelled_it_keeps_what_it_found(made: Made) -> None:
    id = began(made, to=9, cancelled_at=1)
    made.deliver()
    ended = longwork.look(made.application, id, "count")
    assert (ended.state, ended.result, ended.progress) == ("cancelled", {"now": 2}, 2)
    assert not longwork.cancel(made.application, id, "count")  # it is over


def test_cancelled_before_it_begins_it_does_nothing(made: Made) -> None:
    id = began(made, to=3)
    assert longwork.cancel(made.application, id, "count")
    made.deliver()
    ended = longwork.look(made.application, id, "count")
    assert (ended.state, ended.progress) == ("cancelled", 0)


def test_a_refusal_is_said_and_what_breaks_is_not_tried_again(made: Made) -> None:
    refused, broken = began(made, to=-1), began(made, to=0)
    assert [outcome.state for outcome in made.deliver()] == ["done", "dead"]
    said = [longwork.look(made.application, id, "count").error for id in (refused, broken)]
    assert said == ["Counting goes up.", "ZeroDivisionError"]


def test_it_begins_anew_when_its_process_dies(made: Made) -> None:
    id, app = began(made, to=2), made.application
    with app.database.write() as conn:
        taken = claiming.claim(app, conn, claiming.waiting(app, conn, 1), Desk())
    assert isinstance(taken, claiming.Claimed)
    longwork._note(app, id, state="working", progress=1, result={"now": 1})
    made.clock.advance(hours=1)
    sweeping.sweep(app, Desk())
    made.deliver()
    assert longwork.look(app, id, "count").result == {"counted": 2}


def test_of_another_kind_there_is_nothing(made: Made) -> None:
    id = began(made, to=1)
    with pytest.raises(Missing):
        longwork.look(made.application, id, "sum")
    with pytest.raises(ValueError, match="sum"):
        longwork.begin(made.application, SOMEBODY, "sum", {})
