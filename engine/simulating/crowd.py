"""People who know nothing but the definition: each does, in working hours, whatever the application offers them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine import service
from engine.language import ADMIN
from engine.permissions import may, row_filter, updatable_fields
from engine.plans import FormPlan, TransitionPlan
from engine.simulating.drawn import Drawn
from engine.simulating.hours import DAY, Hours
from engine.triggers import Button
from engine.walks.ground import Record
from engine.walks.wishes import answer, is_empty, reads, wish_of
from engine.workflow import Door, doors

if TYPE_CHECKING:
    from engine.simulating.simulation import Simulation

PAUSE = dt.timedelta(minutes=25)  # between two things a person does, on average
READING = dt.timedelta(minutes=12)  # at most, from opening a record to saving it
NEWEST = 40  # records somebody looks among
LEAVE = 10  # working days
FIELDS = 2  # changed in one edit


def enter_crowd(simulation: Simulation) -> None:
    """Everybody who is no administrator goes to work."""
    drawn = Drawn(simulation)
    for login in simulation.logins:
        if ADMIN not in simulation.actor(login).roles:
            simulation.enter(Person(login, drawn, _hours(simulation)))


def _hours(simulation: Simulation) -> Hours:
    """Not everybody begins at the same time, and everybody is on leave now and then."""
    random, days = simulation.random, (simulation.end - simulation.start).days
    start = random.choice((7.0, 8.0, 8.5, 9.0))
    first = simulation.today + DAY * random.randrange(max(1, days))
    away = frozenset(first + DAY * number for number in range(LEAVE if days > 20 else 1))
    return simulation.hours(start=start, end=start + 9, away=away)


@dataclass
class Person:
    """Thinks of one thing after the other until something can be done; what cannot is passed over."""

    login: str
    drawn: Drawn
    hours: Hours
    _forms: list[FormPlan] = field(default_factory=list)

    def begin(self, simulation: Simulation) -> dt.datetime:
        app, actor = simulation.app, simulation.actor(self.login)
        plans = [app.plans.form(name) for name, form in app.definition.forms.items() if not form.parent_form]
        self._forms = [plan for plan in plans if may(app, actor, "read", plan.form)]
        return self.hours.next(simulation.start + self._pause(simulation))

    def act(self, simulation: Simulation) -> dt.datetime:
        for deed in self._inclined(simulation):
            if deed(simulation):
                break
        return self.hours.after(simulation.now, self._pause(simulation))

    def _pause(self, simulation: Simulation) -> dt.timedelta:
        return dt.timedelta(seconds=int(simulation.random.expovariate(1 / PAUSE.total_seconds())) + 1)

    def _inclined(self, simulation: Simulation) -> list[Callable[[Simulation], bool]]:
        """What is thought of, one after the other, until something can be done."""
        first = _weighted(simulation, ((self._move, 50), (self._edit, 18), (self._create, 24), (self._press, 6),
                                       (self._delete, 2)))  # fmt: skip
        return [self._answer, first, self._move, self._create, self._edit]

    # --- deeds: each answers whether there was something to do

    def _answer(self, simulation: Simulation) -> bool:
        if not (mine := simulation.asked(self.login)):
            return False
        question = simulation.random.choice(mine)
        choice = simulation.random.choice(question.choices)
        comment = None if choice.comment == "none" else "seen"
        return bool(simulation.answer(self.login, question.id, choice.name, comment))

    def _create(self, simulation: Simulation) -> bool:
        app, actor = simulation.app, simulation.actor(self.login)
        able = [plan for plan in self._forms if may(app, actor, "create", plan.form)]
        if not able:
            return False
        plan = simulation.random.choice(able)
        self.drawn.shuffle(plan.form)
        values = {**self.drawn.palette.given} if simulation.random.random() < 0.8 else {}
        settable = updatable_fields(app, actor, plan.form, creating=True)
        given = {name: value for name, value in values.items() if settable.ever(name)}
        self.drawn.create(actor, plan, given)
        return True

    def _move(self, simulation: Simulation) -> bool:
        found = self._some_record(simulation, lambda plan: bool(plan.transitions))
        if found is None:
            return False
        plan, record = found
        offered = self._doors(simulation, plan, record)
        able = [door for door in offered if door.open]
        if able:
            weights = [1 if _aside(plan, door) else 4 for door in able]
            self._take(simulation, plan, record, simulation.random.choices(able, weights)[0])
            return True
        mine = [door for door in offered if all(one.kind not in ("permission", "role") for one in door.obstacles)]
        return bool(mine) and self._help(simulation, plan, record, simulation.random.choice(mine))

    def _take(self, simulation: Simulation, plan: FormPlan, record: Record, door: Door) -> None:
        """A door that shows as open and still is not is an outcome worth telling."""
        drawn, actor, name = self.drawn, simulation.actor(self.login), door.transition.name
        drawn.shuffle(plan.form)
        step = plan.transitions[name]
        values = answer(drawn, record, actor, wish_of(drawn, plan, step, record), step.asked, step.asked)
        values = self._filled(plan, record, step) if values is None else values
        deed = f"{record.form} take {name}"
        drawn.do(self.login, deed, lambda: drawn.mended(
            plan, actor, values, lambda now: service.take(drawn.app, actor, record.form, record.id, name, values=now,
                                                          reason="so it is"),
        ))  # fmt: skip

    def _filled(self, plan: FormPlan, record: Record, step: TransitionPlan) -> dict[str, Any]:
        drawn, row = self.drawn, self.drawn.row(record)
        empty = [name for name in sorted(step.asked) if name in plan.fields and is_empty(row.get(name))]
        actor = drawn.simulation.actor(self.login)
        found = {name: drawn.one(plan, plan.fields[name], actor) for name in empty}
        return {name: value for name, value in found.items() if value is not None}

    def _help(self, simulation: Simulation, plan: FormPlan, record: Record, door: Door) -> bool:
        """Fill in what keeps a door closed."""
        drawn, actor = self.drawn, simulation.actor(self.login)
        drawn.shuffle(plan.form)
        wish = wish_of(drawn, plan, plan.transitions[door.transition.name], record)
        free = [name for name in (*reads(drawn, plan, wish.clauses), *wish.filled) if self._may_set(plan, name)]
        values = answer(drawn, record, actor, wish, free, wish.filled)
        if not values:
            return False
        return self._save(simulation, plan, record, values)

    def _edit(self, simulation: Simulation) -> bool:
        found = self._some_record(
            simulation, lambda plan: bool(may(simulation.app, simulation.actor(self.login), "update", plan.form))
        )
        if found is None:
            return False
        plan, record = found
        names = [name for name in plan.fields if self._may_set(plan, name)]
        if not names:
            return False
        self.drawn.shuffle(plan.form)
        chosen = simulation.random.sample(names, min(FIELDS, len(names)))
        actor = simulation.actor(self.login)
        values = {name: self.drawn.one(plan, plan.fields[name], actor) for name in chosen}
        return self._save(simulation, plan, record, {name: one for name, one in values.items() if one is not None})

    def _save(self, simulation: Simulation, plan: FormPlan, record: Record, values: dict[str, Any]) -> bool:
        """Open the form and save it a while later, over the version that was read: others may be faster."""
        drawn, actor = self.drawn, simulation.actor(self.login)
        version = drawn.row(record).get("version")

        def save(_simulation: Simulation) -> None:
            drawn.do(self.login, f"{record.form} update", lambda: drawn.mended(
                plan, actor, dict(values), lambda now: service.save(drawn.app, actor, record.form, now, id=record.id,
                                                                    version=version),
            ))  # fmt: skip

        wait = dt.timedelta(seconds=simulation.random.randrange(int(READING.total_seconds())))
        simulation.at(simulation.now + wait, save)
        return True

    def _press(self, simulation: Simulation) -> bool:
        actor = simulation.actor(self.login)
        rules = [rule for rule in simulation.app.definition.rules.values() if rule.enabled
                 and isinstance(rule.trigger, Button) and not actor.roles.isdisjoint(rule.trigger.roles)]  # fmt: skip
        if not rules:
            return False
        rule = simulation.random.choice(rules)
        found = self._some_record(simulation, lambda plan: plan.form.name == rule.form)
        return found is not None and bool(simulation.press(self.login, found[1].form, found[1].id, rule.name))

    def _delete(self, simulation: Simulation) -> bool:
        app, actor = simulation.app, simulation.actor(self.login)
        found = self._some_record(simulation, lambda plan: bool(may(app, actor, "delete", plan.form)))
        return found is not None and bool(simulation.delete(self.login, found[1].form, found[1].id))

    # --- what they see

    def _some_record(
        self, simulation: Simulation, wanted: Callable[[FormPlan], bool]
    ) -> tuple[FormPlan, Record] | None:
        """One of the newest records of such a form that this person may see, and that is not at its end."""
        plans = [plan for plan in self._forms if wanted(plan)]
        if not plans:
            return None
        plan = simulation.random.choice(plans)
        app, actor, table = simulation.app, simulation.actor(self.login), plan.table
        clauses: list[sa.ColumnElement[bool]] = [table.c.deleted_at.is_(None)]
        allowed = row_filter(app, actor, "read", plan.form)
        clauses += [] if allowed is None else [allowed]
        final = [name for name, state in plan.states.items() if state.final]
        clauses += [table.c.state.not_in(final)] if final else []
        query = sa.select(table.c.id).where(*clauses).order_by(table.c.id.desc()).limit(NEWEST)
        with app.database.read() as conn:
            ids = list(conn.scalars(query))
        return (plan, Record(plan.form.name, int(simulation.random.choice(ids)))) if ids else None

    def _doors(self, simulation: Simulation, plan: FormPlan, record: Record) -> tuple[Door, ...]:
        actor = simulation.actor(self.login)
        return self.drawn.seen(
            record, actor, lambda sight, row: doors(simulation.app, actor, plan.form, sight.view(plan.form, row))
        )

    def _may_set(self, plan: FormPlan, name: str) -> bool:
        app, actor = self.drawn.app, self.drawn.simulation.actor(self.login)
        return name in plan.fields and updatable_fields(app, actor, plan.form).ever(name)


def _aside(plan: FormPlan, door: Door) -> bool:
    target = plan.states.get(door.transition.to)
    return target is not None and target.aside


def _weighted(simulation: Simulation, options: tuple[tuple[Any, int], ...]) -> Any:
    weights = list(accumulate(weight for _deed, weight in options))
    return simulation.random.choices([deed for deed, _weight in options], cum_weights=weights)[0]
