"""One process that runs scripts, as its parent sees it: a pipe, a clock, and an axe."""

from __future__ import annotations

import math
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jinja2
import markupsafe

from engine.scripts.errors import ScriptStopped
from engine.scripts.frames import BadFrame, Ended, Frames

STARTING = 60.0  # seconds; a start takes a tenth of one
STARVED = 10  # times its seconds a job may take on a machine that has no time for it
_ROOT = Path(__file__).resolve().parents[2]
_PATHS = [str(_ROOT), *dict.fromkeys(str(Path(str(module.__file__)).parents[1]) for module in (jinja2, markupsafe))]
# -S leaves site-packages out, so that nothing there runs at the start; what is needed of it is named.
_FLAGS = ("-I", "-S", "-c")
_START = f"import sys; sys.path += {_PATHS!r}; "


class WorkerProcess:
    """Started on making; ``missing`` names the protections this system does not offer."""

    def __init__(self, memory_mb: int, code: str = "from engine.scripts.start import begin; begin()") -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, *_FLAGS, _START + code, str(memory_mb)]
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own Python and our own words
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd="/", env={}
            )
        self._socket = ours
        self._frames = Frames(self._read, self._write)
        self.deadline = self._last = time.monotonic() + STARTING
        self._wall = self._begun = 0.0
        self.seen: set[str] = set()  # hashes of scripts whose code it holds
        self.jobs = 0
        try:
            self.missing = tuple(str(name) for name in self.receive()["ready"])
        except BaseException:
            self.kill()
            raise
        self._base = self._resident()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def begin(self, wall: float) -> None:
        """A job may take this many seconds, and more only where others keep it from working."""
        self.jobs += 1
        self._wall, self._begun = wall, self._worked()
        self.deadline = time.monotonic() + wall
        self._last = self.deadline + (STARVED - 1) * wall

    def wait(self, seconds: float) -> None:
        """So long it was others that worked: the job is given that time again."""
        self.deadline += seconds
        self._last += seconds

    def send(self, frame: Any) -> None:
        """Raises ScriptStopped, and what `frames.encode` raises; the process is of no use after the former."""
        try:
            self._frames.send(frame)
        except BadFrame:
            raise ScriptStopped("size") from None
        except (TimeoutError, OSError) as error:
            raise self._stopped(error) from None

    def receive(self) -> Any:
        """The next frame; raises ScriptStopped where none comes in time, after which the process is of no use."""
        try:
            return self._frames.receive()
        except BadFrame:
            raise ScriptStopped("size") from None
        except (Ended, TimeoutError, OSError) as error:
            raise self._stopped(error) from None

    def tired(self, most_jobs: int) -> bool:
        """Whether another should take over: memory that grew is not given back."""
        return self.jobs >= most_jobs or (self.jobs % 20 == 0 and self._resident() > 2 * self._base)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._socket.close()

    def _read(self, count: int) -> bytes:
        while True:
            try:
                self._socket.settimeout(self._left())
                return self._socket.recv(count)
            except TimeoutError:
                if not self._starved():
                    raise
                self.deadline = min(time.monotonic() + self._wall / 2, self._last)

    def _starved(self) -> bool:
        """Whether the job, out of time, worked less than half of it: scripts stand back behind everything else."""
        return time.monotonic() < self._last and self._worked() - self._begun < self._wall / 2

    def _write(self, raw: bytes) -> None:
        self._socket.settimeout(self._left())
        self._socket.sendall(raw)

    def _left(self) -> float:
        return max(self.deadline - time.monotonic(), 0.001)

    def _stopped(self, error: Exception) -> ScriptStopped:
        if isinstance(error, TimeoutError):
            return ScriptStopped("time")
        self._process.kill()
        code = self._process.wait()
        return ScriptStopped({-signal.SIGXCPU: "cpu", -signal.SIGKILL: "memory"}.get(code, "crash"))

    def _worked(self) -> float:
        """Seconds of computing, by Linux' clock of a process; without end where the system does not tell."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return math.inf

    def _resident(self) -> int:
        """Pages in memory; 0 where the system does not tell."""
        try:
            with open(f"/proc/{self.pid}/statm") as sizes:
                return int(sizes.read().split()[1])
        except OSError:
            return 0
