"""Which regular expressions a definition may use: those whose time stays small whatever is typed."""

from __future__ import annotations

import re
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from engine.errors import Message, message

LONGEST = 200
MANY = 12  # a repetition of more than this counts as endless
_REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT}
_REFUSED = {codes.GROUPREF, codes.GROUPREF_EXISTS, codes.ASSERT, codes.ASSERT_NOT}


def fault(pattern: str) -> Message | None:
    """Why the pattern cannot be used, or None.

    Refused: repetitions inside endless repetitions, alternatives inside endless repetitions, more than three endless
    repetitions, references back, look-around; these can take time that grows without bound.
    """
    if len(pattern) > LONGEST:
        too_long = "The pattern must have at most {limit} characters; got {count}."
        return message(too_long, limit=LONGEST, count=len(pattern))
    try:
        tree = parser.parse(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return message("The pattern is not a regular expression: {error}.", error=str(error))
    counts: list[int] = []
    if not _safe(tree, 1, counts) or len(counts) > 3:
        return message(
            "The pattern “{got}” could take very long on some texts. Avoid repetitions or alternatives inside a"
            " repetition such as (a+)*, more than three endless repetitions, references back and look-around.",
            got=pattern,
        )
    return None


def _safe(tree: Any, around: int, endless: list[int]) -> bool:
    """``around``: how often the repetitions around this part may run it; ``endless`` collects the long ones."""
    return all(_safe_part(op, value, around, endless) for op, value in tree)


def _safe_part(op: Any, value: Any, around: int, endless: list[int]) -> bool:
    if op in _REFUSED:
        return False
    if op in _REPEATS or op is getattr(codes, "POSSESSIVE_REPEAT", None):
        least, most, inner = value
        runs = around * most
        if around > 1 and least != most and runs > 100:
            return False
        if most > MANY:
            endless.append(most)
        return _safe(inner, runs, endless)
    if op is codes.BRANCH:
        return around <= MANY and all(_safe(branch, around, endless) for branch in value[1])
    if op is codes.SUBPATTERN:
        return _safe(value[-1], around, endless)
    if op is getattr(codes, "ATOMIC_GROUP", None):
        return _safe(value, around, endless)
    return True
