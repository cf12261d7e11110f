"""The same change to many records, one walk each: what became of every one, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine import service
from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Message, message
from engine.people import Actor
from engine.texts import say

MOST_TOLD = 500  # failures kept with their reason


@dataclass(frozen=True)
class Outcome:
    """What became of one record; ``problem`` None: it was changed."""

    id: int
    problem: Message | str | None = None


@dataclass(frozen=True)
class Change:
    """``action``: edit, take or delete. ``values`` are raw input, read anew for every record."""

    form: Form
    action: str
    values: Mapping[str, Any]
    transition: str | None = None
    reason: str | None = None

    def apply(self, app: Application, who: Actor, record: int) -> Outcome:
        """Change one record; every refusal is an outcome, everything else is a defect and raised."""
        try:
            self._apply(app, who, record)
        except AppmillError as refused:
            return Outcome(record, _told(refused))
        return Outcome(record)

    def _apply(self, app: Application, who: Actor, record: int) -> None:
        if self.action == "delete":
            service.delete(app, who, self.form, record)
        elif self.action == "take":
            service.take(app, who, self.form, record, str(self.transition), values=self.values, reason=self.reason)
        else:
            service.save(app, who, self.form, self.values, id=record)


def _told(refused: AppmillError) -> Message:
    return refused.problems[0].message if isinstance(refused, Invalid) and refused.problems else refused.reason


def make_change(
    form: Form, action: str, values: Mapping[str, Any], transition: str | None = None, reason: str | None = None
) -> Change:
    """Raises Invalid for a step the form does not have, or one that needs a reason and has none."""
    if action != "take":
        return Change(form, action, values)
    step = form.workflow.transitions.get(transition or "") if form.workflow else None
    if step is None:
        raise Invalid(message("Choose the step to take first."))
    if step.reason == "required" and not (reason or "").strip():
        raise Invalid(message("{label} needs a reason.", label=step.label))
    return Change(form, action, values, step.name, reason)


@dataclass
class Tally:
    """How many of ``total`` were changed, and the failures with their reasons."""

    total: int
    done: int = 0
    failed: int = 0
    failures: list[Outcome] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.done + self.failed

    def add(self, outcome: Outcome) -> None:
        if outcome.problem is None:
            self.done += 1
            return
        self.failed += 1
        if len(self.failures) < MOST_TOLD:
            self.failures.append(outcome)

    def dump(self) -> dict[str, Any]:
        """As JSON, every reason said in each language."""
        failures = [[each.id, _in_languages(each.problem)] for each in self.failures]
        return {"done": self.done, "failed": self.failed, "failures": failures}

    @classmethod
    def load(cls, total: int, progress: int, stored: Mapping[str, Any] | None, language: str = "en") -> Tally:
        """Out of JSON; while the job runs there is only its progress."""
        if not stored:
            return cls(total, done=progress)
        failures = [Outcome(one, texts.get(language)) for one, texts in stored["failures"]]
        return cls(total, stored["done"], stored["failed"], failures)


def _in_languages(problem: Message | str | None) -> dict[str, str]:
    return {language: say(problem or "", language) for language in ("zh", "en")}
