"""What people and time can do for a record that cannot move on: tried from the cheapest to the dearest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from engine import answering, questions, service
from engine.actions import TakeTransition
from engine.definition import Rule
from engine.errands import Call, Http
from engine.errors import AppmillError
from engine.hooks import Webhook
from engine.letterbox import MailArrives
from engine.people import Actor, system_actor
from engine.plans import FormPlan, TransitionPlan
from engine.storage.automation import in_state
from engine.storage.tables import linked_form
from engine.timing.simulate import pass_time
from engine.triggers import Button, Updated
from engine.walks.ground import Ground, Record, is_denied
from engine.walks.wishes import Wish, answer, granted, is_empty, reads, wish_of

LATER = (dt.timedelta(days=1), dt.timedelta(days=30), dt.timedelta(days=400))
FEW = 4
ONWARD = 6  # transitions of a related record
STEPS = 40  # questions of one approval

Effort = Callable[[Ground, Record, Wish], Iterator[None]]


def open_door(ground: Ground, record: Record, step: TransitionPlan, *, hard: bool) -> bool:
    """Take a transition; ``hard``: by changing and adding whatever helps. Whether the record left its state."""
    state = ground.state(record)
    if take(ground, record, step):
        return True
    wish = wish_of(ground, ground.app.plans.form(record.form), step, record)
    for effort in _EFFORTS if hard else _EFFORTS[:1]:
        for _ in effort(ground, record, wish):
            if ground.state(record) != state or take(ground, record, step):
                return True
    return hard and any(ground.state(record) != state for _ in _by_rules(ground, record, step))


def take(ground: Ground, record: Record, step: TransitionPlan, given: dict[str, Any] | None = None) -> bool:
    """Whoever may take it does, filling in what it asks for; ``given``: with these answers."""
    plan = ground.app.plans.form(record.form)
    wish = wish_of(ground, plan, step, record)
    for actor in ground.takers(step.transition):
        found = answer(ground, record, actor, wish, step.asked, step.asked)
        values = {**(found or _plainly(ground, plan, record, actor, step)), **(given or {})}
        refusal = ground.mended(plan, actor, values, _taking(ground, record, actor, step))
        if refusal is None:
            return True
        if not is_denied(refusal) and not plan.form.permissions:
            return False
    return False


def _taking(ground: Ground, record: Record, actor: Actor, step: TransitionPlan) -> Callable[[dict[str, Any]], Any]:
    name = step.transition.name
    return lambda values: service.take(ground.app, actor, record.form, record.id, name, values=values, reason="-")


def _plainly(ground: Ground, plan: FormPlan, record: Record, actor: Actor, step: TransitionPlan) -> dict[str, Any]:
    """Something for every empty field that is asked for, whether or not it opens the guard."""
    row, found = ground.row(record), {}
    for name in step.asked:
        if name in plan.fields and is_empty(row.get(name)):
            value = ground.one(plan, plan.fields[name], actor)
            if value is not None:
                found[name] = value
    return found


# --- efforts: generators that stop after each change that may have helped ---------------------------------------------


def _own(ground: Ground, record: Record, wish: Wish) -> Iterator[None]:
    """Fields of the record, by one person who may change them all, or by several one by one."""
    plan = ground.app.plans.form(record.form)
    free = [*reads(ground, plan, wish.clauses), *wish.filled]
    for actor in ground.people:
        found = answer(ground, record, actor, wish, free, wish.filled)
        if found and ground.save(actor, record, found) is None:
            yield
            return
    if _one_by_one(ground, plan, record, wish, free):
        yield


def _one_by_one(ground: Ground, plan: FormPlan, record: Record, wish: Wish, free: list[str]) -> bool:
    found = answer(ground, record, system_actor("walk"), wish, free, wish.filled) or {}
    changed = False
    for name in found:
        for actor in ground.people:
            value = ground.one(plan, plan.fields[name], actor) if plan.fields[name].kind == "files" else found[name]
            if ground.save(actor, record, {name: value}) is None:
                changed = True
                break
    return changed


def _lines(ground: Ground, record: Record, wish: Wish) -> Iterator[None]:
    """Rows of the lines that the clauses look into: filled with one value after the other, or a first one added."""
    plan = ground.app.plans.form(record.form)
    looked = {path[1:3] for clause in wish.clauses for path in clause.paths if path[0] == "record" and len(path) > 2}
    for lines, name in sorted(looked):
        if lines not in plan.lines or name not in plan.lines[lines].plan.fields:
            continue
        inner = plan.lines[lines].plan
        for actor in ground.people:
            for value in ground.candidates(inner, inner.fields[name], actor)[:FEW]:
                rows = [{"id": id, name: value} for id in _line_ids(ground, inner, record)]
                if ground.save(actor, record, {lines: rows or [{name: value}]}) is None:
                    yield


def _line_ids(ground: Ground, inner: FormPlan, record: Record) -> list[int]:
    form = inner.form.name
    return ground.seen(
        record, system_actor("walk"), lambda sight, _row: [int(row["id"]) for row in sight.lines(form, record.id)]
    )


def _linked(ground: Ground, record: Record, wish: Wish) -> Iterator[None]:
    """Fields of the record a link leads to."""
    plan, row = ground.app.plans.form(record.form), ground.row(record)
    paths = dict.fromkeys(path for clause in wish.clauses for path in clause.paths if path[0] == "record")
    for path in paths:
        link = plan.links.get(path[1]) if len(path) > 2 else None
        if link is None or not isinstance(row.get(path[1]), int):
            continue
        target, there = ground.app.plans.form(link.target), Record(link.target, row[path[1]])
        if path[2] not in target.fields or not target.fields[path[2]].writable:
            continue
        for actor in ground.people:
            for value in ground.candidates(target, target.fields[path[2]], actor)[: FEW + 2]:
                if ground.save(actor, there, {path[2]: value}) is not None:
                    break
                yield
                if granted(ground, record, actor, wish):
                    return


def _related(ground: Ground, record: Record, wish: Wish) -> Iterator[None]:
    """Records that feed a figure of this one: one more of them, or those that are there brought to their end."""
    plan = ground.app.plans.form(record.form)
    for name in reads(ground, plan, wish.clauses):
        found: Any = plan.fields[name]
        if found.type != "rollup":
            continue
        form, _, field = found.of.partition(".")
        if found.via in plan.fields or form not in ground.definition.forms:
            continue
        for other in [*ground.others(form, found.via, record.id)]:
            if onward(ground, other, lambda: False):
                yield
        for value in _figures(ground, form, field):
            given = {found.via: record.id, **value}
            made = ground.make(form, given, must=frozenset(given), anyhow=False)
            if made is None:
                continue
            yield
            onward(ground, made, lambda: granted(ground, record, system_actor("walk"), wish))
            yield
            if granted(ground, record, system_actor("walk"), wish):
                return


def _figures(ground: Ground, form: str, field: str) -> list[dict[str, Any]]:
    plan = ground.app.plans.form(form)
    if not field or not plan.fields[field].writable:
        return [{}]
    values = ground.candidates(plan, plan.fields[field], system_actor("walk"))
    return [{field: value} for value in sorted(values, key=_size, reverse=True)[:FEW]]


def _size(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0


def onward(ground: Ground, record: Record, enough: Callable[[], bool]) -> bool:
    """Take whatever transition can be taken of another record, until it is enough or at its end."""
    plan, moved = ground.app.plans.form(record.form), False
    if not plan.transitions:
        return False
    for _ in range(ONWARD):
        here = ground.state(record)
        for step in plan.leaving.get(here, ()):
            wish = wish_of(ground, plan, step, record)
            if take(ground, record, step) or any(take(ground, record, step) for _ in _own(ground, record, wish)):
                moved = True
                break
        if ground.state(record) == here or enough():
            return moved
    return moved


_EFFORTS: tuple[Effort, ...] = (_own, _lines, _linked, _related)


# --- rules that take the transition -----------------------------------------------------------------------------------


def rules_taking(ground: Ground, form: str, transition: str) -> list[tuple[Rule, TakeTransition]]:
    """The rules that may take a transition of records of the form, with the action that does."""
    found = []
    for rule in ground.definition.rules.values():
        for _path, action, of in rule.steps() if rule.enabled and not rule.shadow else ():
            if isinstance(action, TakeTransition) and action.transition == transition:
                leads_to: str | None = of
                if action.of and of and of in ground.definition.forms:
                    leads_to = linked_form(ground.definition.forms[of].fields[action.of])
                if leads_to == form:
                    found.append((rule, action))
    return found


def _by_rules(ground: Ground, record: Record, step: TransitionPlan) -> Iterator[None]:
    for rule, action in rules_taking(ground, record.form, step.transition.name):
        plan = ground.app.plans.rule[rule.stable_id]
        wish = Wish(plan.when.clauses if plan.when else (), ())
        if rule.form == record.form and not action.of:
            yield from _of_this(ground, record, rule, wish)
        elif rule.form in ground.definition.forms and action.of:
            other = ground.make(str(rule.form), {action.of: record.id}, must=frozenset({action.of}), anyhow=False)
            if other is not None:
                yield
                onward(ground, other, lambda: False)
                yield
                yield from _of_this(ground, other, rule, wish)


def _of_this(ground: Ground, record: Record, rule: Rule, wish: Wish) -> Iterator[None]:
    """What wakes the rule: its button, or a change after which its condition holds."""
    for effort in (_nothing, *_EFFORTS):
        for _ in effort(ground, record, wish):
            if isinstance(rule.trigger, Button):
                _press(ground, record, rule)
            else:
                _touch(ground, record, rule)
            yield


def _nothing(ground: Ground, record: Record, wish: Wish) -> Iterator[None]:
    yield


def _press(ground: Ground, record: Record, rule: Rule) -> None:
    for actor in ground.people:
        if ground.attempt(lambda who=actor: service.press(ground.app, who, record.form, record.id, rule.name)) is None:  # type: ignore[misc]
            return


def _touch(ground: Ground, record: Record, rule: Rule) -> None:
    """Change what the rule watches."""
    if not isinstance(rule.trigger, Updated) or rule.trigger.field is None:
        return
    plan = ground.app.plans.form(record.form)
    for actor in ground.people:
        for value in ground.candidates(plan, plan.fields[rule.trigger.field], actor)[:FEW]:
            if ground.save(actor, record, {str(rule.trigger.field): value}) is None:
                return


# --- questions and time -----------------------------------------------------------------------------------------------


def answers(ground: Ground, record: Record) -> list[tuple[int, str]]:
    """Every answer that somebody may give to a question about the record: (question, answer)."""
    table = ground.app.tables.question
    with ground.app.database.read() as conn:
        here = (table.c.form == record.form, table.c.record_id == record.id, table.c.state == "open")
        found = questions.found(conn, ground.app.tables, *here)
    return [(one.id, choice.name) for one in found for choice in one.choices if not _leads_round(one, choice.name)]


def _leads_round(question: questions.Question, name: str) -> bool:
    """Sending an approval back only has it asked again, unless that ends it."""
    return question.approval_id is not None and name in ("return", "submit")


def give(ground: Ground, question: int, name: str) -> None:
    """Everybody who is asked gives this answer, until it is settled; in an approval, at every step that follows."""
    asked: int | None = question
    for _ in range(STEPS):
        if asked is None:
            return
        _give(ground, asked, name)
        asked = _next_question(ground, asked)


def _next_question(ground: Ground, question: int) -> int | None:
    """An open question of the same approval."""
    table = ground.app.tables.question
    approval = sa.select(table.c.approval_id).where(table.c.id == question).scalar_subquery()
    with ground.app.database.read() as conn:
        following = sa.select(table.c.id).where(table.c.approval_id == approval, in_state(table, "open"))
        found: int | None = conn.scalar(following.where(table.c.id != question).order_by(table.c.id).limit(1))
        return found


def _give(ground: Ground, question: int, name: str) -> None:
    for actor in (*ground.people, *([ground.admin] if ground.admin else [])):
        ground.attempt(lambda who=actor: answering.answer(ground.app, who, question, name, "-"))  # type: ignore[misc]


def wait(ground: Ground) -> Iterator[None]:
    """Time passes."""
    for length in LATER:
        try:
            pass_time(ground.app, ground.world.hands, ground.world.hands.now + length)
        except AppmillError:
            return
        ground.dirty = True
        yield


def from_outside(ground: Ground, record: Record, state: str) -> bool:
    """Whether another system may move it on at any time: by a message we cannot invent."""
    plan = ground.app.plans.form(record.form)
    for step in plan.leaving.get(state, ()):
        for rule, _action in rules_taking(ground, record.form, step.transition.name):
            told = isinstance(rule.trigger, (Webhook, MailArrives))
            if told or any(isinstance(action, (Http, Call)) for _path, action, _form in rule.steps()):
                return True
    return False
