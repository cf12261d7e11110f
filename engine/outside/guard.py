"""Where a request may go: addresses are read strictly, and what a name stands for is judged before it is connected to.

An application's definition must not become a way into the network its server stands in. So a host is written in one
way only (no ``2130706433``, no ``0x7f.1``), and its addresses must be public ones unless the connection says that it
leads into a private network. Cloud metadata, link-local and other special addresses are never reached.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

from engine.errors import Message, message

Address = IPv4Address | IPv6Address
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Url:
    """An address of HTTP that was read; ``path`` begins with ``/``, ``query`` is without its ``?``."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        """Host and port as the Host header says them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def target(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    def __str__(self) -> str:
        """For people and logs: what stands in the query may be secret."""
        return f"{self.scheme}://{self.authority}{self.path}"


def read_url(text: str) -> Url | Message:
    """The address, or what is wrong with it."""
    if not re.fullmatch(r"[!-~]+", text) or "\\" in text:
        return message("An address has no spaces, backslashes, control or non-ASCII characters.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return message("That is no address.")
    if parts.scheme not in PORTS:
        return message("An address begins with https:// or http://, not '{scheme}:'.", scheme=parts.scheme)
    if "@" in parts.netloc:
        return message("An address holds no user and password; use auth.")
    host = (parts.hostname or "").lower()
    if wrong := host_mistake(host):
        return wrong
    if port == 0 or parts.netloc.endswith(":"):
        return message("That is no address.")
    path = parts.path or "/"
    return path_mistake(path) or Url(parts.scheme, host, port or PORTS[parts.scheme], path, parts.query)


_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def host_mistake(host: str) -> Message | None:
    """What is wrong with a host: a name, an IPv4 address of four numbers, or an IPv6 address without brackets."""
    if not host:
        return message("The host is missing.")
    if literal(host) is not None:
        return None
    if ":" in host or not host.isascii():
        return message("'{host}' is no host; non-ASCII names are written as xn--….", host=host[:80])
    labels = host.lower().split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return message("'{host}' is no host.", host=host[:80])
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):  # what the C library would read as a number
        return message("'{host}' is an unusual way to write an address; write four numbers.", host=host[:80])
    return None


def literal(host: str) -> Address | None:
    """The address a host is, where it is one and not a name."""
    try:
        return ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def path_mistake(path: str) -> Message | None:
    """A path must not climb: part of it may come from a record."""
    for _ in range(3):  # some servers decode more than once
        path = unquote(path)
    if any(part in (".", "..") for part in re.split(r"[/\\]", path)) or re.search(r"[\x00-\x1f\x7f]", path):
        return message("A path has no '.' or '..' parts and no control characters.")
    return None


# --- what a name stands for

_NEVER = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "100.100.100.200/32",  # metadata of a cloud, inside the carrier range
    )
)  # fmt: skip
_NEVER_6 = tuple(
    IPv6Network(text)
    for text in (
        "::/128", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16",
        "fe80::/10", "fec0::/10", "ff00::/8",
        "fd00:ec2::/32",  # metadata of a cloud, inside the private range
    )
)  # fmt: skip
_EMBEDDING = IPv6Network("64:ff9b::/96")  # how IPv6-only networks reach IPv4
_COMPATIBLE = IPv6Network("::/96")


def address_mistake(address: Address, *, private: bool) -> Message | None:
    """Why an address may not be connected to; ``private``: the connection says that it leads into a private network."""
    if isinstance(address, IPv6Address) and address in _EMBEDDING:
        return address_mistake(IPv4Address(int(address) & 0xFFFFFFFF), private=private)
    if _is_special(address):
        return message("The address {address} is never connected to.", address=str(address))
    if not private and not address.is_global:
        return message(
            "The address {address} is private; if that is meant, say `private: true` in the connection.",
            address=str(address),
        )
    return None


def _is_special(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return any(address in network for network in _NEVER)
    mixed = address in _COMPATIBLE and address != IPv6Address("::1")
    return mixed or any(address in network for network in _NEVER_6)
