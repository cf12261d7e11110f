"""What happens in this process, counted in a registry of prometheus-client.

Labels are routes, forms, verbs, kinds, connections and rules: names of the program and of the definition, never ids and
never what people type.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
CHANGES = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
DELIVERIES = (0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0)


class Counting:
    """A ``measuring.Meter``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._answers = Histogram(
            "appmill_request_duration_seconds", "Requests answered, by the pattern of their route.",
            ["route", "status"], buckets=ANSWERS, registry=registry,
        )  # fmt: skip
        self._under_way = Gauge("appmill_requests_under_way", "Requests that are not answered yet.", registry=registry)
        self._walks = Histogram(
            "appmill_walk_duration_seconds", "Changes of records, refused ones included.",
            ["form", "verb"], buckets=CHANGES, registry=registry,
        )  # fmt: skip
        self._outcomes = Counter(
            "appmill_walks", "Changes of records by what became of them.",
            ["form", "verb", "outcome"], registry=registry,
        )  # fmt: skip
        self._runs = Counter(
            "appmill_rule_runs", "Runs of rules that were opened.", ["rule", "state"], registry=registry
        )
        self._deliveries = Histogram(
            "appmill_delivery_duration_seconds", "Tries to deliver what rules left to be done.",
            ["kind", "outcome"], buckets=DELIVERIES, registry=registry,
        )  # fmt: skip
        self._calls = Counter(
            "appmill_connection_calls", "Calls of connections by what became of them.",
            ["connection", "outcome"], registry=registry,
        )  # fmt: skip

    def began(self) -> None:
        self._under_way.inc()

    def answered(
        self, route: str, status: int, seconds: float, request: str, slow: Sequence[tuple[str, float]] = ()
    ) -> None:
        self._under_way.dec()
        self._answers.labels(route, f"{status // 100}xx").observe(seconds)

    def walked(self, form: str, verb: str, outcome: str, seconds: float) -> None:
        self._walks.labels(form, verb).observe(seconds)
        self._outcomes.labels(form, verb, outcome).inc()

    def ran(self, rule: str, state: str) -> None:
        self._runs.labels(rule, state).inc()

    def delivered(
        self, kind: str, connection: str | None, outcome: str, seconds: float, request: str = "",
        slow: Sequence[tuple[str, float]] = (),
    ) -> None:  # fmt: skip
        self._deliveries.labels(kind, outcome).observe(seconds)
        if connection:
            self._calls.labels(connection, outcome).inc()
