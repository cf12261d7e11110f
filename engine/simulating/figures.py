"""What a simulation did, counted: who acted how often, what was refused and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import AppmillError, Message, Problem
from engine.language import Label
from engine.texts import say

_NUMBERS = re.compile(r"\d[\d,.:]*")


@dataclass
class Figures:
    """``acts``: what people did, such as ``ticket take close`` → how often. ``refused``: (act, sentence) → how often,
    the sentence with ``…`` where names and numbers stood; ``examples``: one whole sentence for each. ``sent``: what
    would have left the process, by kind. ``messages``: "kind state" → how many; ``seconds`` of the wall clock."""

    acts: Counter[str] = field(default_factory=Counter)
    by: Counter[str] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)
    noted: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    messages: dict[str, int] = field(default_factory=dict)
    failed_runs: dict[str, int] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    events: int = 0
    moments: int = 0
    seconds: float = 0.0
    complete: bool = True

    @property
    def done(self) -> int:
        return sum(self.acts.values())

    @property
    def per_second(self) -> float:
        return self.done / self.seconds if self.seconds else 0.0

    def refuse(self, act: str, refusal: AppmillError) -> None:
        key = (act, shape_of(refusal))
        self.refused[key] += 1
        self.examples.setdefault(key, said(refusal))

    def as_json(self) -> dict[str, Any]:
        refused = [
            {"act": act, "sentence": sentence, "count": count, "example": self.examples[act, sentence]}
            for (act, sentence), count in self.refused.most_common()
        ]
        plain = ("by", "noted", "sent", "acts")
        return {
            "done": self.done, "refusals": sum(self.refused.values()), "seconds": round(self.seconds, 3),
            "per_second": round(self.per_second, 1), "complete": self.complete, "events": self.events,
            "moments": self.moments, **{name: dict(getattr(self, name).most_common()) for name in plain},
            "refused": refused, "messages": self.messages, "failed_runs": self.failed_runs, "records": self.records,
        }  # fmt: skip


def said(refusal: AppmillError) -> str:
    """Everything that was said, in English."""
    if not refusal.problems:
        return say(refusal.reason, "en")
    return "; ".join(_at(problem, say(problem.message, "en")) for problem in refusal.problems)


def shape_of(refusal: AppmillError) -> str:
    """The same without what differs from record to record, so that like refusals are counted together."""
    kind = type(refusal).__name__
    if not refusal.problems:
        return f"{kind}: {_shape(refusal.reason)}"
    distinct = dict.fromkeys(_at(problem, _shape(problem.message)) for problem in refusal.problems)
    return f"{kind}: {'; '.join(distinct)}"


def _at(problem: Problem, text: str) -> str:
    where = ".".join("#" if part.isdigit() else part for part in problem.where.split("."))
    return f"{where}: {text}" if where else text


def _shape(what: Message) -> str:
    return _NUMBERS.sub("#", what.pattern.format_map(_Shapes(what.values)))


class _Shapes(dict[str, str]):
    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({name: _shape_of_value(value) for name, value in values.items()})


def _shape_of_value(value: Any) -> str:
    if isinstance(value, Message):
        return _shape(value)
    if isinstance(value, Label):
        return value.text("en")
    if isinstance(value, (tuple, list)) and value and all(isinstance(one, (Message, Label)) for one in value):
        return ", ".join(dict.fromkeys(_shape_of_value(one) for one in value))
    return "…"
