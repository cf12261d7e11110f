"""The process is killed between any two steps, and afterwards everything is as if nothing had happened."""

from __future__ import annotations

import os
import random

from killing import stage

FULL = os.environ.get("FAULTS") == "full"


def chosen(count: int, most: int) -> list[int]:
    """Points to die at: all of them, or as many as there is time for, spread over the story."""
    if FULL or count <= most:
        return list(range(1, count + 1))
    return sorted({round(1 + place * (count - 1) / (most - 1)) for place in range(most)})


def test_a_life_without_deaths(database_url: str) -> None:
    with stage(database_url) as made:
        told = made.reference
    assert told["ticket"] == [["approved", "answered 200", 4, 1]]
    assert (told["entries"], told["stays"]) == (["of T"], ["open", "approved"])
    assert told["runs"] == [["handle", "done", None, {"answer": 200}]]
    assert [(kind, connection, state) for kind, connection, _step, state, _sending in told["messages"]] == [
        ("http", "hub", "done"), ("go_on", None, "done"), ("mail", "post", "done"), ("http", "echo", "done"),
        ("go_on", None, "done"),
    ]  # fmt: skip
    assert [path for _kind, _key, path, _body in told["arrived"]] == ["/tickets", "/echo", "Approved"]
    assert len(told["passed"]) >= 40


def test_killed_anywhere_nothing_is_lost_and_nothing_done_twice(database_url: str) -> None:
    with stage(database_url) as made:
        wrong = []
        for kill in chosen(len(made.points), 22):
            wrong += made.differences(kill, signal="KILL" if kill % 2 else "exit")
        assert not wrong, "\n".join(wrong)
        print(f"\n{len(made.points)} points, {sum(made.died_at.values())} deaths, repeats at {dict(made.repeats)}")


def test_killed_again_and_again(database_url: str) -> None:
    """The restarted process dies, too."""
    chance = random.Random(7)
    with stage(database_url) as made:
        wrong = []
        for _ in range(60 if FULL else 3):
            deaths = [chance.randint(1, len(made.points)) for _ in range(3)]
            wrong += made.differences(*deaths, signal=chance.choice(["KILL", "exit"]))
        assert not wrong, "\n".join(wrong)
