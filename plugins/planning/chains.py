"""Why something does not end earlier: the reasons of a plan, followed back to the root."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .shapes import Problem, Reason, Schedule

WAITS = frozenset({"machine", "tool", "predecessor"})  # for another operation, which has a reason of its own


@dataclass(frozen=True, slots=True)
class Link:
    """One operation of a chain, and why it does not begin earlier."""

    operation: str
    reason: Reason


def why(problem: Problem, schedule: Schedule, operation: str) -> tuple[Link, ...]:
    """The binding chain from an operation back to what waits for nothing else: material, the calendar, a release, what
    is locked, or now. KeyError for an operation that is not planned."""
    links: list[Link] = []
    seen: set[str] = set()
    at = operation
    while at in schedule.assignments and at not in seen:
        seen.add(at)
        links.append(Link(at, _reason(problem, schedule, at)))
        at = links[-1].reason.of if links[-1].reason.kind in WAITS else ""
    if not links:
        raise KeyError(operation)
    return tuple(links)


def why_order(problem: Problem, schedule: Schedule, order: str) -> tuple[Link, ...]:
    """The chain behind the operation of an order that ends last; KeyError for an order without operations."""
    own = [operation.id for operation in problem.operations.values() if operation.order == order]
    if not own:
        raise KeyError(order)
    return why(problem, schedule, last(schedule, own))


def last(schedule: Schedule, operations: Collection[str]) -> str:
    """The operation that ends last, by its id where several do."""
    return max(operations, key=lambda id: (schedule.assignments[id].end, id))


def _reason(problem: Problem, schedule: Schedule, operation: str) -> Reason:
    locked = problem.operations[operation].locked if operation in problem.operations else None
    return Reason("locked") if locked else schedule.assignments[operation].reason
