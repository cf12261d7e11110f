"""What stands in the log: one line for each thing, whatever people type, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from making import Recorder
from visiting import PEOPLE, TICKETS, Grounds

from engine import causes, logs
from engine.outside.masking import Mask

CANARY = "canary-of-a-password"
EVIL = "a\r\n2026-01-01T00:00:00Z ERROR forged\x1b[31m\x9b31m\u2028\u202ehidden\x00"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Nothing here depends on the database."""
    return sqlite_url


class Written(io.StringIO):
    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["logger"] == logger]


@pytest.fixture
def log() -> Iterator[Written]:
    """The log of the application as JSON lines."""
    yield from _written(logs.JsonLines(Mask([CANARY]).text))


@pytest.fixture
def readable() -> Iterator[Written]:
    yield from _written(logs.TextLines(Mask([CANARY]).text))


def _written(formatter: logging.Formatter) -> Iterator[Written]:
    written, root = Written(), logging.getLogger("appmill")
    handler, level = logging.StreamHandler(written), root.level
    handler.setFormatter(formatter)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    causes.begin()


def test_a_request_is_one_object_with_the_pattern_of_its_route(grounds: Grounds, log: Written) -> None:
    id = grounds.made.create("ticket", subject="Printer", as_="ann").id
    answer = grounds.visitor("ann").get(f"/ticket/{id}?token={CANARY}")
    (line,) = log.of("appmill.request")
    took, queries = line.pop("ms"), line.pop("queries")
    assert (took > 0, queries > 3) == (True, True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "INFO", "logger": "appmill.request", "message": "GET /<form_name>/<int:record_id> 200",
        "request": answer.headers["X-Request-Id"], "method": "GET", "route": "/<form_name>/<int:record_id>",
        "status": 200, "user": grounds.user("ann").id,
    }  # fmt: skip


def test_every_refusal_shows_an_id_that_the_log_knows(grounds: Grounds, log: Written) -> None:
    ann = grounds.visitor("ann")
    answers = [ann.get("/nowhere/at/all"), ann.get("/admin/users"), ann.post("/me/profile", {"name": ""}, token="wrong"),
               ann.client.get("/api/v1/records/nothing")]  # fmt: skip
    assert [answer.status_code for answer in answers] == [404, 403, 403, 404]
    known = {line["request"]: line["status"] for line in log.of("appmill.request")}
    for answer in answers:
        assert known[answer.headers["X-Request-Id"]] == answer.status_code
        assert answer.headers["X-Request-Id"] in answer.text


def test_those_who_watch_over_the_process_leave_no_line(grounds: Grounds, log: Written) -> None:
    for path in ("/health/live", "/health/ready", "/metrics"):
        assert grounds.web.test_client().get(path).headers["X-Request-Id"]
    assert log.lines == []


@pytest.mark.parametrize("shape", [logs.JsonLines, logs.TextLines])
def test_what_people_type_begins_no_line_and_colours_no_terminal(shape: type[logs.Line]) -> None:
    record = logging.makeLogRecord({"name": EVIL, "levelname": "INFO", "msg": "%s", "args": (EVIL,), "field": EVIL})
    with causes.because_of(request=EVIL):
        line = shape().format(record)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", line)
    if shape is logs.JsonLines:
        assert json.loads(line)["field"] == EVIL


@pytest.mark.parametrize("shape", [logs.JsonLines, logs.TextLines])
def test_the_trace_of_an_error_begins_no_line_either(shape: type[logs.Line]) -> None:
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        told = (type(error), error, error.__traceback__)
    line = shape().format(logging.makeLogRecord({"name": "x", "msg": "broken", "exc_info": told}))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", line)
    assert all(below.startswith("    ") for below in line.split("\n")[1:])
    assert "ValueError" in line


def test_known_secrets_are_masked_wherever_they_stand(log: Written, readable: Written) -> None:
    logger, bearer = logging.getLogger("appmill.test"), f"Authorization: Bearer {'k' * 30}"
    key = "appmill_" + "A1-_" * 11
    try:
        raise RuntimeError(f"could not sign in with {CANARY}")
    except RuntimeError:
        logger.exception("asked with %s, %s and %s", CANARY, bearer, key, extra={"field": [CANARY]})
    for written in (log, readable):
        text = written.getvalue()
        assert "RuntimeError: could not sign in with •••" in text
        assert not any(secret in text for secret in (CANARY, "k" * 30, key))
    assert log.lines[0]["field"] == "['•••']"


def test_signing_in_and_what_is_posted_stay_out(grounds: Grounds, log: Written) -> None:
    visitor, password, token = grounds.visitor(), "canary-typed-by-a-person", grounds.token("ann")
    visitor.sign_in("ann", password)
    visitor.sign_in("ann", next=f"/?{password}")
    visitor.post("/ticket/new", {"subject": password})
    grounds.web.test_client().get(f"/api/v1/records/ticket?q={password}", headers={"Authorization": f"Bearer {token}"})
    written = log.getvalue()
    assert len(log.of("appmill.request")) >= 5
    assert not any(secret in written for secret in (password, token, visitor.cookie))


MAILING = """
  tell:
    label: {zh: 告知, en: Tell}
    trigger: {type: created, form: ticket}
    actions: [{type: http, connection: shop, method: POST, path: /tickets, json: {subject: record.subject}}]
"""
CONNECTION = "connections:\n  shop: {type: http, base_url: https://shop.example.com}\n"


def test_a_delivery_tells_what_it_is_and_which_request_caused_it(make_app: Any, log: Written) -> None:
    grounds = Grounds(make_app(TICKETS + CONNECTION, rules=MAILING, people=PEOPLE))
    answer = grounds.visitor("ann").post("/ticket/new", {"subject": "Printer"})
    assert answer.status_code == 303
    grounds.made.deliver(Recorder())
    (line,) = log.of("appmill.delivery")
    (message,) = grounds.made.ledger("message")
    assert message["request"] == answer.headers["X-Request-Id"]
    assert {name: line[name] for name in ("message", "job", "kind", "rule", "form", "record", "connection", "attempt",
                                          "request")} == {
        "message": "http: done", "job": message["id"], "kind": "http", "rule": "tell", "form": "ticket", "record": 1,
        "connection": "shop", "attempt": 1, "request": answer.headers["X-Request-Id"],
    }  # fmt: skip


def test_a_delivery_that_fails_is_a_warning_with_its_reason(make_app: Any, log: Written) -> None:
    grounds = Grounds(make_app(TICKETS + CONNECTION, rules=MAILING, people=PEOPLE))
    grounds.made.create("ticket", subject="Printer", as_="ann")
    grounds.made.deliver(Recorder(lambda _task: RuntimeError("no such shop")))
    line = log.of("appmill.delivery")[0]
    assert (line["level"], line["attempt"]) == ("WARNING", 1)
    assert "no such shop" in line["error"]


def test_quiet_keeps_the_requests_that_were_refused() -> None:
    def told(**more: Any) -> bool:
        return bool(logs.OnlyTrouble().filter(logging.makeLogRecord({"levelno": logging.INFO, **more})))

    assert [told(), told(status=200), told(status=404), told(levelno=logging.WARNING)] == [False, False, True, True]


def test_json_where_no_terminal_reads() -> None:
    assert logs.shape_for(io.StringIO(), None) == "json"
    assert logs.shape_for(io.StringIO(), "text") == "text"
