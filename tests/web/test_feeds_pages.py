"""What administrators see of feeds and connections: how they stand, what arrived, what became of it, and a trial."""

from __future__ import annotations

import datetime as dt
import html
import json
from typing import Any

import pytest
import sqlalchemy as sa
import visiting
from feeding_world import DESK, FakeConnection, desk, feed, item, part, tickets
from visiting import Grounds

from engine.feeding import looking
from engine.feeding.keeping import keep
from engine.feeding.receiving import Call, receive

AT = "/admin/automation/feeds/tickets"
LIMITED = DESK.replace("east: {type: fake, key: {secret: EAST}}",
                       "east: {type: fake, key: {secret: EAST}, limits: {tickets: {calls: 2, per: 1m}}}")  # fmt: skip


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def make_site(make_app: Any) -> Any:
    def make(source: str = DESK) -> Grounds:
        return Grounds(desk(make_app, source))

    return make


@pytest.fixture
def site(make_site: Any) -> Grounds:
    found: Grounds = make_site()
    return found


def text(answer: Any) -> str:
    return html.unescape(visiting.text(answer))


def arrive(site: Grounds, *items: Any, of: str = "east") -> None:
    app = site.app
    with app.database.write() as conn:
        keep(app, conn, app.definition.feeds["tickets"], of, items, "pulled")
    site.made.deliver()


def ledger(site: Grounds) -> list[dict[str, Any]]:
    return list(site.made.ledger("arrival"))


def audited(site: Grounds) -> list[str]:
    event = site.app.tables.event
    with site.app.database.read() as conn:
        return list(conn.scalars(sa.select(event.c.kind).where(event.c.form == "_app").order_by(event.c.id)))


# --- how it stands ---------------------------------------------------------------------------------------------------


def test_the_connections_tell_how_their_feeds_stand(make_site: Any) -> None:
    site = make_site(LIMITED)
    FakeConnection.script["east"] = [part(item("1"), item("2", steps="none"))]
    FakeConnection.script["west"] = [RuntimeError("broken")]
    looking.collect(site.app)
    site.made.deliver()
    shown = text(site.visitor("admin").get("/admin/automation/connections"))
    assert "Feeds behind 1 Arrived in 24 hours 2 Arrivals that failed 1" in shown
    assert "Tickets of others works Last look just now" in shown
    assert "2 in 24 hours 0 waiting 0 parked 1 failed" in shown
    assert "Tickets of others fails" in shown
    assert "Rate limit tickets 2 in 1 minute · again in 30 s" in shown


def test_the_cards_come_again_only_when_they_say_something_else(site: Grounds) -> None:
    admin = site.visitor("admin")
    first = admin.htmx("GET", "/admin/automation/connections/how-they-stand")
    mark = first.headers["HX-PTag"]
    same = admin.htmx("GET", "/admin/automation/connections/how-they-stand", headers={"HX-PTag": mark})
    assert (first.status_code, same.status_code) == (200, 204)
    arrive(site, item("1"))
    again = admin.htmx("GET", "/admin/automation/connections/how-they-stand", headers={"HX-PTag": mark})
    assert again.status_code == 200
    assert "1 in 24 hours" in text(again)


def test_the_hours_of_a_day_are_drawn(site: Grounds) -> None:
    arrive(site, item("1"), item("2"))
    site.made.clock.advance(hours=3)
    arrive(site, item("3", steps="none"))
    page = site.visitor("admin").get(AT).text
    assert page.count('class="chart-bar"') == 2
    assert page.count('class="chart-bad"') == 1


def test_only_administrators_enter(site: Grounds) -> None:
    arrive(site, item("1"))
    li = site.visitor("li")
    for path in (AT, f"{AT}/standing", f"{AT}/arrivals/1", f"{AT}/of/1", f"{AT}/try", "/admin/automation/connections/how-they-stand"):
        assert li.get(path).status_code == 403, path
    for path in ("look", "fill", "fill/1/cancel", "replay", "arrivals/1/replay", "try"):
        assert li.post(f"{AT}/{path}").status_code == 403, path
    assert site.visitor("admin").get("/admin/automation/feeds/none").status_code == 404


# --- what arrived ----------------------------------------------------------------------------------------------------


def test_arrivals_are_listed_with_what_became_of_them(site: Grounds) -> None:
    arrive(site, item("A-1"), item("A-2", steps="none"))
    arrive(site, item("B-1"), of="west")
    admin = site.visitor("admin")
    shown = text(admin.get(AT))
    assert "A-1 east → Ticket Ticket A-1" in shown
    assert "steps: item.steps gives no list: none" in shown
    assert text(admin.get(f"{AT}?state=failed")).count("A-") == 1
    found = text(admin.get(f"{AT}?key=A-&connection=east"))
    assert found.index("A-1") < found.index("A-2")
    assert "B-1" not in found


def test_an_arrival_tells_its_data_without_secrets(site: Grounds) -> None:
    arrive(site, item("1", token="east-secret-key"))
    shown = text(site.visitor("admin").get(f"{AT}/arrivals/1?part=1"))
    assert '"name": "Ticket 1"' in shown
    assert '"token": "•••"' in shown
    assert "east-secret-key" not in shown


def test_history_leads_to_what_arrived_and_back(site: Grounds) -> None:
    arrive(site, item("1"))
    admin = site.visitor("admin")
    event = ledger(site)[0]["event_id"]
    assert f'href="{AT}/of/{event}"' in admin.get("/ticket/1/events").text
    assert admin.get(f"{AT}/of/{event}").headers["Location"] == f"{AT}/arrivals/1"
    assert f'href="/ticket/1#event-{event}"' in admin.get(f"{AT}/arrivals/1").text
    assert f"{AT}/of/" not in site.visitor("li").get("/ticket/1/events").text


# --- what is done ----------------------------------------------------------------------------------------------------


def test_what_failed_is_taken_again_one_or_all(site: Grounds) -> None:
    arrive(site, item("1", steps="none"), item("2", steps="none"))
    admin = site.visitor("admin")
    admin.post(f"{AT}/arrivals/1/replay")
    assert [one["state"] for one in ledger(site)] == ["waiting", "failed"]
    admin.post(f"{AT}/replay", {"state": "failed"})
    assert [one["state"] for one in ledger(site)] == ["waiting", "waiting"]
    assert audited(site).count("feed.replayed") == 2


def test_a_dead_letter_of_an_arrival_is_taken_again_from_the_queue(site: Grounds, monkeypatch: Any) -> None:
    def breaks(*_any: Any) -> None:
        raise RuntimeError("a bug")

    from engine.feeding import making

    monkeypatch.setattr(making, "values_of", breaks)
    arrive(site, item("1"))
    for _attempt in range(10):
        site.made.clock.advance(hours=3)
        site.made.deliver()
    monkeypatch.undo()
    letter = ledger(site)[0]["message_id"]
    site.visitor("admin").post(f"/admin/automation/queue/{letter}/replay")
    site.made.deliver()
    assert tickets(site.made) == [("east", "1", "Ticket 1")]


def test_a_look_and_a_back_fill_are_asked_for_and_stopped(site: Grounds) -> None:
    admin = site.visitor("admin")
    looking.collect(site.app)
    admin.post(f"{AT}/look")
    since = (site.made.clock() - dt.timedelta(days=3)).strftime("%Y-%m-%dT%H:%M")
    admin.post(f"{AT}/fill", {"since": since, "until": "", "connection": "west"})
    shown = text(admin.get(AT))
    assert "west · 0 read so far Stop" in shown
    [job] = site.made.ledger("job")
    admin.post(f"{AT}/fill/{job['id']}/cancel")
    assert site.made.ledger("job")[0]["cancel"]
    assert audited(site) == ["feed.looked", "feed.filled", "feed.fill_cancelled"]


def test_a_back_fill_says_what_is_wrong_with_its_times(site: Grounds) -> None:
    admin = site.visitor("admin")
    assert admin.post(f"{AT}/fill", {"since": ""}).status_code == 422
    assert admin.post(f"{AT}/fill", {"since": "soon"}).status_code == 422
    assert "begins in the past" in html.unescape(admin.post(f"{AT}/fill", {"since": "2999-01-01T00:00"}).text)


# --- told by webhook -------------------------------------------------------------------------------------------------


def test_the_connection_tells_what_webhooks_said(site: Grounds) -> None:
    def told(body: bytes, key: str) -> int:
        return receive(site.app, Call("tickets", "east", body, {"x-key": key, "content-type": "application/json"}, {}, "9.9.9.9"))

    body = json.dumps({"items": [{"no": "1", "secret": "east-secret-key"}]}).encode()
    assert [told(body, "east-secret-key"), told(body, "east-secret-key"), told(body, "wrong")] == [202, 200, 401]
    shown = text(site.visitor("admin").get("/admin/automation/connections/east"))
    assert shown.count("POST /feeds/tickets/east") == 3
    assert [code in shown for code in ("202", "200", "401")] == [True, True, True]
    assert "The key ••• is wrong." in shown
    assert "east-secret-key" not in shown
    assert "http://localhost/feeds/tickets/east" in text(site.visitor("admin").get(AT))


# --- tried out -------------------------------------------------------------------------------------------------------


def tried(site: Grounds, data: Any, **more: str) -> str:
    typed = data if isinstance(data, str) else json.dumps(data)
    return text(site.visitor("admin").post(f"{AT}/try", {"data": typed, "connection": "east", **more}))


def test_a_thing_is_tried_without_saving_it(site: Grounds) -> None:
    thing = {"no": "7", "name": "Lamp", "price": "3.50", "level": "H", "steps": [{"code": "a", "count": 2}]}
    said = tried(site, thing)
    assert "It would become a new record." in said
    assert "Level high" in said
    assert "Steps: 1 Code Count a 2" in said
    assert tickets(site.made) == []
    assert ledger(site) == []
    arrive(site, item("7"))
    assert "It would change this record. Ticket Ticket 7" in tried(site, thing)


def test_a_trial_says_everything_that_is_wrong_with_its_place(site: Grounds) -> None:
    said = tried(site, {"no": "7", "price": "cheap", "steps": [{"code": "a"}, {"code": "b", "count": "many"}]})
    assert "It could not be taken." in said
    assert "Price" in said
    assert "Steps 2 · Count" in said
    assert "This is not JSON: line 1, column 2." in tried(site, "{")
    assert "Expected an object in braces." in tried(site, "[]")


def test_a_trial_says_what_is_left_out_or_waits(make_site: Any) -> None:
    site = make_site(feed(DESK, "when: item.no != '7'\nready: item.paid"))
    assert "It would be left out. Not wanted: `when` does not hold." in tried(site, {"no": "7"})
    assert "It would wait. Not ready: item.paid does not hold." in tried(site, {"no": "8", "paid": False})


def test_the_last_arrival_is_offered_for_a_trial(site: Grounds) -> None:
    admin = site.visitor("admin")
    assert admin.get(f"{AT}/try").status_code == 200
    arrive(site, item("1"), item("2"))
    assert "Ticket 2" in admin.get(f"{AT}/try").text
    assert "Ticket 1" in admin.get(f"{AT}/try?arrival=1").text
    assert admin.get(f"{AT}/try?arrival=99").status_code == 404
