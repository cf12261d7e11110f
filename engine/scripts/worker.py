"""The process that runs scripts and renders templates: it answers one job after the other and can do nothing else.

Everything it will ever need is imported before `limits.confine` closes the doors.
"""

from __future__ import annotations

import base64
import gc
import marshal
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from jinja2 import TemplateError

from engine.errors import Refused
from engine.scripts import limits, templates
from engine.scripts.frames import BadFrame, Ended, Frames, encode
from engine.scripts.guards import OPERATORS, Given, text
from engine.scripts.library import BUILTINS, ERRORS
from engine.scripts.meter import METER, Halt
from engine.scripts.methods import call as call_method
from engine.scripts.telling import cause_of, line_of, packed, unpacked

PIPE = 0
STARTING = 60.0  # seconds of computing
MAX_LOGS = 200
MAX_LOG = 2000  # characters
DEPTH = 250  # frames of a script and its guards
FUNCTION = "_script_"

# Python and Jinja import some things when they are first needed, and no file can be opened then.
_WARM_UP = (
    "{% macro m(x) %}{{ x | escape }}{% endmacro %}"
    "{% for a in [1] %}{{ m('\\u00e9' ~ a) | indent | striptags | urlencode }}{% endfor %}"
    "{{ {'a': 1.5} | dictsort | length }}{{ 'a b' | wordcount }}{{ 'x' | title | truncate(3) }}",
    "{{ 1 / nothing }}",
    "{{ 'x' | nothing }}",
    "{% nothing %}",
)

GUARDS: Mapping[str, Any] = {
    "__builtins__": {},
    **OPERATORS,
    **{f"_e_{name}": kinds for name, kinds in ERRORS.items()},
    "_call_": call_method,
    "_kinds_": lambda *kinds: sum(kinds, ()),
}


class HostRefused(Refused):
    """A host call was answered with a no; ``number`` counts them, so that the parent finds its own exception again."""

    number: int


def given(found: dict[str, Any]) -> Any:
    """What the script is handed can be read, not changed: a change would look as if it were kept."""
    for name, value in found.items():
        if type(value) is list:
            found[name] = tuple(value)
    return Given(found)


class Job:
    """One job after the other, and what is kept between them: code that was seen before."""

    def __init__(self, frames: Frames, base: Mapping[str, Any], guards: Mapping[str, Any]) -> None:
        self._frames = frames
        self._base = base
        self._guards = guards
        self._codes: dict[str, Any] = {}

    def answer(self, job: Mapping[str, Any]) -> bytes:
        """The frame that ends the job."""
        begun = time.process_time()
        try:
            limits.allow_cpu(float(job["cpu"]))
            with METER.limited(float(job["cpu"]), job["steps"]):
                sys.setrecursionlimit(DEPTH)
                value = self._template(job) if "template" in job else self._script(job)
                raw = encode({"value": value, "cpu": time.process_time() - begun})
            sys.setrecursionlimit(1000)
            return raw
        except BaseException as error:
            sys.setrecursionlimit(1000)
            return encode({**self._told(error, job), "cpu": time.process_time() - begun})

    def _script(self, job: Mapping[str, Any]) -> Any:
        names = {**self._base, **job["names"], **{name: self._call(name) for name in job["host"]}, "log": self._log()}
        names.update({name: _answering(names[name]) for name in ("today", "now") if name in names})
        names.update(self._guards)
        exec(self._code(job), names)  # noqa: S102 - code of `policy.py`, without builtins
        return names[FUNCTION]()

    def _code(self, job: Mapping[str, Any]) -> Any:
        found = self._codes.get(job["hash"])
        if found is None:
            found = self._codes[job["hash"]] = marshal.loads(base64.b64decode(job["code"]))  # noqa: S302 - the parent's
        return found

    def _template(self, job: Mapping[str, Any]) -> str:
        return templates.render(job["template"], job["names"], html=job["html"])

    def _call(self, name: str) -> Callable[..., Any]:
        def call(*values: Any, **named: Any) -> Any:
            with METER.talking():
                self._frames.send({"call": name, "values": values, "named": named})
                answer = self._frames.receive()
            if "value" in answer:
                return answer["value"]
            refused = HostRefused(unpacked(answer["refused"]))
            refused.number = answer["number"]
            raise refused

        return call

    def _log(self) -> Callable[..., None]:
        """What is logged is sent at once: it stays also of a script that is killed."""
        left = iter(range(MAX_LOGS))

        def log(*parts: Any) -> None:
            said = " ".join([text(part) for part in parts])[:MAX_LOG]
            if next(left, None) is not None:
                with METER.talking():
                    self._frames.send({"log": said})

        return log

    def _told(self, error: BaseException, job: Mapping[str, Any]) -> dict[str, Any]:
        limit = _limit_of(error)
        if limit:
            return {"stopped": limit}
        cause = templates.cause_in(error) if isinstance(error, TemplateError) else cause_of(error)
        number = error.number if isinstance(error, HostRefused) else None
        return {"failed": packed(cause), "line": _line(error, job), "number": number}


def _answering(value: Any) -> Callable[[], Any]:
    return lambda: value


def _limit_of(error: BaseException) -> str | None:
    if isinstance(error, Halt):
        return error.limit
    kinds = {MemoryError: "memory", RecursionError: "depth", BadFrame: "size"}
    return next((limit for kind, limit in kinds.items() if isinstance(error, kind)), None)


def _line(error: BaseException, job: Mapping[str, Any]) -> int:
    if "template" not in job:
        return line_of(error.__traceback__, "<script>")
    line = getattr(error, "lineno", None) or line_of(error.__traceback__, "<template>")
    with suppress(Exception):  # a template that cannot be compiled has no lines
        return templates.line_in(job["template"], job["html"], line)
    return int(line)


def serve(memory_mb: int, base: Mapping[str, Any] = BUILTINS, guards: Mapping[str, Any] = GUARDS) -> None:
    """Until the parent is gone. ``base`` may be hidden by a job's names, ``guards`` never."""
    frames = Frames(lambda count: os.read(PIPE, count), _write, given)
    job = Job(frames, base, guards)
    for template in _WARM_UP:
        job.answer(given({"template": template, "names": {}, "html": True, "cpu": STARTING, "steps": 1000}))
    _close_the_rest()
    os.environ.clear()
    gc.freeze()
    missing = limits.confine(memory_mb)
    frames.send({"ready": missing})
    with suppress(Ended, BrokenPipeError):
        while True:
            frames.put(job.answer(frames.receive()))


def _write(raw: bytes) -> None:
    sent = memoryview(raw)
    while sent:
        sent = sent[os.write(PIPE, sent) :]


def _close_the_rest() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.closerange(3, 65_536)
