"""The application of the suite, served by ``appmill run`` in a process of its own, that can be killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from vendure.shop import PASSWORD, Shop, free_port

from engine import accounts, sessions
from engine.application import open_application
from engine.builtin import default_registry
from plugins import channels

HERE = Path(__file__).parent
HOME = HERE.parent.parent


class Hub:
    """``begin`` and ``kill`` as often as one likes: the database stays."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        self.file, self.url = folder / "hub.yaml", f"sqlite:///{folder}/hub.db"
        self.file.write_text((HERE / "hub.yaml").read_text().replace("http://127.0.0.1:PORT", shop.url))
        self.log = folder / "hub.log"
        registry = default_registry()
        channels.register(registry)
        self.app = open_application(self.file, self.url, registry=registry)
        self.token = self._token()
        self.port, self.process = 0, None

    def _token(self) -> str:
        now = self.app.clock()
        with self.app.database.write() as conn:
            person = accounts.create_user(conn, self.app.tables, login="li", name="Li", roles=["clerk"],
                                          password="appmill demo 2026", now=now)  # fmt: skip
            return sessions.create_token(conn, self.app.tables, person, name="suite", scopes=None, now=now)

    def begin(self) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "engine.cli", "run", str(self.file), "--database", self.url, "--plugin",
                   "plugins.channels", "--port", str(self.port), "--quiet"]  # fmt: skip
        told = {**os.environ, "APPMILL_SECRET_VENDURE": PASSWORD, "APPMILL_HOSTS_OF_VENDURE": "127.0.0.1"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, cwd=HOME, env=told, stdout=log, stderr=log)
        self.wait(self._answers, "the server answers")

    def _answers(self) -> bool:
        try:
            return bool(self.ask("GET", "/api/v1/me"))
        except urllib.error.URLError:
            return False

    def kill(self) -> None:
        """As a machine that loses its power."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)
        self.app.database.close()

    # --- what is asked and looked at

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def create(self, form: str, **values: Any) -> int:
        return int(self.ask("POST", f"/api/v1/records/{form}", values)["id"])

    def take(self, form: str, id: int, transition: str, **values: Any) -> None:
        self.ask("POST", f"/api/v1/records/{form}/{id}/transitions/{transition}", {"values": values})

    def rows(self, form: str) -> list[Any]:
        table = self.app.tables.form[form]
        with self.app.database.read() as conn:
            return list(conn.execute(sa.select(table).order_by(table.c.id)))

    def ledger(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        table = self.app.tables.system[name]
        with self.app.database.read() as conn:
            return [tuple(row) for row in conn.execute(sa.select(*(table.c[one] for one in columns)))]

    def wait(self, holds: Any, what: str, seconds: float = 60.0) -> float:
        """Until it holds; answers after how many seconds."""
        begun = time.monotonic()
        while not holds():
            if time.monotonic() - begun > seconds:
                raise AssertionError(f"after {seconds:.0f} s not: {what}\n{self.log.read_text()[-2000:]}")
            time.sleep(0.25)
        return time.monotonic() - begun
