"""The processes that run scripts and templates, started when first needed and replaced when a limit ended one."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any

from engine.scripts.breaker import Breaker
from engine.scripts.errors import ScriptRefused, ScriptStopped
from engine.scripts.meter import STEPS
from engine.scripts.policy import Script, compile_script
from engine.scripts.process import STARTING, WorkerProcess
from engine.scripts.talk import Host, ScriptResult, Talk
from engine.scripts.templates import check_template_source
from engine.scripts.turns import Turns

log = logging.getLogger("appmill.scripts")

MAX_JOBS = 500  # of one process


@dataclass(frozen=True)
class Health:
    """How the pool is: ``missing`` names protections this system does not offer, None before the first start."""

    size: int
    waiting: int
    started: int
    stopped: int
    resting: int
    missing: tuple[str, ...] | None

    @property
    def seccomp(self) -> bool:
        return self.missing is not None and "seccomp" not in self.missing


class Pool:
    """Runs scripts and renders templates in ``size`` processes; any number of threads may ask.

    ``wall`` and ``cpu`` are seconds of one job, host calls apart; ``memory_mb`` is what it may need beyond the process
    itself. Who waits longer than ``patience`` seconds, or has ``line`` jobs waiting already, is told to come later.
    """

    def __init__(
        self, size: int = 2, wall: float = 2.0, cpu: float = 1.0, memory_mb: int = 128, *,
        steps: int = STEPS, line: int = 20, patience: float = 30.0,
        start: Callable[[int], WorkerProcess] = WorkerProcess,
    ) -> None:  # fmt: skip
        self.size, self.wall, self.cpu, self.memory_mb, self.steps = size, wall, cpu, memory_mb, steps
        self.breaker = Breaker()
        self._turns = Turns(size, line, patience)
        self._idle: SimpleQueue[Future[WorkerProcess]] = SimpleQueue()
        self._start = start
        # One thread for all: a process ends with the thread that started it.
        self._starting: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._closed = False
        self._started = self._stopped = 0
        self._missing: tuple[str, ...] | None = None

    # --- what is asked -----------------------------------------------------------------------------------------------

    def run(
        self, script: Script | str, names: Mapping[str, Any], host: Host | None = None, *, owner: str | None = None
    ) -> ScriptResult:
        """Runs a script; host calls are answered in the calling thread. Raises ScriptRefused, -Failed, -Stopped.

        ``names`` and answers are plain data: texts, numbers, dates, lists and groups by text. ``owner`` is whoever
        must not keep others from running theirs. What a host call raises as an AppmillError the script may catch.
        """
        host = host or {}
        if isinstance(script, str):
            script = compile_script(script, {*names, *host, "log"})
        job = {"hash": script.hash, "names": names, "host": [*{*host, "log"}]}
        return self._run(script.hash, lambda worker: _with_code(job, script, worker), host, owner)

    def render(self, template: str, names: Mapping[str, Any], *, html: bool, owner: str | None = None) -> str:
        """The template filled in; values are escaped where it is HTML. Raises as `run` does."""
        problems = check_template_source(template)
        if problems:
            raise ScriptRefused(problems)
        job = {"template": template, "names": names, "html": html}
        return str(self._run(f"template {hash(template)}", lambda worker: job, {}, owner).value)

    def health(self) -> Health:
        waiting, resting = self._turns.waiting, self.breaker.resting
        return Health(self.size, waiting, self._started, self._stopped, resting, self._missing)

    def close(self) -> None:
        """Ends the processes that wait; those at work end with their job."""
        with self._lock:
            self._closed = True
            starting, self._starting = self._starting, None
        while not self._idle.empty():
            place = self._idle.get()
            if not place.exception():
                place.result().kill()
        if starting:
            starting.shutdown()

    # --- how it is done ----------------------------------------------------------------------------------------------

    def _run(
        self, key: str, job: Callable[[WorkerProcess], Mapping[str, Any]], host: Host, owner: str | None
    ) -> ScriptResult:
        self.breaker.ask(key)
        with self._turns.turn(owner):
            worker = self._worker()
            talk = Talk(worker, host)
            try:
                result = talk.hold({**job(worker), "cpu": self.cpu, "steps": self.steps}, self.wall)
            except ScriptStopped as stopped:
                self._stopped += 1
                self.breaker.note(key)
                stopped.logs = tuple(talk.logs)
                raise
            finally:
                self._give_back(worker, talk.ended)
        self.breaker.forgive(key)
        return result

    def _worker(self) -> WorkerProcess:
        self._open()
        try:
            return self._idle.get(timeout=STARTING).result()
        except Empty:  # closed meanwhile
            raise ScriptStopped("busy") from None
        except BaseException:
            self._replace()  # a place whose process did not start is tried again by the next
            raise

    def _open(self) -> None:
        with self._lock:
            if self._starting is None and not self._closed:
                self._starting = ThreadPoolExecutor(1, "appmill-scripts")
                for _ in range(self.size):
                    self._idle.put(self._starting.submit(self._start_one))
            if self._closed:
                raise ScriptStopped("busy")

    def _start_one(self, instead_of: WorkerProcess | None = None) -> WorkerProcess:
        if instead_of:
            instead_of.kill()
        worker = self._start(self.memory_mb)
        self._started += 1
        if self._missing is None and worker.missing:
            log.warning("Scripts run with less protection: this system does not offer %s", ", ".join(worker.missing))
        self._missing = worker.missing
        return worker

    def _give_back(self, worker: WorkerProcess, whole: bool) -> None:
        with self._lock:
            if whole and not self._closed and not worker.tired(MAX_JOBS):
                self._idle.put(_ready(worker))
                return
        self._replace(worker)

    def _replace(self, worker: WorkerProcess | None = None) -> None:
        """Another process for the place of this one, which ends behind the back of whoever asked."""
        with self._lock:
            if self._starting:
                self._idle.put(self._starting.submit(self._start_one, worker))
                return
        if worker:
            worker.kill()


def _ready(worker: WorkerProcess) -> Future[WorkerProcess]:
    done: Future[WorkerProcess] = Future()
    done.set_result(worker)
    return done


def _with_code(job: Mapping[str, Any], script: Script, worker: WorkerProcess) -> Mapping[str, Any]:
    """The code goes to each process once."""
    if script.hash in worker.seen:
        return job
    worker.seen.add(script.hash)
    return {**job, "code": base64.b64encode(script.code).decode()}
