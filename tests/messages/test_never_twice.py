"""A process that dies anywhere between the change and the sent message: it goes out once, or an administrator is asked."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from reaching_world import REACH, World, world

from engine import faults
from engine.jobs.desk import Desk
from engine.jobs.sweeping import sweep

LATER = timedelta(minutes=5)


class Died(BaseException):
    """What no `except Exception` holds up."""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The points passed since it was emptied"""
    passed: list[str] = []
    monkeypatch.setattr(faults, "watcher", passed.append)
    return passed


def act(shop: World) -> None:
    job = shop.made.create("job", name="Saw")
    shop.made.press("job", job, "tell")
    shop.made.deliver()


def after_dying_at(shop: World, number: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[str], int]:
    """(mails that arrived, states of the messages, notices written) once everything was mended after the death."""
    left = [number]

    def die(_name: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Died

    before = (len(shop.outbox.sent), len(shop.made.ledger("message")), len(shop.made.ledger("notification")))
    with monkeypatch.context() as patch:
        patch.setattr(faults, "watcher", die)
        with contextlib.suppress(Died):
            act(shop)
    shop.made.clock.now += LATER
    sweep(shop.app, Desk(), orphans=True, ring=False)
    shop.made.deliver()
    messages = shop.made.ledger("message")[before[1] :]
    return (len(shop.outbox.sent) - before[0], [row["state"] for row in messages],
            len(shop.made.ledger("notification")) - before[2])  # fmt: skip


def test_it_goes_out_once_or_somebody_is_asked(
    make_app: Any, points: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = world(make_app, REACH)
    act(shop)
    assert {"reached", "claimed", "sending", "sent", "result"} <= set(points)
    shop.made.clock.now += LATER
    for number in range(1, len(points) + 1):
        sent, states, notices = after_dying_at(shop, number, monkeypatch)
        told = f"dead at {number}: {points[number - 1]}"
        assert (len(states), sent <= 1) == (notices, True), told
        assert not notices or states in (["done"], ["unsure"]), told
        assert states != ["done"] or sent == 1, told
