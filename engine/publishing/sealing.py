"""What people saw of a plan when they agreed, and what differs when it is not so any more; see ``Plan.seal``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.errors import Message, message
from engine.publishing.inforce import as_data, as_text, of_data
from engine.storage.migrate import Plan


def changed_since(seen: Sequence[Any], now: Plan) -> Message:
    """What to say where the plan is another one than was seen; ``seen`` as ``sentences_of`` gave it."""
    before, after = {as_text(each) for each in seen}, {as_text(each): each for each in sentences_of(now)}
    fresh = [of_data(each) for key, each in after.items() if key not in before]
    gone = [message("not any more: {what}", what=of_data(each)) for each in seen if as_text(each) not in after]
    return message(
        "The data changed since this was prepared: {what} Nothing was changed; look at it again.",
        what=tuple(fresh or gone) or (message("other records are affected."),),
    )


def sentences_of(plan: Plan | None) -> list[Any]:
    """Everything a plan says, as JSON."""
    if plan is None:
        return []
    return [as_data(each) for each in (*(q.message for q in plan.questions), *(step.message for step in plan.order))]
