"""The six ways Appmill says no, each a sentence someone can act on.

A message is kept as an English pattern plus its values, so that it is translated where it is shown and never where it
is raised.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Message:
    """An English pattern with ``{named}`` places and their values; the pattern is also the translation key."""

    pattern: str
    values: Mapping[str, Any] = field(default_factory=lambda: NOTHING)

    def __str__(self) -> str:
        return self.pattern.format_map({name: _listed(value) for name, value in self.values.items()})


def _listed(value: Any) -> Any:
    return ", ".join(str(one) for one in value) if isinstance(value, (tuple, list)) else value


def message(pattern: str, **values: Any) -> Message:
    """Say something translatable: ``message("{label} is required", label=field.label)``."""
    return Message(pattern, MappingProxyType(values))


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one place of the input: ``where`` is a field path such as ``lines.2.quantity`` or ``""``."""

    where: str
    message: Message


class AppmillError(Exception):
    """Base of everything Appmill refuses on purpose; anything else that is raised is a defect."""

    status = 500
    code = "error"

    def __init__(self, reason: Message, problems: Iterable[Problem] = ()) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.problems = tuple(problems)


class Invalid(AppmillError):
    """The input is wrong; every wrong place is listed."""

    status = 422
    code = "invalid"


class Refused(AppmillError):
    """The input is fine, but the record's state, a guard or a rule forbids it now."""

    status = 409
    code = "refused"


class Denied(AppmillError):
    """The actor may not do this."""

    status = 403
    code = "denied"


class Missing(AppmillError):
    """There is no such thing, or none the actor may know of."""

    status = 404
    code = "missing"


class Stale(AppmillError):
    """Someone else saved first: the caller's version is not the stored one."""

    status = 409
    code = "stale"

    def __init__(self, reason: Message, current_version: int | None = None) -> None:
        super().__init__(reason)
        self.current_version = current_version


class DeliveryFailed(AppmillError):
    """The world outside did not do what was asked.

    ``again``: whether trying again can help; ``after``: not before so many seconds; ``unsure``: it may have arrived.
    """

    status = 502
    code = "delivery_failed"

    def __init__(
        self, reason: Message, *, again: bool = True, after: float | None = None, unsure: bool = False
    ) -> None:
        super().__init__(reason)
        self.again, self.after, self.unsure = again, after, unsure


class Throttled(DeliveryFailed):
    """Our own limit leaves no room now: no failure and no attempt, its turn comes ``after`` so many seconds."""

    def __init__(self, reason: Message, after: float) -> None:
        super().__init__(reason, after=after)


Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """One remark about a definition file. ``line`` and ``column`` count from 1; ``path`` is dotted."""

    severity: Severity
    message: Message
    path: str = ""
    line: int = 1
    column: int = 1
    file: str = "definition.yaml"

    def __str__(self) -> str:
        mark = "" if self.severity == "error" else f"{self.severity}: "
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {mark}{where}{self.message}"


@dataclass
class DefinitionError(Exception):
    """A definition that cannot be used, with every finding of one run."""

    findings: tuple[Finding, ...] = field(default_factory=tuple)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)
