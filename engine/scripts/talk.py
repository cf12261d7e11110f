"""The talk with a process about one job: it asks, the application answers, until it says its last word.

What comes from there is judged like anything from outside: the process may have been taken over.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
                self._note(str(frame["log"]))
            else:
                return self._result(frame, begun)

    def _frame(self) -> dict[str, Any]:
        frame = self._worker.receive()
        if not isinstance(frame, dict):
            raise ScriptStopped("crash")
        return frame

    def _note(self, text: str) -> None:
        if len(self.logs) >= MAX_LOGS:
            raise ScriptStopped("calls")
        self.logs.append(text)

    # --- host calls --------------------------------------------------------------------------------------------------

    def _answer(self, frame: dict[str, Any]) -> None:
        if len(self._calls) >= MAX_CALLS:
            raise ScriptStopped("calls")
        begun = time.monotonic()
        name, values, named = self._asked(frame)
        answer = self._called(name, values, named)
        took = time.monotonic() - begun
        self._calls.append(HostCall(name, took))
        self._worker.deadline += took
        self._worker.send(answer)

    def _asked(self, frame: dict[str, Any]) -> tuple[str, list[Any], dict[str, Any]]:
        name, values, named = frame["call"], frame.get("values"), frame.get("named")
        if name not in self._host or not isinstance(values, list) or not isinstance(named, dict):
            raise ScriptStopped("crash")
        return name, values, named

    def _called(self, name: str, values: list[Any], named: dict[str, Any]) -> dict[str, Any]:
        function = self._host[name]
        try:
            inspect.signature(function).bind(*values, **named)
        except TypeError:
            return {"refused": packed(_usage(name, function)), "number": None}
        try:
            return {"value": function(*values, **named)}
        except AppmillError as error:
            self._refusals.append(error)
            return {"refused": packed(error.reason), "number": len(self._refusals) - 1}

    # --- the last word -----------------------------------------------------------------------------------------------

    def _result(self, frame: dict[str, Any], begun: float) -> ScriptResult:
        cpu = float(frame.get("cpu") or 0)
        if "stopped" in frame:
            limit = frame["stopped"]
            self.ended = limit != "memory"  # what it took is not given back
            raise ScriptStopped(limit if limit in LIMITS else "crash")
        self.ended = True
        if "failed" in frame:
            raise self._failure(frame)
        waited = sum(call.seconds for call in self._calls)
        wall = time.monotonic() - begun - waited
        return ScriptResult(frame.get("value"), tuple(self.logs), tuple(self._calls), cpu, wall)

    def _failure(self, frame: dict[str, Any]) -> ScriptFailed:
        number, line = frame.get("number"), frame.get("line")
        known = isinstance(number, int) and 0 <= number < len(self._refusals)
        refusal = self._refusals[number] if known else None  # type: ignore[index]
        failed = ScriptFailed(
            refusal.reason if refusal else unpacked(frame["failed"]),
            line if isinstance(line, int) else 0,
            refusal=refusal,
        )
        failed.logs = tuple(self.logs)
        return failed


def _usage(name: str, function: Callable[..., Any]) -> Message:
    parameters = ", ".join(inspect.signature(function).parameters)
    return message("Write {usage}", usage=f"{name}({parameters})")
