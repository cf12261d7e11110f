"""Rules that wake each other: what each does is an event that may be another's trigger.

A ring in which no rule has a condition runs until the walk stops it, every time: an error. A ring with a condition may
end or not, depending on values: a note says that it was not worked out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.actions import (
    Ask,
    Branch,
    CreateRecord,
    ForEach,
    Notify,
    Reassign,
    Refuse,
    SetValues,
    TakeTransition,
    UpdateMatching,
    Wait,
)
from engine.approve import Approve
from engine.checks.names import linked_form
from engine.checks.review import Review
from engine.definition import Form, Rule, Transition
from engine.errands import Call, Http, Mail, Print, Report
from engine.errors import message
from engine.language import Expression
from engine.timers import Finished
from engine.triggers import Entered, Left, Taken, Updated


@dataclass(frozen=True)
class Happening:
    """What an action causes: a kind of event at a form; ``name`` a state or transition; ``values`` fields set;
    ``states``: those the record may be in afterwards, where that is known."""

    kind: str
    form: str
    name: str = ""
    values: tuple[tuple[str, Expression], ...] = ()
    states: tuple[str, ...] = ()


Written = Mapping[tuple[str, str], set[str]]


def check_loops(review: Review) -> None:
    rules = {rule.name: rule for rule in review.rules}
    written = _written(review)
    causes = {name: tuple(_happenings(review, rule, written)) for name, rule in rules.items()}
    wakes = {
        name: tuple(
            other
            for other, rule in rules.items()
            if any(_wakes(happening, rule) for happening in causes[name]) or _watches(rule, name)
        )
        for name in rules
    }
    _report(review, rules, wakes)
    _unanalysed(review)


def _report(review: Review, rules: Mapping[str, Rule], wakes: Mapping[str, tuple[str, ...]]) -> None:
    free = {
        name: tuple(other for other in wakes[name] if _is_free(rules[other])) for name in rules if _is_free(rules[name])
    }
    told: set[str] = set()
    for name in rules:
        ring = () if name in told else _ring(name, free)
        if ring:
            told |= set(ring)
            said = message("These rules wake each other for ever: {rules}.", rules=_shown(ring))
            review.error(("rules", name), said, at_key=True)
    for name in rules:
        ring = () if name in told else _ring(name, wakes)
        if ring and not told & set(ring):
            told |= set(ring)
            said = message(
                "Not analysed: whether the conditions keep these rules from waking each other for ever: {rules}.",
                rules=_shown(ring),
            )
            review.note(("rules", name), said, at_key=True)


def _shown(ring: tuple[str, ...]) -> str:
    return " → ".join((*ring, ring[0]))


def _ring(start: str, edges: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The shortest way from a rule back to itself, () if there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = set()
    while ways:
        way = ways.pop(0)
        for other in edges.get(way[-1], ()):
            if other == start:
                return way
            if other not in seen:
                seen.add(other)
                ways.append((*way, other))
    return ()


def _is_free(rule: Rule) -> bool:
    """Whether nothing but the trigger decides that the rule acts."""
    narrowed = isinstance(rule.trigger, Updated) and (rule.trigger.from_ is not None or rule.trigger.to is not None)
    if isinstance(rule.trigger, Finished):
        narrowed = rule.trigger.outcome == "failed"
    return rule.when is None and not narrowed


def _watches(rule: Rule, name: str) -> bool:
    """Whether the end of the other rule wakes it."""
    return isinstance(rule.trigger, Finished) and rule.trigger.rule == name


# --- what actions cause


def _happenings(review: Review, rule: Rule, written: Written) -> Iterator[Happening]:
    for _path, action, of in rule.steps():
        form = review.form(of)
        if isinstance(action, SetValues | UpdateMatching):
            name = action.form if isinstance(action, UpdateMatching) else of
            if name is not None and not _settles(name, action.values, written):
                yield Happening("updated", name, values=tuple(action.values.items()))
        elif isinstance(action, Print) and of:
            yield Happening("updated", of, values=((str(action.into), Expression("results")),))
        elif isinstance(action, CreateRecord):
            yield from _created(review, action)
        elif isinstance(action, TakeTransition) and form:
            target = linked_form(review, form.fields.get(action.of)) if action.of else form
            yield from _taken(target, action.transition)


def _written(review: Review) -> Written:
    """(form, field) → everything rules set it to."""
    found: dict[tuple[str, str], set[str]] = {}
    for rule in review.rules:
        for _path, action, of in rule.steps():
            if isinstance(action, SetValues | UpdateMatching):
                form = action.form if isinstance(action, UpdateMatching) else of
                for name, source in action.values.items() if form else ():
                    found.setdefault((str(form), name), set()).add(source)
    return found


def _settles(form: str, values: Mapping[Any, Expression], written: Written) -> bool:
    """Setting fields to fixed values that no other rule changes again has an effect only once: it cannot go on."""
    return all(_is_fixed(source) and written[form, name] == {source} for name, source in values.items())


def _is_fixed(source: str) -> bool:
    try:
        ast.literal_eval(source)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _created(review: Review, action: CreateRecord) -> Iterator[Happening]:
    yield Happening("created", action.form)
    form = review.form(action.form)
    if form and form.workflow:
        yield Happening("entered", action.form, form.workflow.initial)
    for name in action.lines:
        lines = linked_form(review, form.fields.get(name)) if form else None
        if lines:
            yield Happening("created", lines.name)


def _taken(form: Form | None, name: str) -> Iterator[Happening]:
    transition = form.workflow.transitions.get(name) if form and form.workflow else None
    if form is None or transition is None:
        return
    ends = _ends(form, transition)
    yield Happening("taken", form.name, name, states=ends)
    for state in transition.from_:
        yield Happening("left", form.name, state, states=ends)
    for end in ends:
        yield Happening("entered", form.name, end, states=(end,))


def _ends(form: Form, transition: Transition) -> tuple[str, ...]:
    if transition.to != "previous":
        return (transition.to,)
    assert form.workflow is not None  # it holds the transition
    into = (other for other in form.workflow.transitions.values() if set(transition.from_) & {other.to})
    return tuple(dict.fromkeys(start for other in into for start in other.from_))


# --- what they wake


def _wakes(happening: Happening, rule: Rule) -> bool:
    trigger = rule.trigger
    if rule.form != happening.form or happening.kind not in trigger.wakes_on:
        return False
    if happening.states and not _admits(rule.when, happening.states):
        return False
    if isinstance(trigger, Entered | Left):
        return trigger.state == happening.name
    if isinstance(trigger, Taken):
        return trigger.transition == happening.name
    if isinstance(trigger, Updated):
        return _is_told(trigger, dict(happening.values))
    return True


def _admits(when: Expression | None, states: tuple[str, ...]) -> bool:
    """Whether the condition can hold in one of the states: a clause such as ``record.state in ('open', 'paid')``
    narrows it, anything else may hold."""
    try:
        body = ast.parse(when or "True", mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return True  # told elsewhere
    clauses = body.values if isinstance(body, ast.BoolOp) and isinstance(body.op, ast.And) else [body]
    narrowed = [wanted for clause in clauses if (wanted := _states_asked(clause)) is not None]
    return any(all(state in wanted for wanted in narrowed) for state in states)


def _states_asked(clause: ast.expr) -> tuple[Any, ...] | None:
    """The states a clause admits; None where it asks about something else."""
    if not isinstance(clause, ast.Compare) or len(clause.ops) != 1 or ast.unparse(clause.left) != "record.state":
        return None
    right = ast.unparse(clause.comparators[0])
    if not _is_fixed(right):
        return None
    value = ast.literal_eval(right)
    if isinstance(clause.ops[0], ast.Eq):
        return (value,)
    return tuple(value) if isinstance(clause.ops[0], ast.In) and isinstance(value, tuple | list) else None


def _is_told(trigger: Updated, values: Mapping[str, Expression]) -> bool:
    if trigger.field is None:
        return True
    if trigger.field not in values:
        return False
    made, wanted = values[trigger.field], trigger.to
    return wanted is None or not (_is_fixed(made) and _is_fixed(wanted)) or made == wanted


# All but the first four and the last change no record themselves.
_KNOWN = (
    SetValues, CreateRecord, UpdateMatching, TakeTransition, Reassign, Notify, Refuse, Branch, ForEach, Wait, Mail,
    Http, Call, Ask, Approve, Print, Report,
)  # fmt: skip


def _unanalysed(review: Review) -> None:
    """Actions of plugins may cause anything: say that it was not looked at."""
    for rule in review.rules:
        for path, action, _form in rule.steps():
            if not isinstance(action, _KNOWN):
                said = message("Not analysed: whether the action '{type}' wakes other rules.", type=action.type)
                review.note(("rules", rule.name, *path), said)
