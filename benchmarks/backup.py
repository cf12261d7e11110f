"""A backup while people work, restored elsewhere: is everything there, and did anybody wait for it?

    python benchmarks/backup.py [--records 4000] [--rate 20] [--seconds 30] [--database sqlite|postgresql|both] [--quick]

The Order Hub is served as its users serve it (``appmill run``, on PostgreSQL ``appmill work`` beside it) over generated
records. Contracts with a file each are made over the API at a steady rate; meanwhile ``appmill backup`` is called again
and again. The last archive is looked at (``backup verify``) and restored into another database (``restore``), on which a
server's start is made, a step is taken, and another backup: it must have the same rows and checksums, table by table and
file by file. Every contract that was acknowledged before the backup began must be in it, with its file.

Printed: seconds of backup, verification and restore, MB, rows, and how long a write takes (p50, p95) while a backup is
made and while none is. Exits with 1 when anything differs. ``--quick``: 40 records, a few seconds.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from follow_up_homes import HUB, KEYS, ROOT, Caller, Processes

from engine import demo, service
from engine.api import Application, open_application
from engine.backups.container import reading
from engine.backups.manifest import Manifest
from engine.backups.verifying import manifest_of
from engine.errors import AppmillError
from engine.extensions import registry_for
from engine.people import system_actor
from engine.storage.migrate import source_of

WRITERS = 4
GOAL = 1.5  # times: the p95 of writes while a backup is made, to that before


# --- who writes ------------------------------------------------------------------------------------------------------


class Writer(Caller):
    """Makes contracts, each with a file of its own."""

    def contract(self, customer: int, number: int) -> int:
        content = b"%PDF-1.4\n" + f"contract {number} ".encode() * 700
        file = self._upload(content)
        values = {"customer": customer, "amount": "1000", "file": [file]}
        return int(self._ask("POST", "/records/contract", values)["id"])

    def _upload(self, content: bytes) -> int:
        parts = b"".join(
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in (("form", "contract"), ("field", "file"))
        )
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="contract.pdf"\r\n\r\n'
        body = parts + head + content + b"\r\n--x--\r\n"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "multipart/form-data; boundary=x"}
        self._line.request("POST", "/api/v1/files", body, headers)
        answer = self._line.getresponse()
        text = answer.read()
        if answer.status != 201:
            raise SystemExit(f"a file was answered {answer.status}: {text.decode()[:300]}")
        return int(json.loads(text)["id"])


@dataclass
class Crowd:
    """Writers at a steady rate; ``done``: (when it was acknowledged, seconds it took, contract)."""

    writers: list[Writer]
    customer: int
    rate: float
    done: list[tuple[float, float, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    _ended: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def writing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._write, args=(place,)) for place in range(len(self.writers))]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self._ended.set()
            for each in threads:
                each.join()

    def _write(self, place: int) -> None:
        pause, number = len(self.writers) / self.rate, place
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            began = time.monotonic()
            try:
                id = self.writers[place].contract(self.customer, number)
            except (SystemExit, OSError, http.client.HTTPException) as error:
                self.wrong.append(str(error))
                return
            self.done.append((time.monotonic(), time.monotonic() - began, id))
            due = max(due + pause, began)  # who is behind does not catch up at once
            number += len(self.writers)

    def took(self, since: float, until: float) -> list[float]:
        return [seconds for at, seconds, _id in self.done if since <= at - seconds and at <= until]

    def before(self, moment: float) -> set[int]:
        return {id for at, _seconds, id in self.done if at < moment}


# --- what is measured ------------------------------------------------------------------------------------------------


def measured(kind: str, options: argparse.Namespace) -> bool:
    with served(kind, options.records) as (app, processes, definition), elsewhere() as folder:
        url = app.database.url.render_as_string(hide_password=False)
        writers = [Writer(app, processes.port, "admin") for _ in range(WRITERS)]
        crowd = Crowd(writers, first(app, "customer"), options.rate)
        with crowd.writing():
            time.sleep(1)  # the first calls warm the server up
            began = time.monotonic()
            time.sleep(options.seconds)
            quiet = crowd.took(began, time.monotonic())
            began, archives = time.monotonic(), list[tuple[float, float, Path]]()
            while time.monotonic() < began + options.seconds:
                archives.append(backed_up(url, definition, folder / f"{len(archives)}.zip"))
            busy = crowd.took(began, time.monotonic())
        start, seconds, archive = archives[-1]
        wrong = crowd.wrong + judged(kind, app, archive, crowd.before(start), folder)
        told(kind, described(archive), archive, seconds, len(archives), quiet, busy)
    for each in wrong[:20]:
        print(f"  {each}")
    print(f"  {'OK' if not wrong else f'{len(wrong)} differences'}", flush=True)
    return not wrong


@contextmanager
def served(kind: str, records: int) -> Iterator[tuple[Application, Processes, Path]]:
    """The filled application in this process and in those that serve it, and its definition: a copy, as attachments
    lie beside it."""
    import servers

    with elsewhere() as folder, servers.database_of(kind, folder) as url:
        if kind == "postgresql":
            servers.create(url)
        (folder / "apps").mkdir()
        definition = Path(shutil.copy2(HUB, folder / "apps"))
        (folder / "plugins").symlink_to(ROOT / "plugins")
        app = open_application(definition, url, registry=registry_for(HUB))
        try:
            filled(app, records)
            with Processes(url, folder, definition).running() as processes:
                yield app, processes, definition
        finally:
            app.database.close()


def filled(app: Application, records: int) -> None:
    demo.make_people(app, demo.people(app.definition))
    demo.seed(app, records)
    app.database.analyse()


@contextmanager
def elsewhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def first(app: Application, form: str) -> int:
    with app.database.read() as conn:
        return int(conn.scalar(sa.select(sa.func.min(app.tables.form[form].c.id))) or 0)


def called(*argv: object) -> tuple[float, str]:
    """(seconds, what was said) of an ``appmill`` command; ends the benchmark when it fails."""
    began = time.monotonic()
    told = {**os.environ, **KEYS, "PYTHONPATH": str(ROOT)}
    command = ["nice", "-n", "10", sys.executable, "-m", "engine.cli", *map(str, argv)]  # as the schedule does it
    done = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"appmill {argv[0]} failed:\n{done.stdout}{done.stderr}")
    return time.monotonic() - began, done.stdout


def backed_up(url: str, definition: Path, to: Path) -> tuple[float, float, Path]:
    """(when it began, seconds, the archive)"""
    began = time.monotonic()
    seconds, _said = called("backup", definition, "--database", url, "--to", to)
    return began, seconds, to


def described(archive: Path) -> Manifest:
    with reading(archive) as source:
        return manifest_of(source)


# --- whether it is the same elsewhere --------------------------------------------------------------------------------


def judged(kind: str, app: Application, archive: Path, acknowledged: set[int], folder: Path) -> list[str]:
    import servers

    seconds, _said = called("backup", "verify", archive)
    print(f"{kind}: verified in {seconds:.1f} s", flush=True)
    files = folder / "restored files"
    with servers.database_of(kind, folder) as url:
        if kind == "postgresql":
            servers.create(url)
        definition = folder / "hub.yaml"
        (folder / "plugins").symlink_to(ROOT / "plugins")
        seconds, _said = called("restore", archive, "--database", url, "--files", files, "--definition", definition)
        print(f"{kind}: restored in {seconds:.1f} s", flush=True)
        called("backup", "--database", url, "--files", files, "--to", folder / "again.zip")
        _seconds, said = called("audit", "verify", "--database", url, "--read-only")
        print(f"{kind}: audit: {said.strip().splitlines()[0] if said.strip() else 'nothing was sealed'}", flush=True)
        return [
            *([] if said.strip() else ["the audit chain has no seal"]),
            *differences(described(archive), described(folder / "again.zip")),
            *lost_contracts(url, acknowledged),
            *a_step(url, definition, files, app),
        ]


def differences(was: Manifest, now: Manifest) -> list[str]:
    before = {table.shape.name: table.figures for table in was.tables}
    after = {table.shape.name: table.figures for table in now.tables}
    tables = [
        f"the table {name}: {before.get(name)} and then {after.get(name)}"
        for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)
    ]  # fmt: skip
    files = sorted(set(was.files.items()) ^ set(now.files.items()))
    lost = [f"the file {sha256} was {why}" for sha256, why in was.lost.items()]
    return tables + [f"the file {sha256}" for sha256, _size in files] + lost


def lost_contracts(url: str, acknowledged: set[int]) -> list[str]:
    """Contracts that were acknowledged before the backup began, and are not in it."""
    from engine.storage.database import Database

    database = Database(url)
    try:
        with database.read() as conn:
            there = set(conn.scalars(sa.text("SELECT id FROM contract WHERE file IS NOT NULL")))
    finally:
        database.close()
    return [f"the contract {id} was acknowledged and is not there" for id in sorted(acknowledged - there)]


def a_step(url: str, definition: Path, files: Path, original: Application) -> list[str]:
    """Open the application on what was restored, as a server does, and take a step of an order."""
    os.environ.update(KEYS)
    app = open_application(definition, url, registry=registry_for(HUB), files_folder=files)
    try:
        with app.database.read() as conn:
            assert source_of(conn, original.definition.hash)
        return [] if any(taken(app, form, id) for form, id in standing(app)) else ["no record could take a step"]
    finally:
        app.database.close()


def standing(app: Application) -> Iterator[tuple[str, int]]:
    """Some records that are in a state."""
    for form in app.definition.forms.values():
        if form.workflow and not form.parent_form:
            table = app.tables.form[form.name]
            with app.database.read() as conn:
                ids = list(conn.scalars(sa.select(table.c.id).order_by(table.c.id.desc()).limit(10)))
            yield from ((form.name, id) for id in ids)


def taken(app: Application, name: str, id: int) -> bool:
    form = app.definition.forms[name]
    for transition in form.workflow.transitions.values() if form.workflow else ():
        try:
            return service.take(app, system_actor(), name, id, transition.name).event_id is not None
        except AppmillError:
            continue
    return False


# --- what is told ----------------------------------------------------------------------------------------------------


def told(
    kind: str, manifest: Manifest, archive: Path, seconds: float, count: int, quiet: list[float], busy: list[float]
) -> None:
    print(
        f"{kind}: {count} backups, the last in {seconds:.1f} s: {manifest.rows} rows, {len(manifest.files)} files,"
        f" {manifest.size / 1e6:.1f} MB in {archive.stat().st_size / 1e6:.1f} MB"
    )
    before, during = p(quiet), p(busy)
    ratio = during[1] / before[1]
    print(
        f"  a write takes p50 {before[0]:.0f} ms, p95 {before[1]:.0f} ms; while backups are made {during[0]:.0f} and"
        f" {during[1]:.0f} ms: {ratio:.2f} × (goal {GOAL} ×){'' if ratio <= GOAL else '   MISSED'};"
        f" {len(quiet)} and {len(busy)} writes"
    )


def p(seconds: list[float]) -> tuple[float, float]:
    """Milliseconds: the median, and what one in twenty exceeds."""
    if len(seconds) < 2:
        raise SystemExit("too few writes to tell how long they take")
    return statistics.median(seconds) * 1000, statistics.quantiles(seconds, n=20)[-1] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=20, help="contracts a second")
    parser.add_argument("--seconds", type=float, default=30, help="before the backups, and with them")
    parser.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.records, options.rate, options.seconds = 40, 10, 2.5
    kinds = ("sqlite", "postgresql") if options.database == "both" else (options.database,)
    results = [measured(kind, options) for kind in kinds]  # each of them, whatever came of the one before
    if not all(results):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
