"""Documents become PDF files: the process that does it (``setting.py``), as those who ask see it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.errors import DeliveryFailed, Message, message
from engine.paper.setting import MOST_PAGES

STARTING = 60.0  # seconds; the first start on a machine looks through its fonts
LARGEST = 50 * 1024 * 1024  # bytes of one PDF
MOST_JOBS = 100  # of one process: what Pango keeps of fonts only grows
CODE = "from engine.paper.setting import begin; begin()"
_ROOT = Path(__file__).resolve().parents[2]
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class Printed:
    content: bytes
    pages: int


@cache
def press() -> Press:
    """The press of this process; it starts with the first document."""
    return Press()


class Press:
    """Makes one PDF at a time, for any number of threads. ``code``: what its process runs."""

    def __init__(self, code: str = CODE) -> None:
        self._code = code
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def pdf(self, document: str, seconds: float) -> Printed:
        """The document as PDF, within ``seconds`` all in all; raises DeliveryFailed."""
        until = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise DeliveryFailed(message("Others are being printed; this one waits."), after=10)
        try:
            return self._print(document, until)
        except TimeoutError:
            self._drop()
            said = message("Printing took longer than {seconds} s; print less of it.", seconds=f"{seconds:g}")
            raise DeliveryFailed(said, again=False) from None
        except _Gone:
            self._drop()
            said = message("The page is too much to print: it needs more memory or computing than it may have.")
            raise DeliveryFailed(said, again=False) from None
        finally:
            self._lock.release()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _print(self, document: str, until: float) -> Printed:
        worker = self._ready(until)
        try:
            worker.send(document.encode("utf-8", "replace"), until)
        except _Gone:  # it went home because nobody asked for long
            self._drop()
            worker = self._ready(until)
            worker.send(document.encode("utf-8", "replace"), until)
        kind, body = worker.receive(until)
        worker.jobs += 1
        if worker.jobs >= MOST_JOBS:
            self._drop()
        if kind == b"P":
            return Printed(body[_LENGTH.size :], int(_LENGTH.unpack_from(body)[0]))
        self._drop()
        raise DeliveryFailed(_reason(json.loads(body)), again=False)

    def _ready(self, until: float) -> _Worker:
        if self._worker is not None and self._worker.ended():
            self._drop()
        if self._worker is None:
            self._worker = _Worker(self._code)
            kind, body = self._worker.receive(max(until, time.monotonic() + STARTING))
            if kind == b"E":
                self._drop()
                raise DeliveryFailed(_reason(json.loads(body)), again=False)
        return self._worker

    def _drop(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()


def _reason(told: dict[str, object]) -> Message:
    if "missing" in told:
        return message(
            "PDF files need WeasyPrint and Pango on this machine: pip install 'appmill[pdf]', and on Debian apt "
            "install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-cjk. Then send this again. "
            "What is missing: {reason}", reason=told["missing"],
        )  # fmt: skip
    if "pages" in told:
        return message("The print has {pages} pages; at most {most} are made.", pages=told["pages"], most=MOST_PAGES)
    if "memory" in told:
        return message("The page is too much to print: it needs more memory or computing than it may have.")
    return message("The page could not be printed: {reason}", reason=told.get("failed", "?"))


class _Gone(Exception):
    """The process ended."""


class _Worker:
    def __init__(self, code: str) -> None:
        ours, theirs = socket.socketpair()
        start = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); {code}"
        kept = {name: value for name in ("PATH", "HOME", "XDG_CACHE_HOME", "LD_LIBRARY_PATH", "FONTCONFIG_FILE",
                                         "FONTCONFIG_PATH") if (value := os.environ.get(name))}  # fmt: skip
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own Python and our own words
                [sys.executable, "-I", "-c", start], stdin=theirs.fileno(), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, cwd="/", env={**kept, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
        self._socket = ours
        self.jobs = 0

    def ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, body: bytes, until: float) -> None:
        try:
            self._socket.settimeout(_left(until))
            self._socket.sendall(_LENGTH.pack(len(body)) + body)
        except TimeoutError:
            raise
        except OSError:
            raise _Gone from None

    def receive(self, until: float) -> tuple[bytes, bytes]:
        """(kind, the rest) of the next answer."""
        length = int(_LENGTH.unpack(self._exactly(_LENGTH.size, until))[0])
        if not 0 < length <= LARGEST:
            raise _Gone
        body = self._exactly(length, until)
        return body[:1], body[1:]

    def _exactly(self, count: int, until: float) -> bytes:
        held = bytearray()
        while len(held) < count:
            self._socket.settimeout(_left(until))
            try:
                part = self._socket.recv(min(count - len(held), 1 << 20))
            except TimeoutError:
                raise
            except OSError:
                raise _Gone from None
            if not part:
                raise _Gone
            held += part
        return bytes(held)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._socket.close()


def _left(until: float) -> float:
    return max(until - time.monotonic(), 0.001)
