"""What administrators see of the installation: slow pages, who is signed in, what takes the room."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pytest
from visiting import Grounds, text

from engine.pace import MOST_NAMES, Pace, Tally, lately
from engine.storage.watching import SLOW, watch
from engine.web.search_terms import matching


@pytest.fixture
def paced(grounds: Grounds) -> Pace:
    """Somebody counts how long everything takes."""
    grounds.app.database.meter = found = Pace(grounds.made.clock)
    return found


# --- slow pages


def test_what_was_slow_is_shown_with_its_share_and_the_request_to_look_for(grounds: Grounds, paced: Pace) -> None:
    for seconds in [0.012] * 94 + [0.3] * 5:
        paced.answered("/<form_name>", 200, seconds, "quick")
    paced.answered("/<form_name>", 200, 2.5, "1234abcd", [("SELECT pg_sleep(2)", 2.4)])
    paced.delivered("mail", "post", "done", 0.04)
    assert paced.keep(grounds.app) == 3
    shown = text(grounds.visitor("admin").get("/admin/slow"))
    assert "/<form_name> 100 15 ms 300 ms 2.5 s 5.1 s 1234abcd just now" in shown.replace("&lt;", "<").replace(
        "&gt;", ">"
    )
    assert "SELECT pg_sleep(2) 1 2.4 s 2.4 s 2.4 s 2.4 s 1234abcd" in shown
    assert "mail 1 40 ms" in shown


def test_hours_and_processes_are_put_together_and_what_is_old_goes(grounds: Grounds, paced: Pace) -> None:
    clock, other = grounds.made.clock, Pace(grounds.made.clock)
    other._process = "another"
    paced.answered("/", 200, 0.1, "first")
    other.answered("/", 200, 0.9, "second")
    assert (paced.keep(grounds.app), other.keep(grounds.app), paced.keep(grounds.app)) == (1, 1, 0)
    paced.answered("/", 200, 0.2, "third")
    paced.keep(grounds.app)
    clock.advance(hours=1)
    paced.answered("/", 200, 0.1, "fourth")
    paced.keep(grounds.app)
    whole = lately(grounds.app, 24)["route", "/"]
    assert (whole.count, whole.slowest, whole.request) == (4, 900.0, "second")
    assert lately(grounds.app, 1)["route", "/"].count == 1
    clock.advance(days=3)
    paced.answered("/me", 200, 0.1, "fifth")
    paced.keep(grounds.app)
    with grounds.app.database.read() as conn:
        assert [row.name for row in conn.execute(grounds.app.tables.pace.select())] == ["/me"]


def test_what_could_not_be_written_is_written_the_next_time(grounds: Grounds, paced: Pace) -> None:
    paced.answered("/", 200, 0.1, "first")
    with pytest.raises(AttributeError):
        paced.keep(None)  # type: ignore[arg-type]
    assert paced.keep(grounds.app) == 1


def test_there_are_only_so_many_names(grounds: Grounds, paced: Pace) -> None:
    for number in range(MOST_NAMES + 50):
        paced.answered(f"/{number}", 200, 0.1, "x")
    assert paced.keep(grounds.app) == MOST_NAMES


def test_the_pages_of_a_site_are_counted_by_the_pattern_of_their_route(grounds: Grounds, paced: Pace) -> None:
    ann, id = grounds.visitor("ann"), grounds.made.create("ticket", subject="Printer", as_="ann").id
    for path in (f"/ticket/{id}", "/ticket?q=hush", "/nowhere/at/all", "/another/hole/here"):
        ann.get(path)
    paced.keep(grounds.app)
    counts = {name: tally.count for (kind, name), tally in lately(grounds.app, 1).items() if kind == "route"}
    assert counts == {"/<form_name>/<int:record_id>": 1, "/<form_name>": 1, "(nothing)": 2}


@pytest.mark.parametrize(
    ("took", "half", "most"),
    [([5.0] * 10, 5, 5), ([1.0, 8.0, 90.0], 10, 90), ([100_000.0], 100_000, 100_000), ([], 0, 0)],
)
def test_shares_are_told_by_the_bound_of_their_bucket(took: list[float], half: float, most: float) -> None:
    tally = Tally()
    for each in took:
        tally.add(each, "x", lambda: dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert (tally.quantile(0.5), tally.quantile(0.95)) == (half, most)


def test_a_thread_counts_its_statements_and_remembers_the_slow_ones(make_app: Any) -> None:
    app = make_app("app: a\nlabel: A\nforms: {b: {label: B, fields: {c: {type: text}}}}\n").application
    watch.begin()
    with app.database.read() as conn:
        conn.execute(app.tables.form["b"].select())
        app.tables.statements.get("test", conn.dialect, app.tables.form["b"].select).rows(conn)
    assert watch.count == 2
    watch.slow.clear()  # a busy machine may have been slow
    watch.ran("SELECT\n  1", SLOW)
    assert watch.slow == [("SELECT 1", SLOW)]
    watch.begin()
    assert (watch.count, watch.slow) == (0, [])


def test_a_slow_search_is_remembered_by_the_text_that_was_sent(grounds: Grounds, monkeypatch: Any) -> None:
    """One that cannot be written down but for the database it is meant for."""
    monkeypatch.setattr("engine.storage.watching.SLOW", 0.0)
    app = grounds.app
    watch.begin()
    with app.database.read() as conn:
        matching(app, conn, app.definition.forms["ticket"], "lamp")
    assert any("ticket" in text for text, _seconds in watch.slow)


# --- who is signed in


def test_an_administrator_ends_the_session_of_somebody(grounds: Grounds) -> None:
    ann, bob, admin = grounds.visitor("ann"), grounds.visitor("bob"), grounds.visitor("admin")
    shown = admin.get("/admin/sessions")
    assert "People: 3, devices: 3." in text(shown)
    mark = shown.text.split(f'name="user" value="{grounds.user("ann").id}"')[1].split('name="mark" value="')[1][:16]
    assert admin.post("/admin/sessions/end", {"user": grounds.user("ann").id, "mark": mark}).status_code == 303
    assert "Ann is signed out there." in admin.get("/admin/sessions").text
    assert (ann.get("/me").status_code, bob.get("/me").status_code) == (303, 200)
    assert "Admin signed out devices Ann" in text(admin.get("/admin/audit"))
    assert admin.post("/admin/sessions/end", {"user": grounds.user("bob").id, "mark": "f"}).status_code == 422
    assert bob.post("/admin/sessions/end", {"user": 1, "mark": "f" * 16}).status_code == 403


def test_who_did_nothing_for_long_is_not_signed_in(grounds: Grounds) -> None:
    grounds.visitor("ann")
    grounds.made.clock.advance(minutes=31)
    assert "People: 1, devices: 1." in text(grounds.visitor("admin").get("/admin/sessions"))


# --- what takes the room


def test_the_room_of_tables_and_files_is_shown(grounds: Grounds) -> None:
    grounds.made.create("ticket", subject="Printer", as_="ann")
    stored = grounds.app.files.put(io.BytesIO(b"%PDF-1.4\n" + b"x" * 3000), name="a.pdf")
    with grounds.app.database.write() as conn:
        for name in ("a.pdf", "b.pdf"):
            conn.execute(grounds.app.tables.attachment.insert().values(
                form="ticket", sha256=stored.sha256, name=name, media_type=stored.media_type, size=stored.size,
                created_at=grounds.made.clock(),
            ))  # fmt: skip
        conn.exec_driver_sql("ANALYZE")
    shown = text(grounds.visitor("admin").get("/admin/storage"))
    assert "3 KB 1 files · 2 of no record yet" in shown
    assert "ticket Ticket 1 " in shown
    assert "_event – " in shown


def test_only_administrators_see_them(grounds: Grounds) -> None:
    admin, bob, nobody = grounds.visitor("admin"), grounds.visitor("bob"), grounds.visitor()
    for path in ("/admin/slow", "/admin/sessions", "/admin/storage"):
        answers = [visitor.get(path).status_code for visitor in (admin, bob, nobody)]
        assert answers == [200, 403, 303], path
