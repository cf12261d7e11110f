"""Every way one record can go, from its creation on, the shortest first.

Two records in the same state for which the same conditions hold can do the same: only the first of them is followed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.definition import Form
from engine.people import Actor, system_actor
from engine.plans import FormPlan, TransitionPlan
from engine.sight import Row, Sight
from engine.walks import opening
from engine.walks.drawing import Palette
from engine.walks.edges import compiled, conditions_of
from engine.walks.found import Step, Stuck
from engine.walks.ground import PutBack, Record
from engine.walks.telling import describe
from engine.walks.wishes import holding, is_empty

FEW_OPTIONS = 4


@dataclass(frozen=True)
class Node:
    """A record somewhere on its way, and the world around it."""

    kept: Any
    record: Record
    path: tuple[Step, ...]


@dataclass
class Explorer:
    """``covered``: transitions of the present example that were taken from a state; they cost no second effort."""

    ground: PutBack
    form: Form
    over: Callable[[], bool]
    steps: int
    covered: set[tuple[str, str]] = field(default_factory=set)

    @property
    def plan(self) -> FormPlan:
        return self.ground.app.plans.form(self.form.name)  # type: ignore[no-any-return]

    def explore(self, palette: Palette) -> Iterator[Stuck]:
        """The records that are stuck, nearest first."""
        self.ground.begin(palette)
        self.covered.clear()
        by, record = self._born(palette)
        if record is None:
            return
        queue = deque([Node(self.ground.keep(), record, self._path(record))])
        seen = {self._signature(record)}
        for _ in range(self.steps):
            if not queue or self.over():
                return
            node = queue.popleft()
            nexts = list(self._nexts(node, seen))
            queue.extend(child for child in nexts if child is not None)
            if not nexts and not self._is_final(node):
                yield self._stuck(node, by)
            self.ground.world.place.drop(node.kept[0])

    def _born(self, palette: Palette) -> tuple[Actor | None, Record | None]:
        for actor in self.ground.makers(self.form.name):
            made = self.ground.made_by(actor, self.form.name, palette.given)
            if made is not None:
                return actor, made
        return None, self.ground.make(self.form.name, palette.given)

    # --- one step

    def _nexts(self, node: Node, seen: set[Any]) -> Iterator[Node | None]:
        """The nodes after this one; None for one that is known already."""
        self.ground.dirty = True
        self.ground.back(node.kept)
        here, moved = self.ground.state(node.record), list[bool]()
        if self._is_final_state(here):
            return
        for move in self._moves(node, here, moved):
            if move is None or self.over():  # another system may move it, or nobody knows whether it would have moved
                yield None
                return
            self.ground.back(node.kept)
            if move() and self.ground.state(node.record) != here:
                moved.append(True)
                yield self._child(node, seen)

    def _moves(self, node: Node, here: str, moved: list[bool]) -> Iterator[Callable[[], bool] | None]:
        record, steps = node.record, self.plan.leaving.get(here, ())
        for step in steps:
            for given in self._variants(step):
                yield lambda step=step, given=given: self._take(record, here, step, given)  # type: ignore[misc]
        for question, name in opening.answers(self.ground, record):
            yield lambda question=question, name=name: self._answer(question, name)  # type: ignore[misc]
        for step in steps:
            if not moved or (here, step.transition.name) not in self.covered:
                yield lambda step=step: self._open(record, here, step)  # type: ignore[misc]
        if not moved:
            yield lambda: any(self.ground.state(record) != here for _ in opening.wait(self.ground))
        if not moved and opening.from_outside(self.ground, record, here):
            yield None

    def _take(self, record: Record, here: str, step: TransitionPlan, given: dict[str, Any]) -> bool:
        taken = opening.take(self.ground, record, step, given)
        if taken:
            self.covered.add((here, step.transition.name))
        return taken

    def _open(self, record: Record, here: str, step: TransitionPlan) -> bool:
        self.covered.add((here, step.transition.name))
        return opening.open_door(self.ground, record, step, hard=True)

    def _answer(self, question: int, name: str) -> bool:
        opening.give(self.ground, question, name)
        return True

    def _variants(self, step: TransitionPlan) -> Iterator[dict[str, Any]]:
        """Plainly; and with every option of what it asks for, where other conditions depend on it."""
        yield {}
        for name in step.asked:
            found: Any = self.plan.fields.get(name)
            if found is None or name not in self._telling:
                continue
            if found.kind == "boolean":
                yield from ({name: value} for value in (True, False))
            elif found.type == "choice" and len(found.options) <= FEW_OPTIONS:
                yield from ({name: value} for value in found.options)

    # --- knowing a place again

    @property
    def _telling(self) -> frozenset[str]:
        """The fields that guards, checks, grants and rules look at."""
        key = ("walks", "telling", self.form.name)
        kept = self.ground.app.plans.kept
        if key not in kept:
            paths = [path for clause in self._clauses() for path in clause.paths if len(path) > 1]
            kept[key] = frozenset(path[1] for path in paths if path[0] == "record")
        return kept[key]  # type: ignore[no-any-return]

    def _clauses(self) -> tuple[Any, ...]:
        key = ("walks", "clauses", self.form.name)
        kept = self.ground.app.plans.kept
        if key not in kept:
            rules = [rule for rule in self.ground.definition.rules.values() if rule.form == self.form.name]
            sources = dict.fromkeys([*conditions_of(self.form), *(rule.when for rule in rules if rule.when)])
            whole = [compiled(source, self.ground.app.registry) for source in sources]
            kept[key] = tuple(clause for one in whole if one for clause in one.clauses)
        return kept[key]  # type: ignore[no-any-return]

    def _signature(self, record: Record) -> Any:
        workflow = self.form.workflow
        needed = {name for state in (workflow.states.values() if workflow else ()) for name in state.leave_with}

        def look(sight: Sight, row: Row) -> Any:
            view = sight.view(self.form, row)
            truths = holding(self._clauses(), sight.with_record(view))
            filled = tuple(is_empty(row.get(name)) for name in sorted(needed | self._telling))
            chosen = tuple(str(row.get(name)) for name in sorted(self._telling) if self._is_choice(name))
            return row.get("state"), row.get("_previous"), truths, filled, chosen

        return self.ground.seen(record, system_actor("walk"), look)

    def _is_choice(self, name: str) -> bool:
        return name in self.form.fields and self.form.fields[name].type in ("choice", "boolean")

    def _child(self, node: Node, seen: set[Any]) -> Node | None:
        signature = self._signature(node.record)
        if signature in seen:
            return None
        seen.add(signature)
        return Node(self.ground.keep(), node.record, self._path(node.record))

    def _path(self, record: Record) -> tuple[Step, ...]:
        """The transitions it took, in order, and who took them."""
        event = self.ground.app.tables.event
        query = (
            sa.select(event.c.transition, event.c.actor_id, event.c.rule)
            .where(event.c.form == record.form, event.c.record_id == record.id, event.c.transition.is_not(None))
            .order_by(event.c.id)
        )
        with self.ground.app.database.read() as conn:
            return tuple(self._step(row) for row in conn.execute(query))

    def _step(self, row: Any) -> Step:
        if row.rule is not None:
            return Step(row.transition, rule=row.rule)
        transition = self.plan.transitions[row.transition].transition
        actor = next((one for one in (*self.ground.people, self.ground.admin) if one and one.id == row.actor_id), None)
        role = next((role for role in transition.roles if actor and role in actor.roles), None)
        return Step(row.transition, role=role)

    # --- the end

    def _is_final(self, node: Node) -> bool:
        self.ground.dirty = True
        self.ground.back(node.kept)
        return self._is_final_state(self.ground.state(node.record))

    def _is_final_state(self, state: str) -> bool:
        return state not in self.plan.states or self.plan.states[state].final

    def _stuck(self, node: Node, by: Actor | None) -> Stuck:
        return describe(self.ground, node.record, by, node.path)
