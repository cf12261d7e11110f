"""One request by HTTP, as it is shown and as it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from engine.connectors import HttpConnection
from engine.credentials import Secret, Signing, TokenCall
from engine.errors import NOTHING, DeliveryFailed, Message, message
from engine.language import frozen
from engine.outside.guard import Url, read_url
from engine.outside.task import Surroundings

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "trailer"})


@dataclass(frozen=True)
class Request:
    """``headers`` and ``url`` as anybody may see them; ``secret_headers`` and ``secret_query`` beside them."""

    method: str
    url: Url
    headers: Mapping[str, str]
    body: bytes
    secret_headers: Mapping[str, str] = field(default_factory=frozen)
    secret_query: Mapping[str, str] = field(default_factory=frozen)
    asks: bool | None = None  # whether it only reads, where the method does not say

    @property
    def reads(self) -> bool:
        """Whether asking twice is asking once."""
        return self.method in _READING if self.asks is None else self.asks

    def shown_by(
        self, connection: HttpConnection, key: str, surroundings: Surroundings, token: Callable[[TokenCall], str]
    ) -> Request:
        """With what the connection's credential adds; other hosts than that of base_url are shown nothing."""
        if connection.auth is None or self.url.origin != base_of(connection).origin:
            return replace(self, secret_headers=NOTHING, secret_query=NOTHING)

        def value(secret: Secret) -> str:
            return surroundings.secret(secret.secret, self.url.host)

        signing = Signing(key, int(surroundings.now().timestamp()), self.method, self.url.path, self.body, value, token)
        return replace(
            self, secret_headers=connection.auth.headers(signing), secret_query=connection.auth.query(signing)
        )

    @property
    def sent_url(self) -> Url:
        query = "&".join(part for part in (self.url.query, urlencode(self.secret_query)) if part)
        return replace(self.url, query=query)

    @property
    def sent_headers(self) -> Mapping[str, str]:
        return laid_over(self.headers, self.secret_headers)


def laid_over(*layers: Mapping[str, str]) -> Mapping[str, str]:
    """Later headers win over earlier ones, however they are spelled. What frames a request is nobody's to set."""
    result: dict[str, tuple[str, str]] = {}
    for layer in layers:
        for name, value in layer.items():
            if name.lower() in FRAMING:
                raise wrong(message("The header {name} is set by Appmill itself.", name=name))
            if any(character in str(value) for character in "\r\n\0"):
                raise wrong(message("The header {name} has a line break in its value.", name=name))
            result[name.lower()] = (name, str(value))
    return dict(result.values())


def base_of(connection: HttpConnection) -> Url:
    return read(connection.base_url)


def read(text: str) -> Url:
    url = read_url(text)
    if isinstance(url, Message):
        raise wrong(message("{url}: {reason}", url=text.partition("?")[0][:200], reason=url))
    return url


def wrong(reason: Message) -> DeliveryFailed:
    return DeliveryFailed(reason, again=False)
