"""The process is killed between any two steps, and afterwards everything is as if nothing had happened."""

from __future__ import annotations

import os
import random

import pytest
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
        wrong, kills = [], chosen(len(made.points), 4)
        for kill in kills:
            wrong += made.differences(kill, signal="KILL" if kill % 2 else "exit")
        print(f"{len(made.points)} points, died: {dict(made.deaths)}, repeated with the same key: {dict(made.repeats)}")
        assert not wrong, "\n".join(wrong)
        assert made.deaths.total() >= 0.9 * len(kills) - 1  # the first life makes a few rows more


STORIES = [("postgresql", "story_voucher"), ("sqlite", "story_approval"), ("sqlite", "story_voucher"),
           ("postgresql", "story_approval")]  # fmt: skip


@pytest.mark.parametrize(("database_url", "story"), STORIES if FULL else STORIES[:2], indirect=["database_url"])
def test_voucher_and_approval_whatever_is_killed_in_between(database_url: str, story: str) -> None:
    """The order hub's rule: one transition and one mail; in the short form each story on one of the databases."""
    with stage(database_url, story) as made:
        told = made.reference
        assert (told["order"], told["stays"]) == (["preparing", 5, 1, True], ["pending", "preparing"])
        assert [transition for kind, transition, *_ in told["events"] if kind == "taken"] == ["settle"]
        assert [(kind, subject) for kind, _key, subject, _to in told["arrived"]] == [("smtp", told["arrived"][0][2])]
        wrong, kills = [], chosen(len(made.points), 2)
        for kill in kills:
            wrong += made.differences(kill, signal="KILL" if kill % 2 else "exit")
        print(f"{story}: {len(made.points)} points, died: {dict(made.deaths)}")
        assert not wrong, "\n".join(wrong)
        assert made.deaths.total() >= 0.9 * len(kills) - 1


def test_a_question_and_its_answers_whatever_is_killed_in_between(database_url: str) -> None:
    with stage(database_url, "story_question") as made:
        told = made.reference
        assert (told["ticket"], told["runs"]) == (["approved", "agree", 3], [["done", "agree"]])
        assert (told["questions"], told["answers"]) == ([["answered", "agree"]], ["agree", "agree"])
        assert [subject for _kind, _key, subject, _to in told["arrived"]] == ["Decided"]
        wrong, kills = [], chosen(len(made.points), 4)
        for kill in kills:
            wrong += made.differences(kill, signal="KILL" if kill % 2 else "exit")
        print(f"{len(made.points)} points, died: {dict(made.deaths)}")
        assert not wrong, "\n".join(wrong)
        assert made.deaths.total() >= 0.9 * len(kills) - 1


def test_an_approval_that_is_handed_over_whatever_is_killed_in_between(database_url: str) -> None:
    with stage(database_url, "story_signing") as made:
        told = made.reference
        assert (told["ticket"], told["runs"]) == (["asked", "approved", 3], [["done", "approved"]])
        assert told["questions"] == [[0, "answered", "approve"], [1, "answered", "approve"]]
        assert told["answers"] == ["approve", None, "approve", "approve"]
        wrong, kills = [], chosen(len(made.points), 3)
        for kill in kills:
            wrong += made.differences(kill, signal="KILL" if kill % 2 else "exit")
        assert not wrong, "\n".join(wrong)


def test_a_feed_whatever_is_killed_in_between(database_url: str) -> None:
    with stage(database_url, "story_feed") as made:
        told = made.reference
        assert [name for name, _version in told["tickets"]] == ["a2", "b2", "c1"]
        assert told["arrivals"] == [
            ["001", "taken", 0], ["002", "taken", 0], ["001", "skipped", 0], ["002", "taken", 0], ["001", "taken", 0],
        ]  # fmt: skip
        wrong, kills = [], chosen(len(made.points), 4)
        for kill in kills:
            wrong += made.differences(kill, signal="KILL" if kill % 2 else "exit")
        print(f"{len(made.points)} points, died: {dict(made.deaths)}")
        assert not wrong, "\n".join(wrong)
        assert made.deaths.total() >= 0.9 * len(kills) - 1


def test_killed_again_and_again(database_url: str) -> None:
    """The restarted process dies, too."""
    chance, wanted = random.Random(7), 150 if FULL else 3
    with stage(database_url) as made:
        wrong: list[str] = []
        while made.deaths.total() < wanted:
            deaths = [chance.randint(1, len(made.points) // life) for life in (1, 2, 3)]
            wrong += made.differences(*deaths, signal=chance.choice(["KILL", "exit"]))
        print(f"died: {dict(made.deaths)}, repeated with the same key: {dict(made.repeats)}")
        assert not wrong, "\n".join(wrong)
