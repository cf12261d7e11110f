"""What machines ask that watch over a process: whether it lives and whether it takes work."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any

import pytest
from visiting import Grounds

from engine.current import Current
from engine.readiness import BEHIND, KEPT, Readiness
from engine.web.context import Settings, Site
from engine.web.health import make_watch


class Ticks:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the database."""
    return sqlite_url


# --- ready or not


def test_a_site_is_ready_and_says_no_more_than_that(grounds: Grounds) -> None:
    client = grounds.web.test_client()
    for path, said in (("/health/live", {"status": "alive"}), ("/health/ready", {"status": "ready"})):
        answer = client.get(path)
        assert (answer.status_code, answer.json) == (200, said)
        assert "Set-Cookie" not in answer.headers
        assert "Server" not in answer.headers


def test_it_answers_whatever_name_it_is_asked_by(make_grounds: Any) -> None:
    """Load balancers ask by address; nothing is told that depends on the name."""
    grounds = make_grounds(settings=Settings(hosts=("work.example.com",)))
    assert grounds.web.test_client().get("/health/ready", headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert grounds.web.test_client().get("/sign_in", headers={"Host": "10.0.0.7:8000"}).status_code == 422


def test_told_to_end_it_is_not_ready_but_lives_and_answers(grounds: Grounds) -> None:
    readiness = grounds.web.extensions["appmill"].readiness
    readiness.stopping.set()
    answer = grounds.web.test_client().get("/health/ready")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready", "why": "stopping"})
    assert int(answer.headers["Retry-After"]) > 0
    assert grounds.web.test_client().get("/health/live").status_code == 200
    assert grounds.visitor("ann").get("/ticket").status_code == 200


class Hanging:
    """A database that accepts a question and never answers."""

    def __init__(self) -> None:
        self.asked, self.over = 0, threading.Event()

    @contextmanager
    def read(self) -> Any:
        self.asked += 1
        self.over.wait(20)
        yield None


def test_a_database_that_hangs_is_waited_for_no_longer_than_said_and_asked_once() -> None:
    hanging = Hanging()
    application: Any = type("Application", (), {"database": hanging})()
    readiness = Readiness(lambda: application, patience=0.01)
    assert [readiness.trouble() for _ in range(5)] == ["database"] * 5
    assert hanging.asked == 1
    hanging.over.set()


def test_an_answer_holds_for_a_second_however_often_it_is_asked(grounds: Grounds) -> None:
    asked, ticks = [], Ticks()

    def application() -> Any:
        asked.append(1)
        return grounds.app

    readiness = Readiness(application, ticks=ticks)
    assert [readiness.trouble() for _ in range(9)] == [None] * 9
    assert len(asked) == 1
    ticks.now += KEPT + 0.1
    readiness.trouble()
    assert len(asked) == 2


def test_a_process_left_behind_by_what_was_published_takes_no_work(make_app: Any) -> None:
    room = "app: room\nlabel: Room\nforms:\n  seat: {label: Seat, fields: {name: {type: text}%s}}\n"
    made, ticks = make_app(room % ""), Ticks()
    here = made.application
    readiness = Readiness(lambda: here, ticks=ticks)  # it never takes up what others publish
    made.redefine(room % ", row: {type: integer}")
    assert readiness.trouble() is None  # it has a moment to do so
    ticks.now += BEHIND + KEPT
    assert readiness.trouble() == "definition"


def test_a_process_without_pages_answers_the_same(grounds: Grounds) -> None:
    watch = make_watch(Site(Current(grounds.app), Settings())).test_client()
    answers = [watch.get(path).status_code for path in ("/health/live", "/health/ready", "/metrics", "/")]
    assert answers == [200, 200, 404, 404]
