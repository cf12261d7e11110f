"""Calls by HTTP: one request, sent where the connection allows, its answer judged.

``perform`` reads a task; ``send`` is what connectors of plugins use. Every request carries the key of its task, so that
the other side can know a repetition. A new connection is made for each call: with a kept one, nobody could tell a
request that was lost from one that came too late.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode, urljoin

from engine.connectors import HttpConnection
from engine.credentials import TokenCall
from engine.errors import DeliveryFailed, message
from engine.language import frozen
from engine.outside.answers import MOST, Answer, beginning, judge, shown
from engine.outside.exchanges import Exchange, readable
from engine.outside.guard import Url, path_mistake
from engine.outside.network import Deadline, Network
from engine.outside.oauth import ask_token, may_renew
from engine.outside.request import Request, base_of, laid_over, read, wrong
from engine.outside.task import Surroundings, Task
from engine.outside.wire import exchange

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
NETWORK = Network()


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is wanted: ``path`` below the connection's base_url or a whole ``url``; at most one of ``json``, ``text``
    and ``form``. ``expect``: the statuses that mean success, default all of 200 to 299. ``part`` tells several requests
    of one task apart. ``reads``: asking twice is asking once, whatever the method; ``largest``: bytes of the answer."""

    method: str = "POST"
    path: str = ""
    url: str | None = None
    query: Mapping[str, Any] = field(default_factory=frozen)
    headers: Mapping[str, str] = field(default_factory=frozen)
    json: Any = None
    text: str | None = None
    form: Mapping[str, Any] | None = None
    expect: Sequence[int] = ()
    part: str = ""
    reads: bool | None = None
    largest: int = MOST


def perform(task: Task, surroundings: Surroundings, *, network: Network = NETWORK) -> Mapping[str, Any]:
    """The kind ``http``: ``task.data`` has the keys of ``Call``."""
    connection = task.connection
    if not isinstance(connection, HttpConnection):
        raise DeliveryFailed(message("An HTTP call needs a connection of type http."), again=False)
    call = Call(**{name: value for name, value in task.data.items() if value is not None})
    return shown(send(connection, call, task, surroundings, network=network))


def send(
    connection: HttpConnection, call: Call, task: Task, surroundings: Surroundings, *, network: Network = NETWORK
) -> Answer:
    """Send one request and answer what came back, when it is a success. Raises DeliveryFailed."""
    deadline = Deadline(task.seconds)
    first = request = _request(connection, call, key_of(task, call))
    for hop in range(connection.redirects + 1):
        try:
            answer = _exchanged(connection, request, call, task, deadline, surroundings, network)
            onward = _onward(connection, request, answer) if hop < connection.redirects else None
            if onward is None:
                judge(answer, str(request.url), call.expect, surroundings.now(), reads=request.reads)
                break
        except DeliveryFailed as failure:
            failure.unsure |= request.reads and not first.reads  # it was done, and then only looked at
            raise
        request = onward
    return answer


def key_of(task: Task, call: Call) -> str:
    """By which the other side can know a repetition."""
    return f"{task.key}-{call.part}" if call.part else task.key


def _exchanged(
    connection: HttpConnection, request: Request, call: Call, task: Task, deadline: Deadline,
    surroundings: Surroundings, network: Network,
) -> Answer:  # fmt: skip
    """One exchange; where a token was refused, another with a new one: what is refused so had no effect."""
    shown: list[tuple[TokenCall, str]] = []

    def token(asked: TokenCall) -> str:
        def ask() -> tuple[str, float]:
            return ask_token(connection, asked, deadline, surroundings, network)

        shown.append((asked, surroundings.kept(asked.name, ask)))
        return shown[-1][1]

    def once() -> Answer:
        sent = request.shown_by(connection, key_of(task, call), surroundings, token)
        return _noted(sent, connection, call, task, deadline, surroundings, network)

    answer = once()
    if answer.status != 401 or not shown:
        return answer
    asked, refused = shown[0]
    if token(asked) == refused:  # nobody else renewed it in the meantime
        if not may_renew(asked, surroundings):
            raise _refused(request, answer)
        surroundings.forget(asked.name)
    answer = once()
    if answer.status == 401:
        raise _refused(request, answer)
    return answer


def _refused(request: Request, answer: Answer) -> DeliveryFailed:
    """A refused token may be a good one tomorrow, unlike a wrong password."""
    return DeliveryFailed(
        message("{place} refuses the token that was got for it: {text}", place=request.url, text=beginning(answer))
    )


def _noted(
    sent: Request, connection: HttpConnection, call: Call, task: Task, deadline: Deadline, surroundings: Surroundings,
    network: Network,
) -> Answer:  # fmt: skip
    """The answer; the ledger learns of it, and of what came instead."""
    said = Exchange(
        str(task.data.get("operation", "")), sent.method, str(sent.url), surroundings.now(), 0.0,
        sent=readable(sent.body, sent.headers.get("Content-Type", "")),
    )  # fmt: skip
    began = time.monotonic()
    try:
        answer = exchange(sent, connection.private, deadline, surroundings, network, call.largest)
    except DeliveryFailed as failure:
        surroundings.note(replace(said, seconds=time.monotonic() - began, error=str(failure.reason)))
        raise
    surroundings.note(replace(
        said, seconds=answer.seconds, status=answer.status,
        answered=readable(answer.body, answer.headers.get("content-type", "")),
    ))  # fmt: skip
    return answer


# --- from what is wanted to a request


def _request(connection: HttpConnection, call: Call, key: str) -> Request:
    method = call.method.upper()
    if method not in METHODS:
        raise wrong(message("There is no method '{method}'.", method=method))
    body, media_type = _body(call)
    own = {"Accept": "application/json, */*;q=0.5", "Accept-Encoding": "identity", "User-Agent": "Appmill"}
    own |= {"Content-Type": media_type} if media_type else {}
    headers = laid_over(own, connection.headers, call.headers)
    named = laid_over(headers, {connection.key_header: key})
    return Request(method, _url(connection, call), named, body, asks=call.reads)


def _body(call: Call) -> tuple[bytes, str]:
    """The bytes and their media type."""
    if sum(part is not None for part in (call.json, call.text, call.form)) > 1:
        raise wrong(message("A call has one body: json, text or form."))
    if call.json is not None:
        return json.dumps(call.json, ensure_ascii=False, separators=(",", ":")).encode(), "application/json"
    if call.form is not None:
        return urlencode(call.form, doseq=True).encode(), "application/x-www-form-urlencoded"
    if call.text is not None:
        return call.text.encode(), "text/plain; charset=utf-8"
    return b"", ""


def _url(connection: HttpConnection, call: Call) -> Url:
    url = read(call.url) if call.url is not None else _below(base_of(connection), call.path)
    if not may_go(connection, url):
        raise wrong(
            message("'{connection}' does not lead to {url}; its hosts are listed.", connection=connection.name, url=url)
        )
    query = urlencode({name: value for name, value in call.query.items() if value is not None}, doseq=True)
    return replace(url, query="&".join(part for part in (url.query, query) if part))


def _below(base: Url, path: str) -> Url:
    if "?" in path or "#" in path:
        raise wrong(message("A path ends before '?' and '#'; what follows belongs into query."))
    if mistake := path_mistake(path):
        raise wrong(mistake)
    if not path:
        return base
    return replace(base, path=f"{base.path.rstrip('/')}/{quote(path.lstrip('/'), safe=_IN_PATHS)}")


_IN_PATHS = "/%:@!$&'()*+,;=-._~"


def may_go(connection: HttpConnection, url: Url) -> bool:
    """Whether a connection leads there: to the origin of its base_url, or to one of its hosts no less securely."""
    base = base_of(connection)
    if url.origin == base.origin:
        return True
    secure_enough = url.scheme == "https" or base.scheme == "http"
    return secure_enough and url.authority in {host.lower() for host in connection.hosts}


def _onward(connection: HttpConnection, request: Request, answer: Answer) -> Request | None:
    """The request a redirect asks for; None where there is none that may be followed."""
    location = answer.headers.get("location", "")
    if answer.status not in (301, 302, 303, 307, 308) or not location:
        return None
    url = read(urljoin(str(request.url), quote(location, safe="#?[]" + _IN_PATHS)).partition("#")[0])
    if not may_go(connection, url):
        raise wrong(
            message("{url} redirects to {other}, where '{connection}' does not lead.",
                    url=request.url, other=url, connection=connection.name)
        )  # fmt: skip
    if answer.status in (307, 308) or request.reads:
        return replace(request, url=url)
    if answer.status == 303:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-type"}
        return replace(request, method="GET", url=url, headers=headers, body=b"")
    return None
