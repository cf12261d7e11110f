"""How this process reaches others: the address that was judged is the one that is connected to."""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from typing import Any

from engine.errors import DeliveryFailed, message
from engine.outside.guard import Address, address_mistake, host_mistake

CONNECT_SECONDS = 10.0  # for one address; a name may have several
Resolve = Callable[..., Sequence[tuple[Any, ...]]]


class Deadline:
    """When a call must have ended, whatever it is waiting for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = time.monotonic() + seconds

    def left(self, most: float = 3600.0) -> float:
        """Seconds that are left, ``most`` at most; raises TimeoutError when none are."""
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, most)


@cache
def _trusting_the_system() -> ssl.SSLContext:
    """The authorities this machine trusts (``SSL_CERT_FILE`` names others); reading them takes some 10 ms."""
    return ssl.create_default_context()


@dataclass(frozen=True)
class Network:
    """Name look-up and TLS of this process; tests bring their own."""

    resolve: Resolve = socket.getaddrinfo
    tls: Callable[[], ssl.SSLContext] = _trusting_the_system

    def addresses(self, host: str, port: int, *, private: bool) -> list[Address]:
        """What a host stands for, all of it allowed. Raises DeliveryFailed."""
        if wrong := host_mistake(host):
            raise DeliveryFailed(wrong, again=False)
        try:
            found = self.resolve(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise DeliveryFailed(
                message("The host {host} cannot be found: {reason}", host=host, reason=reason_of(error))
            ) from None
        addresses = list(dict.fromkeys(ip_address(entry[4][0].partition("%")[0]) for entry in found))
        for address in addresses:
            if wrong := address_mistake(address, private=private):
                raise DeliveryFailed(message("{host}: {reason}", host=host, reason=wrong), again=False)
        return addresses

    def connect(self, host: str, port: int, *, private: bool, deadline: Deadline) -> socket.socket:
        """A connection to the first address of a host that answers. Raises DeliveryFailed."""
        reason = "no address"
        for address in self.addresses(host, port, private=private):
            try:
                line = socket.create_connection((str(address), port), deadline.left(CONNECT_SECONDS))
            except OSError as error:
                reason = reason_of(error)
            else:
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return line
        raise DeliveryFailed(message("{host}:{port} cannot be reached: {reason}", host=host, port=port, reason=reason))

    def encrypt(self, line: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
        """TLS over a connection, with the certificate checked against the name. Raises DeliveryFailed."""
        secure = self.tls().wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)
        try:
            _shake_hands(secure, deadline)
        except OSError as error:
            secure.close()
            raise DeliveryFailed(
                message("No secure connection to {host}: {reason}", host=host, reason=reason_of(error))
            ) from None
        return secure


def _shake_hands(line: ssl.SSLSocket, deadline: Deadline) -> None:
    """Within the deadline as a whole: a socket's own time-out begins anew with every byte of a slow peer."""
    line.settimeout(0)
    with selectors.DefaultSelector() as selector:
        while True:
            try:
                line.do_handshake()
            except ssl.SSLWantReadError:
                selector.register(line, selectors.EVENT_READ)
            except ssl.SSLWantWriteError:
                selector.register(line, selectors.EVENT_WRITE)
            else:
                break
            selector.select(deadline.left())
            selector.unregister(line)
    line.settimeout(deadline.left())


def reason_of(error: OSError) -> str:
    """What to tell people of it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "it took too long"
    return error.strerror or str(error)
