"""Real processes: what they log, what they count, and how they end."""

from __future__ import annotations

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import servers
from visiting import TICKETS

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-of-the-operator"
SECRET = "canary-secret-of-a-shop"
HOLD = """
from pathlib import Path
from flask import Blueprint

def screen(application):
    blueprint = Blueprint("hold", __name__)

    @blueprint.get("/api/hold")
    def hold():
        return Path(r"{pipe}").read_text()  # until somebody writes into it

    hold.public = True
    return blueprint

def register(registry):
    registry.screen(screen)
"""
PATIENCE = 60  # seconds; a busy machine takes its time


class Process:
    """A command of ours, whose log is read as it is written."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        told = {**os.environ, "PYTHONPATH": str(ROOT), "APPMILL_METRICS_TOKEN": TOKEN, **environment}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", *arguments, "--log", "json"], cwd=ROOT, env=told, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.written: list[str] = []
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.written.append(line)
            self._lines.put(line)
        self._lines.put("")

    def until(self, said: str) -> dict[str, Any]:
        """The next line of the log whose message begins so."""
        while line := self._lines.get(timeout=PATIENCE):
            told: dict[str, Any] = json.loads(line)
            if told["message"].startswith(said):
                return told
        raise AssertionError(f"it ended without saying {said!r}: {''.join(self.written)}")

    def port(self, said: str) -> int:
        return int(self.until(said)["message"].rpartition(":")[2])

    def tell(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """How it ended, once it has; it is told to when it did not."""
        code = self._process.wait(PATIENCE)
        self._reading.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None
            stream.close()
        return code

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self.end()


def asked(port: int, path: str, **headers: str) -> tuple[int, str]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        return answer.status, answer.read().decode()
    finally:
        line.close()


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "tickets.yaml").write_text(TICKETS)
    return str(tmp_path / "tickets.yaml")


@pytest.fixture
def begin() -> Iterator[Any]:
    begun: list[Process] = []

    def start(*arguments: str, **environment: str) -> Process:
        begun.append(Process(*arguments, **environment))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()


def test_a_server_told_to_end_answers_what_is_under_way_and_ends_well(begin: Any, file: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "holding.py").write_text(HOLD.format(pipe=pipe))
    server = begin(
        "run", file, "--database", f"sqlite:///{tmp_path}/t.db", "--port", "0", "--plugin", "holding", "--drain", "1.5",
        PYTHONPATH=f"{ROOT}:{tmp_path}", APPMILL_SECRET_SHOP=SECRET,
    )  # fmt: skip
    port, answers = server.port("serving"), list[Any]()
    assert asked(port, "/health/ready")[0] == 200
    held = threading.Thread(target=lambda: answers.append(asked(port, "/api/hold")))
    held.start()
    with pipe.open("w") as writing:  # opens when the request reads
        server.tell(signal.SIGTERM)
        server.until("ending: no more work is taken")
        status, said = asked(port, "/health/ready")
        assert (status, json.loads(said)) == (503, {"status": "not ready", "why": "stopping"})
        assert asked(port, f"/nowhere?{SECRET}")[0] == 303
        while _is_listening(port):  # for as long as it drains
            pass
        assert answers == []
        writing.write("here you are")
    held.join(PATIENCE)
    assert answers == [(200, "here you are")]
    assert server.end() == 0
    lines = [json.loads(line) for line in server.written]  # every line is one
    assert [line["message"] for line in lines if line["logger"] == "appmill.server"][1:] == [
        "ending: no more work is taken", "ended",
    ]  # fmt: skip
    assert "GET /api/hold 200" in [line["message"] for line in lines]
    assert not any(secret in "".join(server.written) for secret in (SECRET, TOKEN))


def _is_listening(port: int) -> bool:
    try:
        asked(port, "/health/live")
    except OSError:
        return False
    return True


def test_each_process_counts_for_itself_and_a_worker_puts_down_its_work(begin: Any, file: str) -> None:
    with servers.postgresql_database() as url:
        server = begin("run", file, "--database", url, "--port", "0")
        port = server.port("serving")
        worker = begin("work", file, "--database", url, "--port", "0", "--threads", "2")
        watched = worker.port("watched at")
        worker.until("2 threads deliver")
        assert [asked(watched, path)[0] for path in ("/health/ready", "/ticket", "/metrics")] == [200, 404, 401]
        assert asked(port, "/sign_in")[0] == 200
        told = [asked(each, "/metrics", Authorization=f"Bearer {TOKEN}") for each in (port, watched)]
        assert [(status, "appmill_database_up 1.0" in figures) for status, figures in told] == [(200, True)] * 2
        assert ['route="/sign_in",status="2xx"' in figures for _status, figures in told] == [True, False]
        worker.tell(signal.SIGTERM)
        server.tell(signal.SIGTERM)
        assert (worker.end(), server.end()) == (0, 0)
