"""Several people publish at the same moment, and people work meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
from making import Made, MakeApp
from shop import PEOPLE, SHOP, TRIPLED, WIDER, history, seen

from engine import answering, service
from engine.application import Application
from engine.errors import Refused, Stale
from engine.load import hash_of
from engine.publishing.preparing import prepare
from engine.publishing.publish import publish
from engine.storage.database import Database


def elsewhere(made: Made) -> Application:
    """The same application in what might be another process: connections and locks of its own."""
    app = made.application
    return replace(app, database=Database(app.database.url.render_as_string(hide_password=False), pool=2))


def test_of_two_one_wins_and_the_other_is_told(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    made.create("ticket", name="A", pieces="4")
    apps, texts, start = [elsewhere(made), elsewhere(made)], [TRIPLED, WIDER], Barrier(2)
    ready = [prepare(app, text) for app, text in zip(apps, texts, strict=True)]
    people = [made.actor("admin"), made.actor("pan")]

    def go(place: int) -> str:
        start.wait()
        try:
            return publish(apps[place], ready[place], by=people[place], reason="Mine").definition.hash
        except Stale as stale:
            return str(stale)

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(go, range(2)))
    won = next(place for place in range(2) if told[place] == hash_of(texts[place]))
    winner = people[won].name
    at = f"{made.clock():%Y-%m-%d %H:%M} UTC"
    assert told[1 - won] == (
        f"{winner} put another definition in force at {at} meanwhile (Mine). Nothing was changed; look at the difference"
        " again."
    )
    assert [each.hash for each in history(made)] == [hash_of(texts[won]), hash_of(SHOP)]
    again = prepare(apps[1 - won], texts[1 - won], base=hash_of(SHOP))
    assert (again.drifted, again.running.hash) == (True, hash_of(texts[won]))
    for app in apps:
        app.database.close()


def test_a_database_that_makes_no_room_is_no_defect(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    mine = seen(made, TRIPLED)
    app = replace(made.application, database=Database(
        made.application.database.url.render_as_string(hide_password=False), busy_seconds=0.05, pool=2
    ))  # fmt: skip
    with made.application.database.write() as conn:
        conn.execute(made.application.tables.form["ticket"].update().values(pieces=1))
        if app.database.dialect == "postgresql":
            conn.exec_driver_sql("LOCK TABLE ticket IN ROW EXCLUSIVE MODE")
        try:
            publish(app, mine, by=made.actor("admin"))
        except Refused as refusal:
            said = str(refusal)
    assert said == "The database is busy with other work and made no room. Nothing was changed; try again later."
    app.database.close()
    assert len(history(made)) == 1


ASKING = (
    SHOP
    + """\
rules:
  may_it:
    trigger: {type: created, form: ticket}
    actions:
      - type: ask
        to: [sales]
        message: May it?
        answers: {yes: {label: Yes}, no: {label: No}}
        as: said
      - {type: set, values: {name: record.name + ' ' + results.said.answer}}
"""
)
OTHERWISE = ASKING.replace("{yes: {label: Yes}, no: {label: No}}", "{agreed: {label: Agreed}, later: {label: Later}}")


@pytest.mark.parametrize("after", [SHOP, OTHERWISE], ids=["the rule is gone", "it has other answers"])
def test_a_question_is_answered_as_it_was_asked(make_app: MakeApp, after: str) -> None:
    made = make_app(ASKING, people=PEOPLE)
    ticket = made.create("ticket", name="A")
    made.deliver()
    question = made.ledger("question")[0]["id"]
    prepared = seen(made, after)
    made.application = publish(made.application, prepared, by=made.actor("admin"))
    answering.answer(made.application, made.actor("li"), question, "yes", None)
    made.deliver()
    assert (made.get("ticket", ticket)["name"], made.ledger("run")[0]["state"]) == ("A yes", "done")


def test_nobody_writes_by_the_former_definition(make_app: MakeApp) -> None:
    """A request keeps the application it began with; it may have waited for the publication."""
    made = make_app(SHOP, people=PEOPLE)
    ticket = made.create("ticket", name="A", pieces="4")
    former = made.application
    made.application = publish(former, seen(made, TRIPLED), by=made.actor("admin"))
    with pytest.raises(Refused) as refusal:
        service.save(former, made.actor("admin"), "ticket", {"pieces": "5"}, id=ticket.id)
    assert str(refusal.value) == "The application was changed just now; nothing was saved. Please save once more."
    made.update("ticket", ticket, pieces="5")
    assert made.get("ticket", ticket)["twice"] == 15
