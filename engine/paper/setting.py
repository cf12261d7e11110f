"""The process that makes PDF files of documents; it has no network, and opens nothing a document names.

Pango reads fonts from files whenever a new character comes, so it cannot work where scripts do, which open no file at
all. It is a process of its own: with bounds on memory and computing, ended from outside when it takes too long, and
without the calls that open a connection or start a program.

Frames on standard input and output: four bytes of length, then the document, or one byte that tells the kind of the
answer (P a PDF, after four bytes with the number of its pages; E an error in JSON; R ready).
"""

from __future__ import annotations

import json
import logging
import os
import resource
import select
import struct
from collections.abc import Callable
from typing import Any

MEMORY = 1536 << 20  # bytes beyond what the process has at its start
CPU_SECONDS = 60  # of one document
IDLE_SECONDS = 300.0
MOST_PAGES = 500
OWN = frozenset({"image/png", "image/jpeg", "image/gif"})
_LENGTH = struct.Struct(">I")


def begin() -> None:
    """Runs until the other side is gone, or asks for nothing any more."""
    try:
        make = _maker()
    except Exception as error:  # the package, or a library it needs, is not there
        _tell({"missing": f"{type(error).__name__}: {error}"[:500]})
        return
    _confine()
    _answer(b"R")
    while select.select([0], [], [], IDLE_SECONDS)[0]:
        document = _read()
        if document is None:
            return
        _allow_cpu()
        _one(make, document)


def _maker() -> Callable[[str], Any]:
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    class Fetcher(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            return fetch(url)

    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    return lambda text: HTML(string=text, base_url="about:blank", url_fetcher=Fetcher(), media_type="print").render()


def _one(make: Callable[[str], Any], text: str) -> None:
    try:
        made = make(text)
        if len(made.pages) > MOST_PAGES:
            _tell({"pages": len(made.pages)})
            return
        _answer(b"P" + _LENGTH.pack(len(made.pages)) + made.write_pdf())
    except MemoryError:
        _tell({"memory": True})
    except Exception as error:
        _tell({"failed": f"{type(error).__name__}: {error}"[:500]})


def fetch(url: str) -> Any:
    """What a document may have fetched: pictures that stand in it as data, nothing else. ``data:`` is read here, so
    that nothing of what knows other schemes is ever asked."""
    import base64

    from weasyprint.urls import URLFetcherResponse

    kind, comma, data = url.removeprefix("data:").partition(";base64,")
    if not url.startswith("data:") or not comma or kind not in OWN:
        raise Refused(f"A printed page fetches nothing: {url[:100]}")
    return URLFetcherResponse(url, base64.b64decode(data), {"Content-Type": kind})


class Refused(ValueError):
    """An address that is not for a printed page."""


# --- what it gives up ------------------------------------------------------------------------------------------------


def _confine() -> None:
    from engine.scripts.limits import refuse_calls

    with open("/proc/self/statm") as sizes:
        base = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    refuse_calls()


def _allow_cpu() -> None:
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used) + CPU_SECONDS, resource.RLIM_INFINITY))


# --- frames ----------------------------------------------------------------------------------------------------------


def _read() -> str | None:
    length = _exactly(_LENGTH.size)
    if length is None:
        return None
    document = _exactly(_LENGTH.unpack(length)[0])
    return None if document is None else document.decode()


def _exactly(count: int) -> bytes | None:
    held = bytearray()
    while len(held) < count:
        part = os.read(0, min(count - len(held), 1 << 20))
        if not part:
            return None
        held += part
    return bytes(held)


def _tell(what: dict[str, Any]) -> None:
    _answer(b"E" + json.dumps(what).encode())


def _answer(body: bytes) -> None:
    whole = memoryview(_LENGTH.pack(len(body)) + body)
    while whole:
        whole = whole[os.write(0, whole) :]
