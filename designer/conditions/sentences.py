"""A condition in words."""

from __future__ import annotations

from designer.conditions.model import Condition, Group
from designer.conditions.offers import term_of, value_label
from designer.conditions.operators import OPERATORS, label_of
from engine.errors import Message, message
from engine.expressions import Scope
from engine.texts import say

_JOINED: dict[str, Message] = {"all": message(" and "), "any": message(" or "), "none": message(" or ")}


def described(part: Condition | Group, scope: Scope, language: str) -> str:
    """Such as “Level is A and (Amount is more than 100 or Urgent is yes)”."""
    if isinstance(part, Condition):
        return _condition(part, scope, language)
    parts = [_inner(inner, scope, language) for inner in part.parts]
    joined = say(_JOINED[part.kind], language).join(parts)
    return say(message("not ({condition})", condition=joined), language) if part.kind == "none" and parts else joined


def _inner(part: Condition | Group, scope: Scope, language: str) -> str:
    text = described(part, scope, language)
    return f"({text})" if isinstance(part, Group) and part.kind != "none" and len(part.parts) > 1 else text


def _condition(condition: Condition, scope: Scope, language: str) -> str:
    term = term_of(condition.left, scope, language)
    operator = OPERATORS[condition.operator]
    values = message("{values}", values=tuple(value_label(value, term.kind, scope, language)
                                              for value in condition.values))  # fmt: skip
    words = [term.label, say(label_of(operator, term.kind), language), say(values, language)]
    return " ".join(word for word in words if word)
