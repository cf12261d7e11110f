"""The seal of a plan: what people saw when they agreed, and what differs when it is not so any more."""

from __future__ import annotations

import hashlib

from engine.errors import Message, message
from engine.publishing.inforce import as_data, as_text
from engine.storage.decisions import Decisions
from engine.storage.migrate import Plan


def seal_of(plan: Plan, base: str | None, decisions: Decisions) -> str:
    """A hash over everything the plan does, asks and was told."""
    told = {
        "base": base, "hash": plan.definition.hash, "steps": [as_data(step.message) for step in plan.order],
        "recompute": plan.recompute, "questions": [[each.id, each.count] for each in plan.questions],
        "decisions": {id: decision.as_data() for id, decision in decisions.items()},
    }  # fmt: skip
    return hashlib.sha256(as_text(told).encode()).hexdigest()[:32]


def differences(seen: Plan, now: Plan) -> tuple[Message, ...]:
    """What the plan says now and did not say when it was seen, and what it does not say any more."""
    before, after = _sentences(seen), _sentences(now)
    fresh = [said for key, said in after.items() if key not in before]
    gone = [message("not any more: {what}", what=said) for key, said in before.items() if key not in after]
    return tuple(fresh or gone)


def _sentences(plan: Plan) -> dict[str, Message]:
    said = [*(each.message for each in plan.questions), *(step.message for step in plan.order)]
    return {as_text(as_data(each)): each for each in said}
