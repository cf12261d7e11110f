"""Servers that write down everything that reaches them: the judges of what really left the process.

In a test: ``with HttpRecorder() as http, SmtpRecorder() as smtp``. Beside several processes:

    python tests/outside/recorders.py --http-port 8001 --smtp-port 8002 --log /tmp/log.db

writes a line of JSON per arrival (or a row, when the log ends in .db) and can be told to misbehave while it runs:
``POST /_behave`` with ``{"http": {...}, "smtp": {...}}`` (the fields of ``Behaviour``), ``GET /_arrivals`` lists what
came. An arrival is written down before it is answered; one with ``taken`` was acknowledged, or would have been.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import email
import email.policy
import json
import os
import random
import signal
import sqlite3
import ssl
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Behaviour:
    """How a recorder answers. ``mode``: ok, status (HTTP ``status`` or SMTP ``status``), hang (never answers), drop (the
    line is cut after everything arrived), refuse (cut before anything is read), half (a part of the answer), trickle (a
    byte every 50 ms), slow (after ``seconds``). ``times``: for so many arrivals, then ok; ``share``: of all arrivals."""

    mode: str = "ok"
    status: int = 0
    seconds: float = 0.0
    times: int | None = None
    share: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    stage: str = "data"  # SMTP: where it happens: connect, ehlo, auth, mail, rcpt, data
    only: str = ""  # SMTP: only receivers that hold this text

    def now(self) -> Behaviour:
        """The behaviour for this arrival; counts it."""
        if self.mode == "ok" or (self.share < 1 and random.random() > self.share):
            return Behaviour()
        if self.times is not None:
            if self.times <= 0:
                return Behaviour()
            self.times -= 1
        return self


@dataclass
class Log:
    """Everything that arrived, in memory and, given a path, in a file that is only appended to."""

    path: Path | None = None
    arrivals: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, **arrival: Any) -> None:
        arrival["at"] = time.time()
        with self.lock:
            self.arrivals.append(arrival)
            if self.path is not None:
                _append(self.path, arrival)

    def keys(self, kind: str | None = None, *, taken: bool = True) -> Counter[str]:
        """How often each key was acknowledged (or arrived at all)."""
        return count_keys(list(self.arrivals), kind, taken=taken)


def _append(path: Path, arrival: dict[str, Any]) -> None:
    if path.suffix == ".db":
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS arrival (n INTEGER PRIMARY KEY, kind TEXT, key TEXT, taken INT, data TEXT)")
            db.execute(
                "INSERT INTO arrival (kind, key, taken, data) VALUES (?, ?, ?, ?)",
                (arrival["kind"], arrival["key"], arrival["taken"], json.dumps(arrival)),
            )
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, json.dumps(arrival).encode() + b"\n")
    finally:
        os.close(handle)


def read_log(path: str | Path) -> list[dict[str, Any]]:
    """The arrivals a recorder process wrote down, in order."""
    path = Path(path)
    if not path.exists():
        return []
    if path.suffix == ".db":
        with contextlib.closing(sqlite3.connect(path, timeout=30)) as db:
            return [json.loads(data) for (data,) in db.execute("SELECT data FROM arrival ORDER BY n")]
    return [json.loads(line) for line in path.read_text().splitlines()]


def count_keys(arrivals: list[dict[str, Any]], kind: str | None = None, *, taken: bool = True) -> Counter[str]:
    return Counter(
        one["key"] for one in arrivals if (kind is None or one["kind"] == kind) and (one["taken"] or not taken)
    )


# --- HTTP


class HttpRecorder:
    """An HTTP server on a free port (or ``port``). ``behaviour`` may be changed at any time; ``paths`` overrules it for
    single paths."""

    def __init__(self, port: int = 0, *, log: Log | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.log = log or Log()
        self.behaviour = Behaviour()
        self.paths: dict[str, Behaviour] = {}
        self.other: SmtpRecorder | None = None  # whom /_behave may change, too
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.recorder = self
        self.secure = tls is not None
        if tls is not None:
            self._server.tls = tls
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    @property
    def arrivals(self) -> list[dict[str, Any]]:
        return self.log.arrivals

    def behave(self, mode: str = "ok", **how: Any) -> None:
        self.behaviour = Behaviour(mode, **how)

    def __enter__(self) -> HttpRecorder:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    recorder: HttpRecorder
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.tls is None:
            super().finish_request(request, client_address)
            return
        secure = self.tls.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with secure:
            secure.do_handshake()
            super().finish_request(secure, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Lines that break off are what these servers are for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def answer(self) -> None:
        recorder = self.server.recorder
        if self.path.startswith("/_"):
            self._about_itself(recorder)
            return
        how = recorder.paths.get(self.path.partition("?")[0], recorder.behaviour).now()
        if how.mode == "refuse":
            self._cut()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        recorder.log.add(
            kind="http",
            key=self.headers.get("Idempotency-Key", ""),
            taken=how.mode != "status" or 200 <= how.status < 300,
            method=self.command,
            path=self.path,
            headers=dict(self.headers.items()),
            body=body.decode("utf-8", "replace"),
        )
        if how.mode == "hang":
            recorder.ended.wait(60)
        if how.mode in ("drop", "hang"):
            self._cut()
            return
        if how.mode == "slow":
            recorder.ended.wait(how.seconds)
        self._say(how)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def _say(self, how: Behaviour) -> None:
        status = how.status or 200
        body = (json.dumps({"ok": status < 300}) if how.body is None else how.body).encode()
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | how.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD" or status == 204:
            return
        if how.mode == "half":
            self.wfile.write(body[: len(body) // 2])
            self._cut()
        elif how.mode == "trickle":
            for byte in body:
                self.wfile.write(bytes([byte]))
                if self.server.recorder.ended.wait(0.05):
                    return
        else:
            self.wfile.write(body)

    def _about_itself(self, recorder: HttpRecorder) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/_behave":
            told = json.loads(body)
            if "http" in told:
                recorder.behaviour = Behaviour(**told["http"])
            if "smtp" in told and recorder.other is not None:
                recorder.other.behaviour = Behaviour(**told["smtp"])
        self._say(Behaviour(body=json.dumps(recorder.log.arrivals if self.path == "/_arrivals" else {"ok": True})))

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(2)

    def log_message(self, *_args: Any) -> None:
        """Quiet: the log is the record."""


# --- SMTP


class SmtpRecorder:
    """An SMTP server on a free port (or ``port``). ``users``: who may sign in, with their passwords; ``tls``: offers
    STARTTLS, or with ``secure`` speaks TLS from the start."""

    def __init__(
        self,
        port: int = 0,
        *,
        log: Log | None = None,
        tls: ssl.SSLContext | None = None,
        secure: bool = False,
        users: dict[str, str] | None = None,
    ) -> None:
        self.log = log or Log()
        self.behaviour = Behaviour()
        self.signed_in: list[str] = []
        self.users = users or {}
        self.ended = threading.Event()
        self._controller = _Controller(
            _Mails(self), hostname="127.0.0.1", port=port or _free_port(), ssl_context=tls if secure else None,
        )  # fmt: skip
        self._controller.recorder = self
        self._controller.starttls = None if secure else tls
        self.port = int(self._controller.port)

    @property
    def arrivals(self) -> list[dict[str, Any]]:
        return self.log.arrivals

    def behave(self, mode: str = "ok", **how: Any) -> None:
        self.behaviour = Behaviour(mode, **how)

    def __enter__(self) -> SmtpRecorder:
        self._controller.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self._controller.stop()

    def sign_in(self, user: str, password: str) -> bool:
        self.signed_in.append(user)
        return self.users.get(user) == password


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Controller(Controller):
    recorder: SmtpRecorder
    starttls: ssl.SSLContext | None = None

    def factory(self) -> SMTP:
        def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
            fine = self.recorder.sign_in(data.login.decode(), data.password.decode())
            return AuthResult(success=fine, handled=fine, message=None if fine else "535 5.7.8 wrong password")

        return _Smtp(
            self.handler,
            hostname="recorder.example",
            tls_context=self.starttls,
            authenticator=authenticate,
            auth_require_tls=self.starttls is not None,
            loop=self.loop,
        )


class _Smtp(SMTP):
    """Knows how to misbehave before there is a mail."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        how = self.event_handler.recorder.behaviour
        if how.stage == "connect" and how.mode == "drop":
            transport.abort()


class _Mails:
    """What aiosmtpd asks at each step; answers None where it shall go on as usual."""

    def __init__(self, recorder: SmtpRecorder) -> None:
        self.recorder = recorder

    async def _misbehave(self, stage: str, server: Any) -> str | None:
        return await self._do(self._how(stage), server)

    def _how(self, stage: str) -> Behaviour:
        behaviour = self.recorder.behaviour
        return behaviour.now() if behaviour.stage == stage else Behaviour()

    async def _do(self, how: Behaviour, server: Any) -> str | None:
        if how.mode == "status":
            return f"{how.status} told so"
        if how.mode in ("hang", "slow"):
            await self._wait(60 if how.mode == "hang" else how.seconds)
        if how.mode in ("drop", "hang"):
            server.transport.abort()
            return "421 gone"
        return None

    async def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.recorder.ended.is_set():
            await asyncio.sleep(0.02)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, name: str, lines: list[str]) -> list[str]:
        session.host_name = name
        said = await self._misbehave("ehlo", server)
        return [said] if said else lines

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        said = await self._misbehave("mail", server)
        if said is None:
            envelope.mail_from = address
        return said or "250 fine"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        said = await self._misbehave("rcpt", server) if self.recorder.behaviour.only in address else None
        if said is None:
            envelope.rcpt_tos.append(address)
        return said or "250 fine"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        how = self._how("data")
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.recorder.log.add(
            kind="smtp",
            key=str(mail["X-Appmill-Key"] or ""),
            taken=how.mode != "status",
            message_id=str(mail["Message-ID"] or ""),
            sender=envelope.mail_from,
            receivers=list(envelope.rcpt_tos),
            subject=str(mail["Subject"] or ""),
            content=envelope.content.decode("ascii", "replace"),
        )
        return await self._do(how, server) or "250 taken"


# --- as a process


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True, help="a file of JSON lines, or a SQLite file ending in .db")
    for name in ("http", "smtp"):
        parser.add_argument(f"--{name}", default="{}", metavar="JSON", help="how it behaves, as fields of Behaviour")
    options = parser.parse_args(arguments)
    log = Log(options.log)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with HttpRecorder(options.http_port, log=log) as http, SmtpRecorder(options.smtp_port, log=log) as smtp:
        http.other = smtp
        http.behaviour = dataclasses.replace(Behaviour(), **json.loads(options.http))
        smtp.behaviour = dataclasses.replace(Behaviour(), **json.loads(options.smtp))
        print(json.dumps({"http": http.port, "smtp": smtp.port}), flush=True)
        while not ended.wait(3600):
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
