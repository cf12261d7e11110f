"""Our side of benchmarks/channels.py: the processes that serve the application, who kills them, and who brings them the
webhooks."""

from __future__ import annotations

import base64
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import channels_shops
from channels_shops import ROOT, Change, Shops

from engine.application import Application, open_application
from engine.extensions import registry_for

PLUGIN = "plugins.channels"
# One that signs sessions, and one that new tokens are kept under, so that a process knows what another was given.
KEYS = {
    "APPMILL_SECRET_KEY": "channels" * 4,
    "APPMILL_KEY": base64.urlsafe_b64encode(b"channels" * 4).decode(),
}


class Processes:
    """``appmill run`` and, on PostgreSQL, ``appmill work``; killed and started again."""

    def __init__(self, file: Path, url: str, folder: Path, threads: int = 64) -> None:
        self.port = free_port()
        common = [str(file), "--database", url, "--plugin", PLUGIN, "--quiet"]
        command = [sys.executable, "-m", "engine.cli"]
        self.commands = {"server": [*command, "run", *common, "--port", str(self.port)]}
        if url.startswith("postgresql"):
            self.commands["worker"] = [*command, "work", *common, "--threads", str(threads)]
        self.kills: Counter[str] = Counter()
        self._logs = {name: folder / f"{name}.log" for name in self.commands}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        for name in self.commands:
            self.begin(name)

    def begin(self, name: str) -> None:
        told = {**os.environ, **channels_shops.environment(), **KEYS, "PYTHONPATH": str(ROOT)}
        with self._logs[name].open("w") as log:
            self._running[name] = subprocess.Popen(self.commands[name], cwd=ROOT, env=told, stdout=log, stderr=log)

    def is_up(self, name: str) -> bool:
        """Whether it has begun to work since it was started."""
        return any(said in self._logs[name].read_text() for said in ("Ctrl-C", "http://"))

    def kill(self, name: str) -> None:
        self._running[name].send_signal(signal.SIGKILL)
        self._running[name].wait()
        self.kills[name] += 1
        self.begin(name)

    def wait(self, seconds: float = 60) -> None:
        """Until the server answers."""
        until = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise SystemExit("the server does not start") from None
                time.sleep(0.1)

    def end(self) -> None:
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def at_home(shops: Shops, sqlite: bool, *changes: Change) -> Iterator[tuple[Application, Processes]]:
    """The application in this process and in those that serve it."""
    import servers

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "channels.yaml"
        file.write_text(shops.definition(*changes), encoding="utf-8")
        with servers.database_of("sqlite" if sqlite else "postgresql", folder) as url:
            if not sqlite:
                servers.create(url)
            app = opened(file, url)
            processes = Processes(file, url, folder)
            try:
                processes.wait()
                yield app, processes
            finally:
                processes.end()
                app.database.close()
    servers.close()


def opened(file: Path, url: str, clock: channels_shops.Clock | None = None) -> Application:
    given = {} if clock is None else {"clock": clock}
    registry, sources = registry_for(str(file), [PLUGIN]), channels_shops.sources()
    return open_application(file, url, registry=registry, sources=sources, **given)  # type: ignore[arg-type]


class Killers:
    """Each process is killed again and again, so many seconds after it has begun to work."""

    def __init__(self, processes: Processes, every: float, seed: int) -> None:
        self._processes, self._every, self.ended = processes, every, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(name, random.Random(f"{seed}{name}")), daemon=True)
                         for name in processes.commands]  # fmt: skip

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def _run(self, name: str, dice: random.Random) -> None:
        while not self.ended.is_set():
            while not self._processes.is_up(name) and not self.ended.wait(0.2):
                pass
            if not self.ended.wait(self._every * dice.uniform(0.4, 1.6)):
                self._processes.kill(name)

    def end(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join(60)


class Postman(threading.Thread):
    """Delivers a share of what the shops tell, some of it twice and out of order; what nobody takes three times is
    lost, as it is with shops that give up."""

    def __init__(self, shops: Shops, port: int, share: float, seed: int) -> None:
        super().__init__(daemon=True)
        self._shops, self._port, self._share, self._dice = shops, port, share, random.Random(seed)
        self.ended, self.answers = threading.Event(), Counter[str]()
        shops.all["shopify"].vendor.topics = {"orders/create", "orders/updated"}
        shops.all["woo"].vendor.topics = {"order.created", "order.updated"}

    def run(self) -> None:
        while not self.ended.wait(0.3):
            for name in ("shopify", "woo"):
                told = self._shops.all[name].vendor.deliveries(backwards=self._dice.random() < 0.2)
                for headers, body in (each for each in told if self._dice.random() < self._share):
                    for _ in range(2 if self._dice.random() < 0.1 else 1):
                        self._deliver(name, headers, body)

    def _deliver(self, name: str, headers: dict[str, str], body: bytes) -> None:
        for _ in range(3):
            try:
                status = post(self._port, f"/feeds/orders/{name}", headers, body)
            except (OSError, http.client.HTTPException):
                status = 0
            if status in (200, 202):
                self.answers[str(status)] += 1
                return
            if self.ended.wait(1):
                break
        self.answers[f"lost ({status or 'no answer'})"] += 1


def post(port: int, path: str, headers: dict[str, str], body: bytes) -> int:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        line.request("POST", path, body, headers)
        answer = line.getresponse()
        answer.read()
        return answer.status
    finally:
        line.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
