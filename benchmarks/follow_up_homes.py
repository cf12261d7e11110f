"""The application of benchmarks/follow_up.py in processes of its own, and the people who talk to it over HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.api import Application, open_application, users_of
from engine.extensions import registry_for
from engine.sessions import create_token

ROOT = Path(__file__).resolve().parents[1]
HUB = ROOT / "apps/order_hub.yaml"
KEYS = {"APPMILL_SECRET_KEY": "follow up" * 4, "APPMILL_KEY": base64.urlsafe_b64encode(b"followup" * 4).decode()}
sys.path.insert(0, str(ROOT / "tests"))  # where the PostgreSQL server of the tests is
Fill = Callable[[Application], None]


@contextmanager
def served(kind: str, fill: Fill) -> Iterator[tuple[Application, Processes]]:
    """The filled application in this process, and in those that serve it; ``kind``: sqlite or postgresql."""
    import servers

    with tempfile.TemporaryDirectory() as name, servers.database_of(kind, Path(name)) as url:
        if kind == "postgresql":
            servers.create(url)
        app = open_application(HUB, url, registry=registry_for(HUB))
        try:
            fill(app)
            with Processes(url, Path(name)).running() as processes:
                yield app, processes
        finally:
            app.database.close()


class Processes:
    """``appmill run`` and, on PostgreSQL, ``appmill work``."""

    def __init__(self, url: str, folder: Path, definition: Path = HUB) -> None:
        self.port = _free_port()
        common, command = [str(definition), "--database", url, "--quiet"], [sys.executable, "-m", "engine.cli"]
        self._commands = {"server": [*command, "run", *common, "--port", str(self.port)]}
        if url.startswith("postgresql"):
            self._commands["worker"] = [*command, "work", *common]
        self._logs = {name: folder / f"{name}.log" for name in self._commands}
        self._begun: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def running(self) -> Iterator[Processes]:
        begun = self._begun
        try:
            for name, command in self._commands.items():
                with self._logs[name].open("w") as log:
                    told = {**os.environ, **KEYS, "PYTHONPATH": str(ROOT)}
                    begun.append(subprocess.Popen(command, cwd=ROOT, env=told, stdout=log, stderr=log))
            self._wait()
            yield self
        finally:
            for process in begun:
                process.terminate()
            for process in begun:
                process.wait(60)

    def _wait(self, seconds: float = 300) -> None:
        """Until all of them work."""
        until = time.monotonic() + seconds
        while not all("Ctrl-C" in log.read_text() for log in self._logs.values()):
            if time.monotonic() > until:
                raise SystemExit(f"the application does not start:\n{self.said()}")
            time.sleep(0.1)

    def cpu(self) -> float:
        """Seconds of CPU they have used; of the database too where it is SQLite, which is within the server."""
        fields = [Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split() for one in self._begun]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def said(self) -> str:
        return "\n".join(f"{name}: {log.read_text()[-2000:]}" for name, log in self._logs.items())


class Caller:
    """Somebody who calls the API with a token of theirs, over a line that stays open."""

    def __init__(self, app: Application, port: int, login: str) -> None:
        self.id = dict(users_of(app))[login]
        with app.database.write() as conn:
            self._token = create_token(conn, app.tables, self.id, name="follow up", scopes=None, now=app.clock())
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path: str) -> Any:
        return self._ask("GET", path)

    def change(self, form: str, id: int, values: Mapping[str, Any]) -> Any:
        """At the version they look at, as everybody's screen does."""
        version = self.get(f"/records/{form}/{id}")["version"]
        return self._ask("PATCH", f"/records/{form}/{id}", {**values, "version": version})

    def told(self, since: int) -> list[dict[str, Any]]:
        """What stands in the inbox, newer than that notification."""
        return [one for one in self.get("/notifications?limit=200")["notifications"] if one["id"] > since]

    def _ask(self, method: str, path: str, values: Mapping[str, Any] | None = None) -> Any:
        body = None if values is None else json.dumps(values)
        headers = {"Authorization": f"Bearer {self._token}", **({"Content-Type": "application/json"} if body else {})}
        self._line.request(method, f"/api/v1{path}", body, headers)
        answer = self._line.getresponse()
        text = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} was answered {answer.status}: {text.decode()[:500]}")
        return json.loads(text)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
