"""One task for the world outside, and what may become of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.connectors import Connection


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

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        """(name, media type, content) of an attachment."""

    def now(self) -> dt.datetime: ...

    def about_to_send(self) -> None:
        """Told right before the moment that cannot be taken back: what breaks off later may or may not have arrived."""


Performer = Callable[[Task, Surroundings], Mapping[str, Any]]
