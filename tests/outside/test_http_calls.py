"""What becomes of a call by HTTP, against a server that answers, fails, hangs or breaks off."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial

import pytest
from recorders import HttpRecorder
from surroundings import REGISTRY, World, call, certificate, http_to, mail, smtp_to, task

from engine.credentials import (
    BasicCredential,
    BearerCredential,
    HeaderCredential,
    HmacCredential,
    QueryCredential,
    Secret,
    SignatureCredential,
)
from engine.errors import DeliveryFailed
from engine.outside import http as http_kind
from engine.outside.carrying import carry_out
from engine.outside.network import Network


@pytest.fixture
def erp():
    with HttpRecorder() as recorder:
        yield recorder


def failure(connection, world=None, **how):
    with pytest.raises(DeliveryFailed) as caught:
        call(connection, world, **how)
    error = caught.value
    return str(error), error.again, error.after, error.unsure


def test_a_call_says_what_it_carries_and_keeps_the_answer(erp):
    erp.behave(body='{"number": 17}', status=201, mode="as told", headers={"Location": "/orders/17"})
    world = World()
    result = call(
        http_to(erp, headers={"X-Plant": "3"}), world, path="/orders", query={"dry": "no"}, json={"n": "一"}, key="m-7"
    )
    seconds = result.pop("seconds")
    assert result == {
        "status": 201,
        "headers": {"content-type": "application/json", "location": "/orders/17"},
        "json": {"number": 17},
        "size": 14,
        "cut": False,
    }
    assert 0 <= seconds < 5
    [arrival] = erp.arrivals
    assert (arrival["method"], arrival["path"], arrival["body"]) == ("POST", "/api/orders?dry=no", '{"n":"一"}')
    assert arrival["key"] == "m-7"
    assert arrival["headers"]["X-Plant"] == "3"
    assert arrival["headers"]["Content-Type"] == "application/json"
    assert world.sent == 1


def test_a_form_and_a_text(erp):
    call(http_to(erp), form={"a": ["1", "2"], "b": "x y"})
    call(http_to(erp), method="put", text="plain", headers={"content-type": "text/csv"})
    assert [one["body"] for one in erp.arrivals] == ["a=1&a=2&b=x+y", "plain"]
    assert [one["headers"].get("Content-Type") or one["headers"]["content-type"] for one in erp.arrivals] == [
        "application/x-www-form-urlencoded", "text/csv",
    ]  # fmt: skip


def test_reading_never_counts_as_sent(erp):
    world = World()
    call(http_to(erp), world, method="GET", path="orders/1")
    erp.behave("drop")
    said, again, _after, unsure = failure(http_to(erp), world, method="GET", path="orders/1")
    assert (world.sent, again, unsure) == (0, True, False)
    assert said == (
        f"{erp.url}/api/orders/1: the answer was lost: Server disconnected without sending a response."
    )


@pytest.mark.parametrize(
    ("status", "again"),
    [(400, False), (401, False), (404, False), (408, True), (409, False), (422, False), (425, True), (429, True),
     (500, True), (502, True), (503, True), (504, True)],
)  # fmt: skip
def test_a_status_says_whether_trying_again_can_help(erp, status, again):
    erp.behave("status", status=status, body='{"error": "no stock"}')
    assert failure(http_to(erp), path="/orders") == (
        f'{erp.url}/api/orders answered {status}: {{"error": "no stock"}}', again, None, False,
    )  # fmt: skip


def test_expected_statuses_replace_the_usual_ones(erp):
    erp.behave("status", status=409)
    assert call(http_to(erp), expect=[201, 409])["status"] == 409
    erp.behave("status", status=200)
    assert failure(http_to(erp), expect=[201])[1:] == (False, None, False)


@pytest.mark.parametrize(
    ("said", "after"),
    [("120", 120.0), ("0", 0.0), ("Wed, 04 Mar 2026 01:31:00 GMT", 60.0), ("Wed, 04 Mar 2026 01:00:00 GMT", 0.0),
     ("999999999", 86400.0), ("soon", None), ("-5", None)],
)  # fmt: skip
def test_the_other_side_may_say_when_to_come_again(erp, said, after):
    erp.behave("status", status=503, headers={"Retry-After": said})
    assert failure(http_to(erp))[1:] == (True, after, False)


def test_a_lost_answer_is_unsure(erp):
    erp.behave("drop")
    said, again, after, unsure = failure(http_to(erp), path="/orders", json={"n": 1})
    assert (again, after, unsure) == (True, None, True)
    assert said == f"{erp.url}/api/orders: the answer was lost: Server disconnected without sending a response."
    assert erp.log.keys() == {"k-1": 1}


def test_an_answer_that_never_comes_is_unsure_and_the_limit_holds(erp):
    erp.behave("hang")
    began = time.monotonic()
    said, again, _after, unsure = failure(http_to(erp), path="/orders", seconds=0.3)
    assert time.monotonic() - began < 1.5
    assert (said, again, unsure) == (f"{erp.url}/api/orders: the answer was lost: no answer within 0.3 s", True, True)


def test_an_answer_in_drops_ends_at_the_limit(erp):
    erp.behave("trickle", body="x" * 1000)
    began = time.monotonic()
    said, again, _after, unsure = failure(http_to(erp), seconds=0.4)
    assert time.monotonic() - began < 1.5
    assert (said, again, unsure) == (f"{erp.url}/api answered 200, but the answer broke off.", True, True)


def test_half_an_answer_is_unsure_for_what_writes_only(erp):
    erp.behave("half")
    assert failure(http_to(erp))[1:] == (True, None, True)
    assert failure(http_to(erp), method="GET")[1:] == (True, None, False)


def test_a_slow_answer_is_waited_for(erp):
    erp.behave("slow", seconds=0.2)
    assert call(http_to(erp))["seconds"] >= 0.2


def test_nobody_there_is_no_doubt():
    with HttpRecorder() as gone:
        connection = http_to(gone)
    world = World()
    said, again, _after, unsure = failure(connection, world)
    assert (said, again, unsure) == (f"127.0.0.1:{gone.port} cannot be reached: Connection refused", True, False)
    assert world.sent == 0


def test_the_key_is_the_same_at_every_attempt_and_cannot_be_overruled(erp):
    erp.behave("status", status=503, times=2)
    connection = http_to(erp, headers={"idempotency-key": "mine"})
    for attempt in (1, 2, 3):
        try:
            call(connection, attempt=attempt, key="m-9", headers={"IDEMPOTENCY-KEY": "mine"})
        except DeliveryFailed:
            continue
    assert [one["key"] for one in erp.arrivals] == ["m-9"] * 3
    assert erp.log.keys(taken=True) == {"m-9": 1}


def test_another_header_can_carry_the_key(erp):
    call(http_to(erp, key_header="X-Request-Id"), key="m-9")
    assert erp.arrivals[0]["headers"]["X-Request-Id"] == "m-9"


def test_only_a_megabyte_is_kept(erp):
    erp.behave("ok", body="")
    erp.behaviour.mode, erp.behaviour.body = "as told", json.dumps("x" * 2_000_000)
    result = call(http_to(erp))
    assert (result["size"], result["cut"], len(result["text"])) == (1024 * 1024, True, 1024 * 1024)


@pytest.mark.parametrize("body", ["NaN", "[" * 100_000, '"\\ud800"', '"\\u0000"', "9" * 10_000, "", "{"])
def test_json_no_database_can_keep_stays_text(erp, body):
    erp.behave("as told", body=body)
    result = call(http_to(erp))
    assert result["text"] == body
    assert "json" not in result


def test_what_is_no_text_is_only_counted(erp):
    erp.behave("as told", body="%PDF-1.7", headers={"Content-Type": "application/pdf"})
    result = call(http_to(erp))
    assert (result["text"], result["size"]) == (None, 8)


def test_who_stops_before_sending_sends_nothing(erp):
    class Fenced(Exception):
        pass

    def stop():
        raise Fenced

    world = World()
    world.before = stop
    with pytest.raises(Fenced):
        call(http_to(erp), world)
    assert erp.arrivals == []


def test_a_database_that_is_gone_is_nobodys_refusal(erp):
    class Gone(Exception):
        pass

    class Broken(World):
        def secret(self, name, host):
            raise Gone

    with pytest.raises(Gone):
        call(http_to(erp, auth=BearerCredential(token=Secret("T"))), Broken())


# --- who calls


def signed(erp, auth, **secrets):
    world = World(secrets)
    call(http_to(erp, auth=auth), world, path="/x", json={"n": 1}, key="m-3")
    return erp.arrivals[-1], world


def test_basic_and_bearer(erp):
    arrival, world = signed(erp, BasicCredential(user="desk", password=Secret("PW")), PW="geheim:1")
    assert arrival["headers"]["Authorization"] == "Basic ZGVzazpnZWhlaW06MQ=="
    assert world.shown == [("PW", "127.0.0.1")]
    arrival, _ = signed(erp, BearerCredential(token=Secret("TOKEN")), TOKEN="abc-def")
    assert arrival["headers"]["Authorization"] == "Bearer abc-def"


def test_headers_and_parameters(erp):
    arrival, _ = signed(erp, HeaderCredential(values={"X-Id": Secret("ID"), "X-Key": Secret("K")}), ID="me", K="kk")
    assert (arrival["headers"]["X-Id"], arrival["headers"]["X-Key"]) == ("me", "kk")
    arrival, _ = signed(erp, QueryCredential(values={"key": Secret("K")}), K="a&b=c")
    assert arrival["path"] == "/api/x?key=a%26b%3Dc"


def test_an_hmac_of_the_body(erp):
    auth = HmacCredential(key=Secret("K"), header="X-Hub-Signature-256", prefix="sha256=")
    arrival, _ = signed(erp, auth, K="shared")
    expected = hmac.new(b"shared", b'{"n":1}', hashlib.sha256).hexdigest()
    assert arrival["headers"]["X-Hub-Signature-256"] == f"sha256={expected}"


def test_our_own_signature_covers_time_and_body(erp):
    arrival, _ = signed(erp, SignatureCredential(key=Secret("K")), K="shared")
    headers = arrival["headers"]
    assert (headers["X-Appmill-Timestamp"], headers["X-Appmill-Delivery"]) == ("1772587800", "m-3")
    expected = hmac.new(b"shared", b'1772587800.{"n":1}', hashlib.sha256).hexdigest()
    assert headers["X-Appmill-Signature"] == expected


def test_a_secret_that_is_not_set_is_named_and_nothing_is_sent(erp):
    said = failure(http_to(erp, auth=BearerCredential(token=Secret("TOKEN"))))
    assert said == ("The secret TOKEN is not set.", True, None, False)
    assert erp.arrivals == []


def test_what_the_other_side_repeats_of_a_secret_is_masked(erp):
    world = World({"TOKEN": "s3cr3t/value"})
    connection = http_to(erp, auth=BearerCredential(token=Secret("TOKEN")))
    erp.behave("status", status=401, body="unknown token s3cr3t/value, s3cr3t%2Fvalue, czNjcjN0L3ZhbHVl")
    assert failure(connection, world)[0] == f"{erp.url}/api answered 401: unknown token •••, •••, •••"
    erp.behave("as told", body='{"s3cr3t/value": ["Bearer s3cr3t/value"]}')
    assert call(connection, world)["json"] == {"•••": ["Bearer •••"]}


# --- TLS


def test_a_certificate_is_checked_against_the_name(tmp_path):
    server, client = certificate(tmp_path, "127.0.0.1")
    with HttpRecorder(tls=server) as erp:
        trusting = Network(tls=lambda: client)
        send = partial(http_kind.perform, network=trusting)
        assert send(task("http", http_to(erp)), World())["status"] == 200
        said, again, _after, unsure = failure(http_to(erp))
        assert (said, again, unsure) == ("No secure connection to 127.0.0.1: self-signed certificate", True, False)
        other = http_to(erp, base_url=f"https://localhost:{erp.port}")
        with pytest.raises(DeliveryFailed) as caught:
            send(task("http", other), World())
    assert str(caught.value) == (
        "No secure connection to localhost: Hostname mismatch, certificate is not valid for 'localhost'."
    )


@pytest.mark.parametrize("kind", ["http", "tls", "starttls"])
def test_a_handshake_in_drops_ends_at_the_limit(kind, tmp_path):
    """A peer that sends a byte now and then keeps a socket's own time-out from ever striking."""
    connection_of = {
        "http": lambda port: http_to(Named(port), base_url=f"https://127.0.0.1:{port}"),
        "tls": lambda port: smtp_to(Named(port), security="tls"),
        "starttls": lambda port: smtp_to(Named(port), security="starttls"),
    }[kind]
    with slow_peer(*([b"220 me\r\n", b"250-me\r\n250 STARTTLS\r\n", b"220 go\r\n"] if kind == "starttls" else [])) as port:
        began = time.monotonic()
        with pytest.raises(DeliveryFailed) as caught:
            (call if kind == "http" else mail)(connection_of(port), seconds=0.4)
        assert time.monotonic() - began < 1.5
    assert (str(caught.value), caught.value.again, caught.value.unsure) == (
        "No secure connection to 127.0.0.1: it took too long", True, False,
    )  # fmt: skip


class Named:
    def __init__(self, port):
        self.port, self.url = port, f"http://127.0.0.1:{port}"


@contextmanager
def slow_peer(*said):
    """Says this, one thing after each thing it hears, and then the beginning of a TLS record, byte by byte."""
    ended = threading.Event()

    def serve():
        with suppress(OSError):
            line, _ = server.accept()
            with line:
                for words in said:
                    line.sendall(words)
                    line.recv(1000)
                line.sendall(b"\x16\x03\x03\x40\x00")
                while not ended.wait(0.05):
                    line.sendall(b"\x02")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        ended.set()
        thread.join()


# --- mistakes of whoever calls


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"path": "/orders?x=1"}, "A path ends before '?' and '#'; what follows belongs into query."),
        ({"path": "/orders/../admin"}, "A path has no '.' or '..' parts and no control characters."),
        ({"path": "/orders/%2e%2e/admin"}, "A path has no '.' or '..' parts and no control characters."),
        ({"path": "/orders/%252e%252e%255cadmin"}, "A path has no '.' or '..' parts and no control characters."),
        ({"path": "/a\r\nX: y"}, "A path has no '.' or '..' parts and no control characters."),
        ({"method": "TRACE"}, "There is no method 'TRACE'."),
        ({"headers": {"Host": "a"}}, "The header Host is set by Appmill itself."),
        ({"headers": {"X-A": "b\r\nX-C: d"}}, "The header X-A has a line break in its value."),
        ({"json": 1, "text": "x"}, "A call has one body: json, text or form."),
    ],
)  # fmt: skip
def test_a_malformed_call_is_refused_before_anything_is_sent(erp, how, said):
    assert failure(http_to(erp), **how) == (said, False, None, False)
    assert erp.arrivals == []


def test_a_malformed_header_name_is_refused(erp):
    said, again, _after, unsure = failure(http_to(erp), headers={"X A": "b"})
    assert (said, again, unsure) == (
        f"{erp.url}/api: the request is malformed: Illegal header name b'X A'", False, False,
    )  # fmt: skip


def test_a_path_of_any_letters_is_written_as_addresses_are(erp):
    call(http_to(erp), path="/订单/a b%20c")
    assert erp.arrivals[0]["path"] == "/api/%E8%AE%A2%E5%8D%95/a%20b%20c"


def test_an_unknown_kind_is_said():
    with pytest.raises(DeliveryFailed, match=r"^Nobody performs 'fax' here\.$"):
        carry_out(REGISTRY, task("fax", None), World())
