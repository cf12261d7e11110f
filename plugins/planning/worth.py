"""What a board is worth, kept up to date order by order: the same value as `measure.score`, without a plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from .indexed import Indexed
from .measure import Goal, ends
from .shapes import Operation
from .timeline import Board


@dataclass
class Ledger:
    """Per order, by number: ``ready``, the minute of its end; ``pain``, what its tardiness and its promise count."""

    ready: list[int]
    pain: list[int]

    def copy(self) -> Ledger:
        return Ledger(self.ready[:], self.pain[:])


class Worth:
    """``order``: of each operation, the number of its order; ``operations``: the reverse. ``movable``: the operations
    that may move, which are those of the orders named ``free`` (None: of all) that are not locked, and ``changing``
    their orders; ``still``: the operations of all other orders."""

    def __init__(self, indexed: Indexed, goal: Goal, free: Collection[str] | None = None) -> None:
        problem = indexed.problem
        self.indexed, self.goal = indexed, goal
        number = {order: place for place, order in enumerate(problem.orders)}
        self.order = [number[problem.operations[name].order] for name in indexed.ids]
        self.operations: list[list[int]] = [[] for _ in number]
        for operation, order in enumerate(self.order):
            self.operations[order].append(operation)
        self.orders = list(problem.orders.values())
        self.still = [one for one, name in enumerate(indexed.ids) if not _free(problem.operations[name], free)]
        self.movable: list[int] = sorted({*range(len(indexed.ids))}.difference(self.still, _locked(indexed)))
        self.changing: list[int] = sorted({self.order[one] for one in self.movable})
        self.weight = [goal.tardiness * order.weight for order in self.orders]
        self.moves = self._moves()
        self.before = self._before()

    def _moves(self) -> list[int]:
        """What it counts if an order is ready after its promise: only where the plan before kept it."""
        before = self.goal.before
        if before is None:
            return [0] * len(self.orders)
        old = ends(self.indexed.problem, before)
        return [self.goal.promise * (old.get(order.id, order.promised) <= order.promised) for order in self.orders]

    def _before(self) -> list[tuple[int, int, int]]:
        """(operation, machine, start) of the plan that is not to be disturbed."""
        if self.goal.before is None or not self.goal.disturbance:
            return []
        numbers = self.indexed.machine_number
        known = ((place, self.goal.before.assignments.get(name)) for place, name in enumerate(self.indexed.ids))
        return [(place, numbers.get(one.machine, -1), one.start) for place, one in known if one]

    def ledger(self, board: Board) -> Ledger:
        many = len(self.orders)
        ledger = Ledger([0] * many, [0] * many)
        self.update(ledger, board, range(many))
        return ledger

    def update(self, ledger: Ledger, board: Board, orders: Iterable[int]) -> None:
        for order in orders:
            if not self.operations[order]:
                continue
            known = self.orders[order]
            ready = ledger.ready[order] = max(board.stop[one] for one in self.operations[order])
            moved = self.moves[order] if ready > known.promised else 0
            ledger.pain[order] = self.weight[order] * max(0, ready - known.due) + moved

    def value(self, ledger: Ledger, board: Board) -> tuple[int, int]:
        """As `measure.Score` compares: the goal's weighted sum, then the sum of all ends."""
        goal, value = self.goal, sum(ledger.pain)
        if self.before:
            machine, start = board.machine, board.start
            value += goal.disturbance * sum(machine[one] != on or start[one] != at for one, on, at in self.before)
        if goal.cost:
            value += goal.cost * self._cost(board)
        if goal.span:
            now = self.indexed.problem.now
            value += goal.span * (max(filter(None, ledger.ready), default=now) - now)
        return value, sum(ledger.ready)

    def _cost(self, board: Board) -> int:
        rates = [machine.cost for machine in self.indexed.problem.machines.values()]
        operations = self.indexed.problem.operations
        found = 0
        for one, machine in enumerate(board.machine):
            outside = self.indexed.outside[one]
            away = operations[self.indexed.ids[one]].outside if outside and outside[0] == machine else None
            found += away.price if away else rates[machine] * (board.end[one] - board.begin[one]) // 60
        return found


def _free(operation: Operation, free: Collection[str] | None) -> bool:
    return free is None or operation.order in free


def _locked(indexed: Indexed) -> list[int]:
    return [one for one, locked in enumerate(indexed.locked) if locked]
