"""One exchange by HTTP/1.1 over a line of its own, by httpcore: within a deadline, and knowing whether it was sent."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable

import httpcore

from engine.errors import DeliveryFailed, message
from engine.outside.answers import MOST, Answer
from engine.outside.network import Deadline, Network
from engine.outside.request import Request
from engine.outside.task import Surroundings


class Wire(httpcore.NetworkStream):
    """A connected socket under one deadline; ``before`` is called right before its first byte goes out."""

    def __init__(self, line: socket.socket, deadline: Deadline, before: Callable[[], None]) -> None:
        self._line, self._deadline, self._before = line, deadline, before
        self.sent = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            self._line.settimeout(self._deadline.left())
            return self._line.recv(max_bytes)
        except TimeoutError:
            raise httpcore.ReadTimeout(f"no answer within {self._deadline.seconds:g} s") from None
        except OSError as error:
            raise httpcore.ReadError(error.strerror or str(error)) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not self.sent:
            self._before()
            self.sent = True
        try:
            self._line.settimeout(self._deadline.left())
            self._line.sendall(buffer)
        except TimeoutError:
            raise httpcore.WriteTimeout(f"not taken within {self._deadline.seconds:g} s") from None
        except OSError as error:
            raise httpcore.WriteError(error.strerror or str(error)) from None

    def close(self) -> None:
        self._line.close()


def exchange(
    request: Request, private: bool, deadline: Deadline, surroundings: Surroundings, network: Network,
    most: int = MOST,
) -> Answer:  # fmt: skip
    """Send a request and read its answer, ``most`` bytes of it. Raises DeliveryFailed, unsure when it was lost."""
    url, began = request.sent_url, time.monotonic()
    line: socket.socket | ssl.SSLSocket = network.connect(url.host, url.port, private=private, deadline=deadline)
    if url.scheme == "https":
        line = network.encrypt(line, url.host, deadline)
    wire = Wire(line, deadline, _nothing if request.reads else surroundings.about_to_send)
    origin = httpcore.Origin(url.scheme.encode(), url.host.encode(), url.port)
    with httpcore.HTTP11Connection(origin, wire) as connection:
        try:
            response = connection.handle_request(_prepared(request))
            body, cut, broken = _read(response, most)
        except httpcore.LocalProtocolError as error:
            raise DeliveryFailed(
                message("{place}: the request is malformed: {reason}", place=str(request.url), reason=str(error)),
                again=False,
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise DeliveryFailed(
                message("{place}: the answer was lost: {reason}", place=str(request.url), reason=str(error)),
                unsure=wire.sent and not request.reads,
            ) from None
    headers = _headers(response.headers)
    return Answer(response.status, headers, body, time.monotonic() - began, cut=cut, broken=broken)


def _nothing() -> None:
    """Asking is nothing that could not be taken back."""


def _prepared(request: Request) -> httpcore.Request:
    url = request.sent_url
    headers = {"Host": url.authority, "Connection": "close", **request.sent_headers}
    if request.body or not request.reads:
        headers["Content-Length"] = str(len(request.body))
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.scheme, host=url.host, port=url.port, target=url.target),
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        content=request.body,
    )


def _read(response: httpcore.Response, most: int) -> tuple[bytes, bool, bool]:
    """(body, whether it was cut, whether the line was lost inside it)"""
    body = bytearray()
    try:
        for chunk in response.iter_stream():
            body += chunk
            if len(body) > most:
                return bytes(body[:most]), True, False
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        return bytes(body), True, True
    return bytes(body), False, False


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in raw:
        text, key = value.decode("latin-1"), name.decode("latin-1").lower()
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
