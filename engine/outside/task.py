"""One task for the world outside, and what may become of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.connectors import Connection
from engine.outside.exchanges import Exchange


@dataclass(frozen=True)
class Task:
    """``kind`` says who performs it (mail, http, call …), ``data`` is its JSON, ``key`` is the same at every attempt
    and unlike that of any other task: the other side can know a repetition by it. ``attempt`` counts from 1."""

    kind: str
    data: Mapping[str, Any]
    connection: Connection | None
    key: str
    attempt: int
    seconds: float  # how long it may take


class Surroundings(Protocol):
    """What a performer may ask of the application it works for."""

    def secret(self, name: str, host: str) -> str:
        """The value of a secret that will be shown to ``host``; raises DeliveryFailed when it is not set, or bound to
        other hosts (``engine.secrets``)."""

    def latest(self, name: str, host: str) -> str:
        """As ``secret``, or what the other side gave in its place since (see ``renew``)."""

    def renew(self, name: str, value: str) -> None:
        """The other side gave a new value for a secret: it is kept, encrypted, for all processes."""

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        """(name, media type, content) of an attachment."""

    def now(self) -> dt.datetime: ...

    def turn(self, operation: str) -> None:
        """Use up one call of the operation (or reading); raises DeliveryFailed with ``after`` when its limit leaves no
        room now: that is no failure and no attempt."""

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        """A token of the connection as long as it is good; ``get`` asks for a new one, answers it and for how many
        seconds it is. Only this process knows it."""

    def forget(self, name: str) -> None:
        """The token was refused: the next ``kept`` asks for a new one."""

    def note(self, exchange: Exchange) -> None:
        """Told what was said over a line, for the ledger; what is sent by ``engine.outside.http`` is noted there."""

    def about_to_send(self) -> None:
        """Told right before the moment that cannot be taken back: what breaks off later may or may not have arrived."""


class Within:
    """Surroundings that are those of something else, but for what a subclass says otherwise."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around

    def secret(self, name: str, host: str) -> str:
        return self.around.secret(name, host)

    def latest(self, name: str, host: str) -> str:
        return self.around.latest(name, host)

    def renew(self, name: str, value: str) -> None:
        self.around.renew(name, value)

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        return self.around.open_file(attachment_id)

    def now(self) -> dt.datetime:
        return self.around.now()

    def turn(self, operation: str) -> None:
        self.around.turn(operation)

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        return self.around.kept(name, get)

    def forget(self, name: str) -> None:
        self.around.forget(name)

    def note(self, exchange: Exchange) -> None:
        self.around.note(exchange)

    def about_to_send(self) -> None:
        self.around.about_to_send()


Performer = Callable[[Task, Surroundings], Mapping[str, Any]]
