"""The door of 金蝶云·星空: signed calls, or a session that was signed in for, and what the answers mean.

Both signatures were derived from the vendor's own SDK and compared with it. HTTP 200 says nothing: ``ResponseStatus``
does, which a query wraps as ``[[{"Result": …}]]``, where a careless reader sees one row.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from engine.api import Answer, Credential, DeliveryFailed, Secret, Signing, message
from plugins.channels.asking import data_of, refused

END = ".common.kdsvc"
FORMS = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService."
AUTH = "Kingdee.BOS.WebApi.ServicesStub.AuthService."
SESSION = "kdservice-sessionid"
CHINESE = 2052
MASK = b"0054f397c6234378b09ca7d3e5debce7"  # what the second part of an app id is mixed with
NO_SESSION = 1
PASSES = ("超时", "稍后", "繁忙", "死锁")


class SessionLost(DeliveryFailed):
    """The session is over; the next call signs in again."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Signed(Credential):
    """The headers by which an application shows itself: one signature over the call, one over who acts."""

    path: str
    app_id: Secret
    app_secret: Secret
    actor: str  # account,user,language,organisation
    session: str

    def headers(self, signing: Signing) -> Mapping[str, str]:
        app_id, nonce = signing.value(self.app_id), secrets.token_hex(8)
        first, _, second = app_id.partition("_")
        if not second:
            raise DeliveryFailed(message("The app id of Kingdee has two parts, joined by '_'."), again=False)
        stamp = str(signing.moment)
        call = f"POST\n{quote(self.path, safe='')}\n\nx-api-nonce:{nonce}\nx-api-timestamp:{stamp}\n"
        return {
            "X-Api-ClientID": first, "X-Api-Auth-Version": "2.0", "x-api-timestamp": stamp, "x-api-nonce": nonce,
            "x-api-signheaders": "x-api-timestamp,x-api-nonce", "X-Api-Signature": hexed(client_secret(second), call),
            "X-Kd-Appkey": app_id, "X-Kd-Appdata": b64encode(self.actor.encode()).decode(),
            "X-Kd-Signature": hexed(signing.value(self.app_secret), app_id + self.actor),
            **({SESSION: self.session} if self.session else {}),
        }  # fmt: skip


def hexed(key: str, text: str) -> str:
    """base64 of the hexadecimal HMAC-SHA256, as both signatures are written."""
    return b64encode(hmac.new(key.encode(), text.encode(), sha256).hexdigest().encode()).decode()


def client_secret(second: str) -> str:
    """What the second part of an app id hides."""
    try:
        hidden = b64decode(second + "=" * (-len(second) % 4))
    except ValueError:
        raise DeliveryFailed(message("The app id of Kingdee has two parts, joined by '_'."), again=False) from None
    return b64encode(bytes(a ^ b for a, b in zip(hidden, MASK, strict=False))).decode()


def login_signature(*known: str) -> str:
    """Account, user, app id, app secret and time in the order of their texts, SHA-256."""
    return sha256("".join(sorted(known)).encode()).hexdigest()


def session_of(answer: Answer) -> str:
    """The session an answer opens or goes on with; "" where it tells none."""
    for part in answer.headers.get("set-cookie", "").replace(",", ";").split(";"):
        name, _, value = part.strip().partition("=")
        if name == SESSION:
            return value
    return ""


def judged(answer: Answer, place: str, *, writes: bool) -> Any:
    """The JSON of an answer that says nowhere that it went wrong. Raises DeliveryFailed, SessionLost."""
    told = data_of(answer, place, writes=writes)
    inner = told
    while isinstance(inner, list) and len(inner) == 1 and isinstance(inner[0], (list, dict)):
        inner = inner[0]
    status = status_of(inner)
    if status is not None and status.get("IsSuccess") is not True:
        raise _refused(place, status)
    if isinstance(inner, dict) and status is None and "Result" not in inner and "LoginResultType" not in inner:
        raise refused(place, answer.status, json.dumps(inner, ensure_ascii=False), again=True, unsure=writes)
    return told


def status_of(told: Any) -> Mapping[str, Any] | None:
    result = told.get("Result") if isinstance(told, dict) else None
    status = result.get("ResponseStatus") if isinstance(result, dict) else None
    return status if isinstance(status, dict) else None


def _refused(place: str, status: Mapping[str, Any]) -> DeliveryFailed:
    errors = [error for error in status.get("Errors") or () if isinstance(error, dict)]
    words = "; ".join(str(error.get("Message")) for error in errors) or "?"
    if status.get("MsgCode") == NO_SESSION:
        return SessionLost(message("{place} answered {status}: {text}", place=place, status=NO_SESSION, text=words))
    passes = any(word in words for word in PASSES)
    return refused(place, status.get("MsgCode") or status.get("ErrorCode") or 500, words, again=passes,
                   after=5.0 if passes else None)  # fmt: skip
