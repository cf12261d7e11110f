"""The registry of a process and what it says to whoever has the token."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Callable, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from engine.application import Application
from engine.errors import Refused, message
from engine.metrics.counting import Counting
from engine.metrics.sampling import Sampling
from engine.secrets import METRICS_TOKEN

SHORTEST_TOKEN = 16
# When a series began is known to Prometheus, and would be a third of all lines.
disable_created_metrics()  # type: ignore[no-untyped-call]


class Exposed:
    """``meter`` counts what happens; ``text`` says it in the format Prometheus reads. Each process has its own."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(
        self, token: str, held: Callable[[], Application], trouble: Callable[[], str | None], idle: dt.timedelta
    ) -> None:
        self._token = token.encode()
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self.meter = Counting(self._registry)
        self._registry.register(Sampling(held, trouble, idle))

    def is_open_to(self, authorization: str) -> bool:
        """Whether an ``Authorization`` header carries the token, compared in constant time."""
        scheme, _space, given = authorization.partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._token)

    def text(self) -> bytes:
        return generate_latest(self._registry)


def expose(
    environ: Mapping[str, str], held: Callable[[], Application], trouble: Callable[[], str | None], idle: dt.timedelta
) -> Exposed | None:
    """What the environment asks for: nothing without a token. Raises Refused for one that could be guessed."""
    token = environ.get(METRICS_TOKEN, "")
    if not token:
        return None
    if len(token) < SHORTEST_TOKEN:
        raise Refused(
            message("{variable} needs at least {count} characters.", variable=METRICS_TOKEN, count=SHORTEST_TOKEN)
        )
    return Exposed(token, held, trouble, idle)
