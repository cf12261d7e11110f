"""In the place of everything outside: what would have left is kept as data, and answered as the scenario says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import DeliveryFailed, message
from engine.outside.task import Surroundings, Task
from engine.registry import Registry

# They write records and files of the copy, or make mails and calls, and are carried out.
HERE = frozenset({"script", "print", "reach"})
_ANSWERS: Mapping[str, Mapping[str, Any]] = {"http": {"status": 200, "headers": {}, "json": None, "text": None}}


@dataclass(frozen=True)
class Sent:
    """One thing that would have left: its kind, the name of the connection, and what was in it."""

    kind: str
    connection: str | None
    data: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Everything that was said, to look for words in."""
        return json.dumps(self.data, ensure_ascii=False, default=str)

    @property
    def addresses(self) -> frozenset[str]:
        receivers = (*self.data.get("to", ()), *self.data.get("cc", ()), *self.data.get("bcc", ()))
        return frozenset(one["address"] if isinstance(one, Mapping) else str(one) for one in receivers)


@dataclass
class Recorder:
    """``answers`` and ``down`` are those of the scenario that is played."""

    sent: list[Sent] = field(default_factory=list)
    answers: Mapping[str, Any] = field(default_factory=dict)
    down: frozenset[str] = frozenset()

    def begin(self, answers: Mapping[Any, Any], down: frozenset[str]) -> None:
        self.sent, self.answers, self.down = [], dict(answers), down

    def performers(self, registry: Registry) -> dict[str, Callable[..., Any]]:
        """The registry's, with those that leave the process replaced."""
        return {kind: performer if kind in HERE else self._perform for kind, performer in registry.performers.items()}

    def _perform(self, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        connection = task.connection.name if task.connection is not None else None
        if connection in self.down:
            raise DeliveryFailed(message("{name} cannot be reached.", name=connection), again=False)
        self.sent.append(Sent(task.kind, connection, task.data))
        answer = self.answers.get(connection or "")
        if isinstance(answer, Mapping):
            return {**_ANSWERS.get(task.kind, {}), **answer}
        return {**_ANSWERS.get(task.kind, {}), **({} if answer is None else {"answer": answer})}
