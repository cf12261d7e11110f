"""What every contract server shares: an HTTP server on this machine that answers as a vendor's interface does, is as
strict with what it is sent, misbehaves on command, and remembers every effect it had.

    with serving(Shopify(...)) as shop:
        shop.vendor.order(...)            # something happens at the vendor's
        shop.vendor.mishaps.next("error") # and the next call fails
        ... the connector is pointed at shop.url ...
        assert shop.vendor.effects == [...]

A vendor is a pure machine: ``answer(asked) -> said`` under one lock, with the clock passed in; all that is of HTTP is
here. A mishap happens before the vendor acts (nothing came of the call) or after (it acted, and the answer was lost).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import random
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

LARGEST = 20_000_000
BEFORE = ("timeout", "error", "refuse")  # the call has no effect: no answer, HTTP 500, a cut line
AFTER = ("lost", "late_error", "half")  # it had its effect: no answer, HTTP 502, half of the body


@dataclass(frozen=True)
class Asked:
    """One request as it came in. ``headers`` have lower-case names; ``query`` keeps order and repetitions."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        return dict(self.query)

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(frozen=True)
class Said:
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def said(data: Any, status: int = 200, **headers: str) -> Said:
    """JSON; ``headers`` with ``_`` for ``-``."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status, json.dumps(data, ensure_ascii=False).encode(), {"Content-Type": "application/json", **named})


@dataclass(frozen=True)
class Effect:
    """Something a call changed at the vendor's: ``kind`` such as ship, stock, pause, resume; ``key`` what it was done
    to (order number, SKU); ``call`` the idempotency key it came with, where the contract has one."""

    kind: str
    key: str
    values: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""


@dataclass
class Mishaps:
    """What goes wrong: ``next(name)`` for the next call (or ``times`` of them), ``share[name]`` for that part of all
    calls, drawn from ``dice``. Names are those of BEFORE and AFTER, and what a vendor adds (its ``own_mishaps``)."""

    dice: random.Random = field(default_factory=lambda: random.Random(1))
    share: dict[str, float] = field(default_factory=dict)
    planned: deque[tuple[str, Callable[[Asked], bool]]] = field(default_factory=deque)
    happened: Counter[str] = field(default_factory=Counter)

    def next(self, name: str, times: int = 1, only: Callable[[Asked], bool] = lambda asked: True) -> None:
        self.planned.extend([(name, only)] * times)

    def draw(self, names: Sequence[str], asked: Asked) -> str | None:
        """The mishap of these that strikes this call, if any; it is counted."""
        for number, (name, only) in enumerate(self.planned):
            if name in names and only(asked):
                del self.planned[number]
                return self._count(name)
        for name in names:
            if self.dice.random() < self.share.get(name, 0.0):
                return self._count(name)
        return None

    def _count(self, name: str) -> str:
        self.happened[name] += 1
        return name


class Bucket:
    """A rate limit as vendors keep it: ``burst`` calls at once, then ``rate`` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.left, self.at = rate, burst, burst, None  # type: float, float, float, dt.datetime | None

    def take(self, now: dt.datetime, cost: float = 1.0) -> float:
        """0 when there was room; otherwise in how many seconds there is."""
        if self.at is not None:
            self.left = min(self.burst, self.left + (now - self.at).total_seconds() * self.rate)
        self.at = now
        if self.left >= cost:
            self.left -= cost
            return 0.0
        return (cost - self.left) / self.rate


class Vendor:
    """One vendor's side. Subclasses implement ``answer`` and say in ``own_mishaps`` what else they can do wrong, such
    as duplicate_page, missing_page, expired_token, error_inside; they ask ``self.strikes(name, asked)``."""

    own_mishaps: tuple[str, ...] = ()

    def __init__(self, clock: Callable[[], dt.datetime] | None = None) -> None:
        self.clock = clock or (lambda: dt.datetime.now(dt.UTC))
        self.mishaps = Mishaps()
        self.effects: list[Effect] = []
        self.asked: list[Asked] = []  # every call that was understood
        self.refused: list[str] = []  # why calls were refused: what our side did wrong
        self.limited = 0  # calls over the limit
        self.hang = 3.0  # seconds a call without answer is held
        self.lock = threading.RLock()

    def answer(self, asked: Asked) -> Said:
        raise NotImplementedError

    def strikes(self, name: str, asked: Asked) -> bool:
        return self.mishaps.draw((name,), asked) is not None

    def effected(self, kind: str) -> Counter[str]:
        """How often each key had an effect of this kind."""
        return Counter(effect.key for effect in self.effects if effect.kind == kind)


class Cut(Exception):
    """The line is cut without an answer, after ``seconds``."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds


def respond(vendor: Vendor, asked: Asked) -> Said:
    """The vendor's answer with the mishap that strikes it. Raises Cut."""
    with vendor.lock:
        before = vendor.mishaps.draw(BEFORE, asked)
        if before == "error":
            return Said(500, b"<html>Internal Server Error</html>", {"Content-Type": "text/html"})
        if before is None:
            after = vendor.mishaps.draw(AFTER, asked)
            answer = vendor.answer(asked)
            if after == "late_error":
                return Said(502, b"Bad Gateway")
            if after == "half":
                return Said(answer.status, answer.body, {**answer.headers, "X-Half": "1"})
    if before is not None or after == "lost":
        raise Cut(0.0 if before == "refuse" else vendor.hang)
    return answer


@dataclass(frozen=True)
class Served:
    """``url`` without a slash at its end."""

    url: str
    port: int
    vendor: Any


@contextmanager
def serving(vendor: Vendor, port: int = 0) -> Iterator[Served]:
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(vendor))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        bound = server.server_address[1]
        yield Served(f"http://127.0.0.1:{bound}", bound, vendor)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(vendor: Vendor) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > LARGEST:
                return self._send(Said(413))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = tuple(parse_qsl(parts.query, keep_blank_values=True))
            try:
                self._send(respond(vendor, Asked(self.command, parts.path, query, headers, self.rfile.read(length))))
            except Cut as cut:
                time.sleep(cut.seconds)
                self._cut()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _any

        def _send(self, answer: Said) -> None:
            headers = dict(answer.headers)
            half = headers.pop("X-Half", None) is not None
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)
            if half:
                self._cut()

        def _cut(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):  # the other side was quicker
                self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, *args: object) -> None:
            return

    return Handler
