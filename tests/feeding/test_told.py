"""What systems outside tell by webhook: believed by their connector, kept at once, acted upon once."""

from __future__ import annotations

import json
from typing import Any

from feeding_world import DESK, FakeConnection, arrivals, desk, tickets
from making import Made, MakeApp
from webs import web_for

from engine.errors import DeliveryFailed, message
from engine.feeding import receiving, standing

KEY = {"X-Key": "east-secret-key"}


def tell(made: Made, body: Any, headers: Any = None, *, of: str = "tickets/east") -> int:
    client = web_for(made.application).test_client()
    data = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post(f"/feeds/{of}", data=data, headers=KEY if headers is None else headers)
    assert answer.data == b""
    assert "Set-Cookie" not in answer.headers
    return answer.status_code


def items(*numbers: str, **data: Any) -> dict[str, Any]:
    return {"items": [{"no": number, **data} for number in numbers]}


def deliveries(made: Made) -> list[tuple[Any, ...]]:
    return [(row["status"], row["reason"], row["repeats"]) for row in made.ledger("delivery")]


def test_what_is_told_becomes_records(make_app: MakeApp) -> None:
    made = desk(make_app)
    assert tell(made, items("1", "2")) == 202
    made.deliver()
    assert tickets(made) == [("east", "1", "Ticket 1"), ("east", "2", "Ticket 2")]
    assert arrivals(made, "how", "state") == [("pushed", "taken"), ("pushed", "taken")]
    line = standing.standing(made.application)[0]
    assert (line.told_at, line.arrivals) == (made.clock(), 2)


def test_a_repeated_delivery_acts_once(make_app: MakeApp) -> None:
    made = desk(make_app)
    named = {**KEY, "X-Delivery": "d1"}
    assert [tell(made, items("1", name=name), named) for name in "ab"] == [202, 200]
    assert [tell(made, items("2")) for _ in range(2)] == [202, 200]
    made.deliver()
    assert tickets(made) == [("east", "1", "a"), ("east", "2", "Ticket 2")]
    assert deliveries(made) == [(202, None, 1), (202, None, 1)]


def test_nobody_else_is_believed_and_no_secret_is_kept(make_app: MakeApp) -> None:
    made = desk(make_app)
    assert tell(made, items("1"), {"X-Key": "wrong", "X-Thing": "t"}) == 401
    assert tell(made, items("1"), of="tickets/west") == 401  # the key of another one
    assert deliveries(made) == [(401, "The key ••• is wrong.", 0)] * 2
    assert made.ledger("delivery")[0]["headers"].get("x-thing") == "t"
    assert "x-key" not in made.ledger("delivery")[0]["headers"]
    assert (arrivals(made), made.ledger("message")) == ([], [])


def test_what_tells_nothing_and_what_does_not_exist(make_app: MakeApp) -> None:
    made = desk(make_app, DESK + "  others: {read: stream, from: [east], form: part, match: {code: item.no}}\n")
    assert tell(made, {"ping": True}) == 200
    assert [tell(made, {}, of=of) for of in ("none/east", "tickets/none", "others/east")] == [404, 404, 404]
    assert tell(made, b"x" * (receiving.LARGEST + 1)) == 413
    assert made.ledger("delivery") == []


def test_it_may_come_again_when_more_could_not_be_asked(make_app: MakeApp) -> None:
    made = desk(make_app)
    FakeConnection.script["told"] = [DeliveryFailed(message("No answer"))]
    assert tell(made, items("1")) == 503
    FakeConnection.script.clear()
    assert tell(made, items("1")) == 202
    assert tell(made, b"no json") == 503  # its connector broke


def test_whoever_knocks_too_often_is_told_to_wait(make_app: MakeApp, monkeypatch: Any) -> None:
    made = desk(make_app)
    monkeypatch.setattr(receiving, "PER_MINUTE", 2)
    assert [tell(made, {"ping": True}) for _ in range(3)] == [200, 200, 429]
