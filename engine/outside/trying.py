"""The kind ``try``: a connector signs in and looks at something harmless; ``said`` is a message of what it found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import DeliveryFailed, message
from engine.outside.task import Surroundings, Task


def perform(task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
    if task.connection is None:
        raise DeliveryFailed(message("A call needs a connection."), again=False)
    return {"said": task.connection.try_out(task, surroundings)}
