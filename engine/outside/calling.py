"""The kind ``call``: an operation of a connector. ``task.data``: ``operation`` and its ``values``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import DeliveryFailed, message
from engine.outside.task import Surroundings, Task


def perform(task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
    connection, name = task.connection, str(task.data["operation"])
    values: Mapping[str, Any] = task.data.get("values", {})
    if connection is None:
        raise DeliveryFailed(message("A call needs a connection."), again=False)
    operation = connection.operations().get(name)
    if operation is None:
        raise DeliveryFailed(
            message("'{connection}' has no operation '{name}'.", connection=connection.name, name=name), again=False
        )
    missing = tuple(sorted(operation.needs - {key for key, value in values.items() if value is not None}))
    if missing:
        raise DeliveryFailed(
            message("'{connection}' {name} needs {missing}.", connection=connection.name, name=name, missing=missing),
            again=False,
        )
    return connection.perform(name, values, task, surroundings)
