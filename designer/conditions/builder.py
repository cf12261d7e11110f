"""The builder as it is drawn: every choice of every comparison, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from designer.conditions.model import Condition, Group, Value
from designer.conditions.offers import Term, entry_for, term_of, terms
from designer.conditions.operators import OPERATORS, label_of, operators_for
from designer.conditions.sentences import described
from designer.conditions.writing import written
from designer.text.refusals import EditRefused
from engine.errors import Message, message
from engine.expressions import Kind, Scope
from engine.texts import say

Choices = tuple[tuple[str, str], ...]  # (written, label)


@dataclass(frozen=True)
class Slot:
    """One value: its kind, its text, the control, and what it may be chosen from."""

    kind: str
    text: str
    input: str
    options: Choices


@dataclass(frozen=True)
class Row:
    """A comparison. ``modes``: the ways its value can be given, where there are several."""

    left: str
    label: str
    operator: str
    operators: Choices
    takes: str
    slots: tuple[Slot, ...]
    modes: Choices


@dataclass(frozen=True)
class Block:
    kind: str
    parts: tuple[Row | Block, ...]


@dataclass(frozen=True)
class Drawn:
    """``expression`` is None while something is missing; ``problem`` says what where it is known."""

    block: Block
    names: tuple[tuple[str, Choices], ...]  # heading → names
    expression: str | None
    problem: Message | None
    sentence: str


def drawn(group: Group, scope: Scope, language: str) -> Drawn:
    """A condition on the page; what a person has not said yet is filled in as far as one can guess."""
    offered = terms(scope, language)
    group = _fitted(group, scope, offered)
    expression, problem = _expression(group)
    return Drawn(
        block=_block(group, scope, offered, language),
        names=_headed(offered),
        expression=expression,
        problem=problem,
        sentence=described(group, scope, language) if expression else "",
    )


def _headed(offered: list[Term]) -> tuple[tuple[str, Choices], ...]:
    ordered = groupby(offered, key=lambda term: term.heading)
    return tuple((heading, tuple((term.path, term.label) for term in several)) for heading, several in ordered)


def _expression(group: Group) -> tuple[str | None, Message | None]:
    if _is_unfinished(group):
        return None, None
    try:
        return written(group), None
    except EditRefused as refused:
        return None, refused.reason


def _is_unfinished(part: Condition | Group) -> bool:
    if isinstance(part, Group):
        return any(_is_unfinished(inner) for inner in part.parts)
    missing = OPERATORS[part.operator].takes != "none" and not part.values
    return missing or any(not value.text and value.kind not in ("today", "boolean") for value in part.values)


# --- filling in


def _fitted(group: Group, scope: Scope, offered: list[Term]) -> Group:
    parts = [
        _fitted(part, scope, offered) if isinstance(part, Group) else _fitting(part, scope, offered)
        for part in group.parts
    ]
    return replace(group, parts=tuple(parts))


def _fitting(condition: Condition, scope: Scope, offered: list[Term]) -> Condition:
    left = condition.left or (offered[0].path if offered else "user")
    kind = term_of(left, scope, "en").kind
    operator = condition.operator or next(iter(operators_for(kind))).name
    takes = OPERATORS[operator].takes if operator in OPERATORS else "one"
    values = condition.values or ((_guess(kind, operator, scope, offered),) if takes != "none" else ())
    values = tuple(Value("path", _alike(kind, operator, offered)) if one == Value("path") else one for one in values)
    return Condition(left, operator, {"none": (), "one": values[:1]}.get(takes, values))


def _guess(kind: Kind, operator: str, scope: Scope, offered: list[Term]) -> Value:
    entry = entry_for(kind, operator, scope.definition, "en")
    if entry.input == "select":
        return Value("text", entry.options[0][0] if entry.options else "")
    if entry.input == "path":
        return Value("path", _alike(kind, operator, offered))
    return {"date": Value("today"), "boolean": Value("boolean", "true"), "number": Value("number", "0")}.get(
        entry.input, Value("text")
    )


def _alike(kind: Kind, operator: str, offered: list[Term]) -> str:
    """What something of this kind can be compared with: who acts, or another of the same."""
    if operator in ("within", "not_within"):
        return next((term.path for term in offered if term.kind.name == "list"), "")
    wanted = {"records": "record", "users": "user", "list": "text"}.get(kind.name, kind.name)
    found = [term for term in offered if term.kind.name == wanted and kind.form in (None, term.kind.form)]
    return next((term.path for term in found if term.path == "user"), found[0].path if found else "")


# --- drawing


def _block(group: Group, scope: Scope, offered: list[Term], language: str) -> Block:
    return Block(group.kind, tuple(
        _block(part, scope, offered, language) if isinstance(part, Group) else _row(part, scope, offered, language)
        for part in group.parts
    ))  # fmt: skip


def _row(condition: Condition, scope: Scope, offered: list[Term], language: str) -> Row:
    term = term_of(condition.left, scope, language)
    known = operators_for(term.kind)
    if condition.operator in OPERATORS and OPERATORS[condition.operator] not in known:
        known = [*known, OPERATORS[condition.operator]]
    takes = OPERATORS[condition.operator].takes
    modes = tuple(_modes(term.kind, condition, language)) if takes == "one" else ()
    return Row(
        left=condition.left,
        label=term.label,
        operator=condition.operator,
        operators=tuple((one.name, say(label_of(one, term.kind), language)) for one in known),
        takes=takes,
        slots=tuple(_slot(one, term.kind, condition.operator, scope, offered, language) for one in condition.values),
        modes=modes if len(modes) > 1 else (),
    )


_MODES = {
    "fixed": message("Fixed value"),
    "today": message("Days from today"),
    "path": message("Another field"),
    "formula": message("Formula"),
}


def _modes(kind: Kind, condition: Condition, language: str) -> Iterator[tuple[str, str]]:
    """The ways a value can be given here: a date also as days from today, everything as another field or formula."""
    only = kind.name in ("record", "user", "records", "users") or condition.operator in ("within", "not_within")
    names = ["path", "formula"] if only else ["fixed", "path", "formula"]
    if kind.name in ("date", "datetime"):
        names.insert(1, "today")
    yield from ((name, say(_MODES[name], language)) for name in names)


def _slot(value: Value, kind: Kind, operator: str, scope: Scope, offered: list[Term], language: str) -> Slot:
    if value.kind == "path":
        return Slot("path", value.text, "path", _paths(kind, operator, value.text, scope, offered, language))
    if value.kind in ("formula", "today", "boolean"):
        return Slot(value.kind, value.text, value.kind, ())
    entry = entry_for(kind, operator, scope.definition, language)
    if entry.input == "select" and value.kind == "text":
        known = entry.options
        extra = () if any(name == value.text for name, _ in known) else ((value.text, value.text),)
        return Slot("text", value.text, "select", (*known, *extra))
    return Slot(value.kind, value.text, value.kind, ())


def _paths(kind: Kind, operator: str, chosen: str, scope: Scope, offered: list[Term], language: str) -> Choices:
    """The names a value may be, those of the same kind; the chosen one is among them."""
    member = operator in ("within", "not_within")
    wanted = ("list", "users", "records") if member else (kind.name,)
    fits = [term for term in offered if term.kind.name in wanted or (kind.name in ("any", "list") and not member)]
    names = tuple((term.path, term.label) for term in fits)
    if chosen and all(path != chosen for path, _ in names):
        names = ((chosen, term_of(chosen, scope, language).label), *names)
    return names

