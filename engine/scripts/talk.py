"""The talk with a process about one job: it asks, the application answers, until it says its last word.

What comes from there is judged like anything from outside: the process may have been taken over.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import NoneType
from typing import Any

from engine.errors import AppmillError, Message, message
from engine.scripts.errors import LIMITS, ScriptFailed, ScriptStopped
from engine.scripts.process import WorkerProcess
from engine.scripts.telling import packed, unpacked

MAX_CALLS = 1000
MAX_LOGS = 200

Host = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class HostCall:
    """One thing a script asked of the application, and how long the answer took."""

    name: str
    seconds: float


@dataclass(frozen=True)
class ScriptResult:
    """What a script returned and left behind. ``wall_seconds`` leaves out what the host calls took."""

    value: Any
    logs: tuple[str, ...]
    calls: tuple[HostCall, ...]
    cpu_seconds: float
    wall_seconds: float


_NUMBER = (int, Decimal)
# What each kind of frame holds, under the word that tells its kind.
_FRAMES: Mapping[str, Mapping[str, Any]] = {
    "call": {"call": str, "values": list, "named": dict},
    "log": {"log": str},
    "stopped": {"stopped": str, "cpu": _NUMBER},
    "failed": {"failed": dict, "line": int, "number": (int, NoneType), "cpu": _NUMBER},
    "value": {"value": object, "cpu": _NUMBER},
}


def _understood(frame: Any) -> bool:
    if not isinstance(frame, dict):
        return False
    shape = next((shape for word, shape in _FRAMES.items() if word in frame), None)
    return shape is not None and all(isinstance(frame.get(key), kinds) for key, kinds in shape.items())


class Talk:
    """``ended``: the process said its last word and can take another job."""

    def __init__(self, worker: WorkerProcess, host: Host) -> None:
        self.logs: list[str] = []
        self.ended = False
        self._worker = worker
        self._host = host
        self._refusals: list[AppmillError] = []
        self._calls: list[HostCall] = []

    def hold(self, job: Mapping[str, Any], wall: float) -> ScriptResult:
        """Raises ScriptFailed, ScriptStopped, and whatever a host call raises that is no AppmillError."""
        begun = time.monotonic()
        self._worker.begin(wall)
        self._worker.send(job)
        while True:
            frame = self._frame()
            if "call" in frame:
                self._answer(frame)
            elif "log" in frame:
                self._note(frame["log"])
            else:
                return self._result(frame, begun)

    def _frame(self) -> dict[str, Any]:
        frame = self._worker.receive()
        if not _understood(frame):
            raise ScriptStopped("crash")
        return dict(frame)

    def _note(self, text: str) -> None:
        if len(self.logs) >= MAX_LOGS:
            raise ScriptStopped("calls")
        self.logs.append(text)

    # --- host calls --------------------------------------------------------------------------------------------------

    def _answer(self, frame: dict[str, Any]) -> None:
        if len(self._calls) >= MAX_CALLS:
            raise ScriptStopped("calls")
        begun = time.monotonic()
        name = frame["call"]
        if name not in self._host:
            raise ScriptStopped("crash")
        answer = self._called(name, frame["values"], frame["named"])
        took = time.monotonic() - begun
        self._calls.append(HostCall(name, took))
        self._worker.wait(took)
        self._worker.send(answer)

    def _called(self, name: str, values: list[Any], named: dict[str, Any]) -> dict[str, Any]:
        function = self._host[name]
        try:
            return {"value": function(*values, **named)}
        except AppmillError as error:
            self._refusals.append(error)
            return {"refused": packed(error.reason), "number": len(self._refusals) - 1}
        except TypeError:
            if _takes(function, values, named):
                raise  # a defect, not the script's
            return {"refused": packed(_usage(name, function)), "number": None}

    # --- the last word -----------------------------------------------------------------------------------------------

    def _result(self, frame: dict[str, Any], begun: float) -> ScriptResult:
        cpu = float(frame["cpu"])
        if "stopped" in frame:
            limit = frame["stopped"]
            self.ended = limit in LIMITS and limit != "memory"  # what it took is not given back
            raise ScriptStopped(limit if limit in LIMITS else "crash")
        self.ended = True
        if "failed" in frame:
            raise self._failure(frame)
        waited = sum(call.seconds for call in self._calls)
        wall = time.monotonic() - begun - waited
        return ScriptResult(frame["value"], tuple(self.logs), tuple(self._calls), cpu, wall)

    def _failure(self, frame: dict[str, Any]) -> ScriptFailed:
        refusal = dict(enumerate(self._refusals)).get(frame["number"])
        cause = refusal.reason if refusal else unpacked(frame["failed"])
        failed = ScriptFailed(cause, frame["line"], refusal=refusal)
        failed.logs = tuple(self.logs)
        return failed


def _takes(function: Callable[..., Any], values: list[Any], named: dict[str, Any]) -> bool:
    try:
        inspect.signature(function).bind(*values, **named)
    except TypeError:
        return False
    return True


def _usage(name: str, function: Callable[..., Any]) -> Message:
    parameters = ", ".join(inspect.signature(function).parameters)
    return message("Write {usage}", usage=f"{name}({parameters})")
