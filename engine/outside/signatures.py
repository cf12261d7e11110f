"""Whether a message from outside is from whom it says: pure functions of its raw body and headers."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping

from engine.calendars import seconds_of
from engine.hooks import Manner, Signed

_SECONDS = re.compile("[0-9]{1,11}")
_NOBODYS = "the key of hooks that have none"  # worked with all the same, so that they take as long


def refusal(hook: Signed, secret: str | None, body: bytes, headers: Mapping[str, str], now: dt.datetime) -> str | None:
    """Why the message is not believed, for the log of deliveries; None when it is. ``headers`` by lower-case name.

    A hook whose secret is not set, or empty, believes nobody.
    """
    manner = hook.manner
    given, sent = headers.get(manner.header.lower(), ""), ""
    if manner.timestamp is not None:
        sent = headers.get(manner.timestamp.lower(), "")
    same = _same(manner, given, expected(manner, secret or _NOBODYS, body, sent if manner.timestamp else None))
    if not secret:
        return "the secret is not set"
    if not given:
        return "not signed"
    if not same:
        return "wrong signature"
    return _too_old(sent, now, seconds_of(hook.window)) if manner.timestamp is not None else None


def expected(manner: Manner, secret: str, body: bytes, timestamp: str | None) -> str:
    """What the header must hold."""
    if manner.encoding == "token":
        return secret
    signed = body if timestamp is None else timestamp.encode("utf-8", "replace") + b"." + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256)
    if manner.encoding == "base64":
        return manner.prefix + base64.b64encode(digest.digest()).decode()
    return manner.prefix + digest.hexdigest()


def _same(manner: Manner, given: str, wanted: str) -> bool:
    if manner.encoding == "hex":
        given = given.lower()
    elif manner.encoding == "token":
        given = given.removeprefix("Bearer ")
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _too_old(sent: str, now: dt.datetime, window: float) -> str | None:
    """A clock that is ahead is allowed as much as one that is behind."""
    if not _SECONDS.fullmatch(sent):
        return "no time of sending"
    return "too old" if abs(now.timestamp() - int(sent)) > window else None
