"""What comes by webhook is believed when it is signed, and read like what is looked for."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json

import pytest
from connecting.archive import REST, connection
from fake_clock import START
from surroundings import World

from engine.connectors import Forged, Item, Pushed
from engine.errors import DeliveryFailed

READ = """
reads:
  things:
    items: answer.data
    key: item.id
    version: item.changed_at
    webhook:
      secret: {secret: HOOK}
      signature: base64
      header: X-Archive-Signature
      delivery: X-Archive-Delivery
      items: "[payload.thing]"
      when: payload.topic != 'thing.seen'
      ping: payload.hello
"""
WORLD = World({"HOOK": "h-789"})


def told(content, *, read=READ, secret="h-789", media_type="application/json", at=START, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    given = {"content-type": media_type, "x-archive-signature": signature, "x-archive-delivery": "d-1"} | headers
    return connection(REST + read, "http://127.0.0.1:1").told("things", Pushed(body, given, {}, at), WORLD)


THING = {"id": 7, "changed_at": "2026-03-04T09:00:00+08:00"}


def test_a_signed_message_tells_its_things():
    assert told({"topic": "thing.changed", "thing": THING}).items == (Item("7", "2026-03-04T01:00:00.000000Z", THING),)
    assert told({"topic": "thing.changed", "thing": THING}).delivery == "d-1"


def test_what_tells_nothing():
    assert told({"topic": "thing.seen", "thing": THING}) is None
    assert told(b"hello=1", media_type="application/x-www-form-urlencoded", **{"x-archive-signature": ""}) is None


@pytest.mark.parametrize("secret", ["other", ""])
def test_nobody_believes_what_is_signed_by_somebody_else(secret):
    with pytest.raises(Forged, match=r"^A message to 'archive' is not believed: wrong signature\.$"):
        told({"topic": "x", "thing": THING}, secret=secret)
    with pytest.raises(Forged):
        told(b"no JSON", secret=secret)


def test_a_signed_time_runs_out():
    read = READ.replace("signature: base64", "signature: appmill").replace("header: X-Archive-Signature", "timestamp: X-Sent")
    body = json.dumps({"thing": THING}).encode()
    sent = int(START.timestamp())
    signature = hmac.new(b"h-789", f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"x-appmill-signature": signature, "x-sent": str(sent)}
    assert told(body, read=read, **headers).items[0].key == "7"
    with pytest.raises(Forged, match="too old"):
        told(body, read=read, at=START + dt.timedelta(minutes=6), **headers)


@pytest.mark.parametrize("content", [b"{", {"thing": "x"}, {"thing": {}}])
def test_a_message_that_is_broken_is_a_failure(content):
    with pytest.raises(DeliveryFailed):
        told(content)


def test_what_is_not_told_by_webhook_is_forged():
    plain = "reads: {things: {path: /things, items: answer, key: item.id}}"
    with pytest.raises(Forged, match="'archive' is not told by webhook"):
        told({}, read=plain)
    described = connection(REST + READ, "http://127.0.0.1:1").readings()["things"]
    assert (described.pulled, described.pushed, described.spans) == (False, True, False)
