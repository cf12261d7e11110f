"""Asking for a token that runs out (OAuth 2, RFC 6749 sections 4.4 and 6) and asking anew when it was refused."""

from __future__ import annotations

from urllib.parse import urlencode

from engine.connectors import HttpConnection
from engine.credentials import Secret, TokenCall
from engine.errors import DeliveryFailed, message
from engine.outside.answers import Answer, judge, read_json
from engine.outside.network import Deadline, Network
from engine.outside.request import Request, read
from engine.outside.signing import basic
from engine.outside.task import Surroundings
from engine.outside.wire import exchange

USUAL = 3600.0  # seconds a token is good for where the other side does not say
REST = 120.0  # seconds after a renewal in which a refused token is believed: asking again would not help


def ask_token(
    connection: HttpConnection, asked: TokenCall, deadline: Deadline, surroundings: Surroundings, network: Network
) -> tuple[str, float]:
    """A new token, and for how many seconds it is good. Raises DeliveryFailed."""
    url = read(asked.url)

    def value(secret: Secret) -> str:
        return surroundings.secret(secret.secret, url.host)

    form = {**asked.form, **{name: value(secret) for name, secret in asked.secrets.items()}}
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Appmill",
               "Content-Type": "application/x-www-form-urlencoded"}  # fmt: skip
    shown = {"Authorization": basic(asked.user[0], value(asked.user[1]))} if asked.user else {}
    request = Request("POST", url, headers, urlencode(form).encode(), secret_headers=shown, asks=True)
    answer = exchange(request, connection.private, deadline, surroundings, network)
    judge(answer, str(url), (), surroundings.now(), reads=True)
    return _token_in(answer, str(url))


def _token_in(answer: Answer, place: str) -> tuple[str, float]:
    told = read_json(answer.text)
    token = told.get("access_token") if isinstance(told, dict) else None
    if not isinstance(token, str) or not token:
        raise DeliveryFailed(message("{place} answered without an access_token.", place=place))
    try:
        seconds = float(told.get("expires_in") or USUAL)
    except (TypeError, ValueError):
        seconds = USUAL
    return token, seconds


def may_renew(asked: TokenCall, surroundings: Surroundings) -> bool:
    """Whether a refused token is asked for anew: once, and not again before it has rested."""
    first: list[bool] = []

    def begin() -> tuple[str, float]:
        first.append(True)
        return "1", REST

    surroundings.kept(f"{asked.name} rests", begin)
    return bool(first)
