"""Webhooks: who is believed, what is kept, and that a message acts at most once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from timing_world import DESK, deliver, messages
from webs import web_for
from werkzeug.test import Client, TestResponse

from engine.outside.signing import signature_headers
from engine.secrets import Kept, Secrets, Sources

KEY = "a-long-and-quiet-secret"
RULES = """
  take_in:
    trigger: {type: webhook, path: tickets, secret: {secret: TICKETS}%s}
    when: payload.name != 'nobody'
    actions: [{type: create, form: ticket, values: {name: payload.name, note: headers.x_event}}]
"""
BODY = json.dumps({"name": "From outside", "parts": [{"price": 1.5}]}).encode()

Send = Callable[..., TestResponse]


def hexed(body: bytes, key: str = KEY) -> str:
    return hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def based(body: bytes, key: str = KEY) -> str:
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()


def with_secret(made: Made, value: str | None = KEY) -> Made:
    kept = {} if value is None else {"TICKETS": Kept(value)}
    app = replace(made.application, sources=Sources(environment=kept))
    made.application = app
    return made


def client_of(made: Made) -> Client:
    return web_for(made.application).test_client()


def sender(made: Made) -> Send:
    client = client_of(made)

    def send(body: bytes = BODY, path: str = "tickets", type: str = "application/json", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.post(f"/hooks/{path}", data=body, content_type=type, headers=named)

    return send


def appmill(made: Made, body: bytes = BODY, delivery: str = "d1", key: str = KEY, late: int = 0) -> dict[str, str]:
    moment = int(made.clock().timestamp()) - late
    return {name.replace("-", "_"): value for name, value in signature_headers(key, moment, delivery, body).items()}


def deliveries(made: Made) -> list[dict[str, Any]]:
    table = made.application.tables.delivery
    with made.application.database.read() as conn:
        return [dict(row) for row in conn.execute(sa.select(table).order_by(table.c.id)).mappings()]


def tickets(made: Made) -> list[str]:
    table = made.application.tables.form["ticket"]
    with made.application.database.read() as conn:
        return list(conn.scalars(sa.select(table.c.name).order_by(table.c.id)))


@pytest.fixture
def hook(make_app: MakeApp) -> Callable[..., Made]:
    return lambda words="", secret=KEY: with_secret(make_app(DESK, rules=RULES % words), secret)


# --- who is believed


def test_what_another_appmill_signs_is_taken_and_wakes_the_rule(hook: Callable[..., Made]) -> None:
    made = hook()
    answer = sender(made)(**appmill(made), X_Event="made", Cookie="appmill=stolen", Authorization="Bearer nonsense")
    assert (answer.status_code, answer.json) == (202, {"delivery": 1})
    assert deliver(made) == 1
    assert [made.get("ticket", 1)[name] for name in ("name", "note")] == ["From outside", "made"]
    kept = deliveries(made)[0]
    assert (kept["status"], kept["once"], kept["message_id"]) == (202, "d1", messages(made)[0]["id"])
    assert "x-event" in kept["headers"]
    shown = json.dumps(kept["headers"])
    assert not [word for word in ("stolen", "nonsense", "Signature", "signature", KEY) if word in shown]


@pytest.mark.parametrize(
    ("words", "headers"),
    [(", signature: github", {"X_Hub_Signature_256": f"sha256={hexed(BODY)}", "X_GitHub_Delivery": "g1"}),
     (", signature: shopify", {"X_Shopify_Hmac_Sha256": based(BODY), "X_Shopify_Webhook_Id": "s1"}),
     (", signature: woocommerce", {"X_WC_Webhook_Signature": based(BODY), "X_WC_Webhook_Delivery_ID": "w1"}),
     (", signature: token", {"X_Token": KEY}),
     (", signature: token, header: Authorization", {"Authorization": f"Bearer {KEY}"}),
     (", signature: hex, header: X-Sum", {"X_Sum": hexed(BODY).upper()}),
     (", signature: base64, header: X-Sum", {"X_Sum": based(BODY)})],
)  # fmt: skip
def test_other_systems_sign_in_their_own_manner(
    hook: Callable[..., Made], words: str, headers: dict[str, str]
) -> None:
    made = hook(words)
    send = sender(made)
    assert send(**headers).status_code == 202
    if "token" not in words:
        assert send(BODY + b" ", **headers).status_code == 401, "the body was changed"
    assert send(**{name: value[:-1] + ("A" if value[-1:] != "A" else "B") for name, value in headers.items()}).status_code == 401
    assert send().status_code == 401
    assert len(messages(made)) == 1


def test_whoever_is_not_believed_is_told_nothing(hook: Callable[..., Made]) -> None:
    made = hook()
    send, good = sender(made), appmill(made)
    refused = [
        send(),
        send(**{**good, "X_Appmill_Signature": "0" * 64}),
        send(**{**good, "X_Appmill_Signature": ""}),
        send(**{**good, "X_Appmill_Timestamp": ""}),
        send(**{**good, "X_Appmill_Timestamp": "１２３"}),
        send(BODY + b" ", **good),
        send(**appmill(made, key="another")),
        send(**appmill(made, key="")),
        send(**appmill(made, late=301)),
        send(**appmill(made, late=-301)),
    ]
    assert {(answer.status_code, answer.data) for answer in refused} == {(401, b"")}
    assert messages(made) == []
    assert [one["reason"] for one in deliveries(made)] == [
        "not signed", "wrong signature", "not signed", "wrong signature", "wrong signature", "wrong signature",
        "wrong signature", "wrong signature", "too old", "too old",
    ]  # fmt: skip
    assert send(**appmill(made, late=299)).status_code == 202


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("words", ["", ", signature: token", ", signature: github"])
def test_a_hook_without_its_secret_believes_nobody(hook: Callable[..., Made], value: str | None, words: str) -> None:
    made = hook(words, value)
    send = sender(made)
    for key in ("", "None", "the key of hooks that have none"):
        headers = {**appmill(made, key=key), "X_Token": key, "X_Hub_Signature_256": f"sha256={hexed(BODY, key)}"}
        assert send(**headers).status_code == 401
    assert messages(made) == []


def test_an_address_nobody_has_is_answered_like_a_wrong_signature(hook: Callable[..., Made]) -> None:
    made = hook()
    answer = sender(made)(path="nowhere", **appmill(made))
    assert (answer.status_code, answer.data) == (404, b"")
    wrong = sender(made)()
    assert {name for name, _value in answer.headers} == {name for name, _value in wrong.headers}
    assert client_of(made).get("/hooks/tickets").status_code == client_of(made).get("/hooks/nowhere").status_code


def test_an_open_hook_takes_from_everybody(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=RULES.replace("secret: {secret: TICKETS}", "open: true") % "")
    assert sender(made)().status_code == 202


# --- at most once


def test_a_repeated_delivery_acts_once(hook: Callable[..., Made]) -> None:
    made = hook()
    send = sender(made)
    first = send(**appmill(made))
    made.clock.advance(minutes=1)
    again = send(**appmill(made))
    assert [(one.status_code, one.json) for one in (first, again)] == [(202, {"delivery": 1}), (200, {"delivery": 1})]
    stolen = {**appmill(made), "X_Appmill_Delivery": "d2"}
    made.clock.advance(seconds=1)
    assert send(**{**appmill(made, delivery="d3")}).status_code == 202
    replayed = {**appmill(made, delivery="d3"), "X_Appmill_Delivery": "d4"}
    assert send(**replayed).status_code == 200, "signed once, sent under another name"
    assert send(**stolen).status_code == 202, "never seen before: the repetition above was answered by its name alone"
    assert deliver(made) == 3
    assert deliveries(made)[0]["repeats"] == 1


def test_the_same_delivery_twenty_times_at_once(hook: Callable[..., Made]) -> None:
    made = hook()
    client, headers = web_for(made.application), signature_headers(
        KEY, int(made.clock().timestamp()), "d1", BODY
    )
    answers: list[int] = []
    ready = threading.Barrier(20)

    def send() -> None:
        ready.wait(timeout=20)
        answer = client.test_client().post("/hooks/tickets", data=BODY, content_type="application/json", headers=dict(headers))
        answers.append(answer.status_code)

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] * 19 + [202]
    assert deliver(made) == 1
    assert tickets(made) == ["From outside"]
    assert deliveries(made)[0]["repeats"] == 19


# --- limits and bodies


def test_too_many_from_one_address_are_held_up(hook: Callable[..., Made]) -> None:
    made = hook(", per_minute: 3")
    send = sender(made)
    assert [send().status_code for _ in range(5)] == [401, 401, 401, 429, 429]
    assert send(**appmill(made)).headers["Retry-After"] == "60"
    made.clock.advance(minutes=1)
    assert send(**appmill(made)).status_code == 202


def test_knocking_in_vain_does_not_fill_the_database(hook: Callable[..., Made]) -> None:
    made = hook(", per_minute: 1000")
    send = sender(made)
    for _ in range(30):
        send()
    assert len(deliveries(made)) == 20


def test_a_message_has_at_most_a_million_bytes(hook: Callable[..., Made]) -> None:
    made = hook()
    body = b'{"name": "' + b"x" * 1_000_000 + b'"}'
    assert sender(made)(body, **appmill(made, body)).status_code == 413
    assert messages(made) == []


@pytest.mark.parametrize(
    ("body", "type", "status", "payload"),
    [(b'{"a": [1, null]}', "application/json", 202, {"a": [1, None]}), (b"", "application/json", 202, None),
     (b"name=A&tag=1&tag=2", "application/x-www-form-urlencoded", 202, {"name": "A", "tag": ["1", "2"]}),
     ("文".encode(), "text/plain", 202, "文"), (b"\xff", "text/plain", 400, None), (b"{", "application/json", 400, None),
     (b'{"a": NaN}', "application/json", 400, None), (b'{"a": 1e999}', "application/json", 400, None),
     (b'"a\\u0000b"', "application/json", 400, None), (b'"\\ud800"', "application/json", 400, None),
     (b"[" * 100_000, "application/json", 400, None), (b"[" * 70 + b"]" * 70, "application/json", 400, None),
     (b"9" * 5000, "application/json", 400, None), (b"x", "image/png", 400, None)],
)  # fmt: skip
def test_bodies(hook: Callable[..., Made], body: bytes, type: str, status: int, payload: Any) -> None:
    made = hook()
    answer = sender(made)(body, type=type, **appmill(made, body))
    assert answer.status_code == status
    assert [one["effect"]["given"]["payload"] for one in messages(made)] == ([payload] if status == 202 else [])


def test_deliveries_are_cleared_away_in_time(hook: Callable[..., Made]) -> None:
    from engine.timing.receiving import clear

    made = hook()
    send = sender(made)
    send(), send(**appmill(made))
    for days, left in ((8, [202]), (89, [])):
        made.clock.advance(days=days)
        with made.application.database.write() as conn:
            clear(made.application, conn, made.clock())
        assert [one["status"] for one in deliveries(made)] == left


def test_secrets_of_tests_are_looked_up_by_name(hook: Callable[..., Made]) -> None:
    made = hook()
    assert isinstance(made.application.secrets, Secrets)
    assert made.application.secrets.to_compare("TICKETS") == KEY
    assert made.application.secrets.to_compare("OTHER") is None
