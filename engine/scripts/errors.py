"""The three ways a script or template says no."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from engine.errors import AppmillError, Message, message


class SourceProblem(NamedTuple):
    """What is wrong with one place of a source; ``line`` counts from 1, ``column`` from 0."""

    message: Message
    line: int
    column: int = 0


class ScriptRefused(AppmillError):
    """The text is no script of the language; every problem found is in ``places``."""

    status = 422
    code = "script"

    def __init__(self, places: Iterable[SourceProblem]) -> None:
        self.places = tuple(places)
        first = self.places[0]
        super().__init__(message("Line {line}: {cause}", line=first.line, cause=first.message))


class ScriptFailed(AppmillError):
    """The script met what it cannot go on with; ``logs`` is what it wrote until then, ``refusal`` a host call's no."""

    status = 422
    code = "script_failed"

    def __init__(self, cause: Message, line: int = 0, *, refusal: AppmillError | None = None) -> None:
        super().__init__(message("Line {line}: {cause}", line=line, cause=cause) if line else cause)
        self.cause = cause
        self.line = line
        self.refusal = refusal
        self.logs: tuple[str, ...] = ()


class ScriptStopped(AppmillError):
    """The script was ended by a limit, which is one of `LIMITS`."""

    status = 422
    code = "script_stopped"

    def __init__(self, limit: str) -> None:
        super().__init__(LIMITS[limit])
        self.limit = limit
        self.logs: tuple[str, ...] = ()


LIMITS = {
    "time": message("The script took too long and was ended"),
    "cpu": message("The script used too much computing time and was ended"),
    "memory": message("The script needed too much memory and was ended"),
    "steps": message("The script took too many steps and was ended"),
    "depth": message("The script's functions call each other too deeply"),
    "calls": message("The script asked too often for records and services and was ended"),
    "size": message("The script handles more data at once than it may"),
    "crash": message("The script ended the process it ran in"),
    "busy": message("Too many scripts are waiting; please try again later"),
    "tripped": message("The script was ended several times in a row and rests now"),
}
