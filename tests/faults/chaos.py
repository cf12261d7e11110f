"""Servers and workers on one PostgreSQL are killed at random under load: python tests/faults/chaos.py --minutes 5

Every change that was acknowledged must have its effects, each once: in the tables, and at recording HTTP and mail
servers by the key of each message. Prints what was measured; the exit code is 0 when nothing was lost or doubled.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/outside"), str(Path(__file__).parent)]

import servers  # noqa: E402
from recorders import read_log  # noqa: E402
from story_handle import definition  # noqa: E402

from engine.application import Application, open_application  # noqa: E402
from engine.jobs import mending  # noqa: E402
from engine.people import system_actor  # noqa: E402
from engine.sessions import create_token  # noqa: E402

SLOW = 0.15  # seconds the HTTP system takes, so that something is under way when a worker dies
OPEN = ("waiting", "parked", "claimed")


class Crowd:
    """The processes: ``web`` servers and workers, killed and started again."""

    def __init__(self, file: Path, url: str, web: int, workers: int, folder: Path) -> None:
        self.ports = [_free_port() for _ in range(web)]
        common = [str(file), "--database", url, "--quiet"]
        command = [sys.executable, "-m", "engine.cli"]
        self.commands = {f"web {n}": [*command, "run", *common, "--port", str(port)] for n, port in enumerate(self.ports)}
        self.commands |= {f"worker {n}": [*command, "work", *common, "--threads", "8"] for n in range(workers)}
        self.log = (folder / "processes.log").open("w")
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.kills: Counter[str] = Counter()
        for name in self.commands:
            self.begin(name)

    def begin(self, name: str) -> None:
        environment = {**os.environ, "APPMILL_SECRET_KEY": "chaos" * 8, "PYTHONPATH": str(ROOT)}
        self.running[name] = subprocess.Popen(self.commands[name], cwd=ROOT, env=environment, stdout=self.log, stderr=self.log)

    def kill(self, name: str) -> int:
        process = self.running[name]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills[name.split()[0]] += 1
        return process.pid

    def end(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()


class Load:
    """People who save records, as fast as ``rate`` per second, at any server that answers."""

    def __init__(self, ports: list[int], token: str, rate: float, threads: int = 4) -> None:
        self.acknowledged: list[str] = []
        self.unanswered = 0
        self.answers: Counter[int] = Counter()
        self.ended = threading.Event()
        self._ports, self._token, self._pause = ports, token, threads / rate
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self.ended.wait(chance.uniform(0, 2 * self._pause)):
            name = uuid.uuid4().hex
            try:
                status = self._save(chance.choice(self._ports), name)
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                continue
            self.answers[status] += 1
            if status == 201:
                self.acknowledged.append(name)

    def _save(self, port: int, name: str) -> int:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            line.request("POST", "/api/v1/records/ticket", json.dumps({"name": name}), headers)
            answer = line.getresponse()
            answer.read()
            return answer.status
        finally:
            line.close()

    def end(self) -> None:
        self.ended.set()
        for thread in self._threads:
            thread.join()


class Takeovers:
    """How long the claims of dead workers stay theirs."""

    def __init__(self, app: Application) -> None:
        self._app, self.seconds = app, list[float]()
        self._threads: list[threading.Thread] = []

    def watch(self, pid: int) -> None:
        thread = threading.Thread(target=self._watch, args=(f"{socket.gethostname()}:{pid}:", time.monotonic()))
        self._threads.append(thread)
        thread.start()

    def _watch(self, name: str, killed: float) -> None:
        table = self._app.tables.message
        held = sa.select(sa.func.count()).where(table.c.state == "claimed", table.c.token.startswith(name))
        had = 0
        while True:
            with self._app.database.read() as conn:
                count = conn.scalar(held)
            if not count:
                break
            had = max(had, count)
            time.sleep(0.1)
        if had:
            self.seconds.append(time.monotonic() - killed)

    def end(self) -> None:
        for thread in self._threads:
            thread.join()


# --- the run ---------------------------------------------------------------------------------------------------------


def run(options: argparse.Namespace, folder: Path, url: str) -> int:
    log = folder / "arrivals.jsonl"
    recorder, ports = _start_recorder(log)
    file = folder / "desk.yaml"
    text = definition(**ports).replace("trigger: {type: taken, form: ticket, transition: approve}", "trigger: {type: created, form: ticket}")
    file.write_text(text.replace("{type: wait, for: 2h}", "{type: wait, for: 2s}"))
    app = open_application(file, url)
    crowd, takeovers = Crowd(file, url, options.web, options.workers, folder), Takeovers(app)
    try:
        _wait_for(crowd.ports)
        load = Load(crowd.ports, _token(app), options.rate)
        _kill_at_random(crowd, takeovers, options.minutes * 60, random.Random(options.seed))
        load.end()
        stopped = time.monotonic()
        takeovers.end()
        backlog = _left(app)
        _drain(app, log)
        drained = time.monotonic() - stopped
    finally:
        crowd.end()
        recorder.terminate()
        recorder.wait()
    wrong = _judge(app, load, read_log(log))
    _print(app, crowd, load, takeovers, backlog, drained, read_log(log))
    app.database.close()
    print("\n".join(wrong[:20]) if wrong else "nothing lost, nothing doubled", flush=True)
    return 1 if wrong else 0


def _start_recorder(log: Path) -> tuple[subprocess.Popen[str], dict[str, int]]:
    behaves = json.dumps({"mode": "slow", "seconds": SLOW})
    command = [sys.executable, str(ROOT / "tests/outside/recorders.py"), "--log", str(log), "--http", behaves]
    recorder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert recorder.stdout is not None
    return recorder, json.loads(recorder.stdout.readline())


def _token(app: Application) -> str:
    with app.database.write() as conn:
        user, role = app.tables.user, app.tables.user_role
        id = conn.execute(sa.insert(user).values(login="chaos", name="Chaos", created_at=app.clock())).inserted_primary_key[0]
        conn.execute(sa.insert(role).values(user_id=id, role="member"))
        return create_token(conn, app.tables, id, name="chaos", scopes=None, now=app.clock())


def _wait_for(ports: list[int]) -> None:
    until = time.monotonic() + 60
    for port in ports:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert time.monotonic() < until, "a server did not start"
                time.sleep(0.2)


def _kill_at_random(crowd: Crowd, takeovers: Takeovers, seconds: float, chance: random.Random) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(chance.uniform(1.5, 4.5))
        name = chance.choice(sorted(crowd.commands))
        pid = crowd.kill(name)
        if name.startswith("worker"):
            takeovers.watch(pid)
        crowd.begin(name)


def _left(app: Application) -> int:
    table = app.tables.message
    with app.database.read() as conn:
        return conn.scalar(sa.select(sa.func.count()).where(table.c.state.in_(OPEN))) or 0


def _drain(app: Application, log: Path, most: float = 180) -> None:
    """Wait until everything is delivered; what nobody knows is settled by what arrived."""
    until, table = time.monotonic() + most, app.tables.message
    while time.monotonic() < until:
        with app.database.read() as conn:
            unsure = conn.execute(sa.select(table.c.id, table.c.key).where(table.c.state == "unsure")).all()
        arrived = {each["key"] for each in read_log(log)} if unsure else set()
        for row in unsure:
            mending.settle(app, system_actor(), row.id, row.key in arrived, {"status": 200} if row.key in arrived else None)
            SETTLED[row.key in arrived] += 1
        if not unsure and not _left(app):
            return
        time.sleep(0.5)


SETTLED: Counter[bool] = Counter()


def _judge(app: Application, load: Load, arrivals: list[dict[str, Any]]) -> list[str]:
    tables = app.tables
    ticket, entry, message, run = tables.form["ticket"], tables.form["entry"], tables.message, tables.run
    with app.database.read() as conn:
        tickets = {row.name: row for row in conn.execute(sa.select(ticket.c.id, ticket.c.name, ticket.c.note, ticket.c.entries))}
        entries = Counter(conn.scalars(sa.select(entry.c.ticket)))
        runs = Counter((row.record_id, row.state) for row in conn.execute(sa.select(run.c.record_id, run.c.state)))
        messages = conn.execute(sa.select(message.c.key, message.c.connection, message.c.state, message.c.run_id)).all()
    wrong = [f"{name} was acknowledged and is gone" for name in load.acknowledged if name not in tickets]
    for name, row in tickets.items():
        if (row.note, row.entries, entries[row.id], runs[row.id, "done"]) != ("answered 200", 1, 1, 1):
            wrong.append(f"{name}: {row.note}, {row.entries} counted of {entries[row.id]} entries, {runs[row.id, 'done']} runs done")
    wrong += [f"{each.key} is {each.state}" for each in messages if each.state != "done"]
    count = Counter(each["key"] for each in arrivals if each["taken"])
    for each in messages:
        if each.connection is None:
            continue
        if not count[each.key]:
            wrong.append(f"{each.key} never arrived at {each.connection}")
        elif count[each.key] > 1 and each.connection != "echo":
            wrong.append(f"{each.key} arrived {count[each.key]} times at {each.connection}")
    if len(load.acknowledged) < 100 or not count:
        wrong.append(f"only {len(load.acknowledged)} records were acknowledged: this run shows nothing")
    known = {each.key for each in messages}
    return wrong + [f"{key} arrived and nobody sent it" for key in count if key not in known]


def _print(
    app: Application, crowd: Crowd, load: Load, takeovers: Takeovers, backlog: int, drained: float,
    arrivals: list[dict[str, Any]],
) -> None:  # fmt: skip
    table = app.tables.message
    with app.database.read() as conn:
        waits = sorted(
            (row.started_at - row.created_at).total_seconds()
            for row in conn.execute(sa.select(table.c.started_at, table.c.created_at).where(table.c.connection == "hub"))
        )
    count = Counter(each["key"] for each in arrivals if each["taken"])
    print(f"killed: {dict(crowd.kills)}; records acknowledged: {len(load.acknowledged)}, without an answer: {load.unanswered}, answers: {dict(load.answers)}")
    print(f"arrivals: {sum(count.values())}, keys: {len(count)}, repeated with the same key (allowed where the connection says so): {sum(each > 1 for each in count.values())}")
    print(f"unsure and settled: {SETTLED[True]} had arrived, {SETTLED[False]} had not")
    if takeovers.seconds:
        print(f"claims of dead workers taken over: {len(takeovers.seconds)} times, median {statistics.median(takeovers.seconds):.1f} s, longest {max(takeovers.seconds):.1f} s")
    if waits:
        print(f"commit to start: p50 {waits[len(waits) // 2] * 1000:.0f} ms, p95 {waits[int(len(waits) * 0.95)] * 1000:.0f} ms, longest {waits[-1]:.1f} s")
    print(f"backlog when the load ended: {backlog} messages, drained in {drained:.1f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--web", type=int, default=3)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--rate", type=float, default=10, help="records saved per second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="FOLDER", help="where the logs stay")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, servers.postgresql_database() as url:
        code = run(options, Path(options.keep or folder), url)
    servers.close()
    return code


if __name__ == "__main__":
    sys.exit(main())
