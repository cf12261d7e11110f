"""Sample worlds: the draft at work on a sample of the live data, made in a moment and gone soon after.

What costs is kept: the sample per person and definition in force, for ``FRESH`` seconds; on it, one world per text of a
draft. An edit copies the sample's file and migrates the copy. All of it lies in a folder only this user may read, which
is removed at the end of the process, or by the next one when this one is killed.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from designer.preview.rehearsed import Rehearsed, SampleFiles
from designer.preview.sample import make_sample
from engine.application import Application
from engine.definition import AppDefinition
from engine.errors import Refused, message
from engine.people import Actor
from engine.recomputing import recompute
from engine.registry import Registry
from engine.resettling import resettle
from engine.storage.database import Database
from engine.storage.decisions import Decision, Decisions
from engine.storage.migrate import apply, plan_migration
from engine.storage.tables import Tables, build_tables

FRESH = 600.0  # seconds after which a sample is taken anew
SAMPLES = 6
WORLDS = 8
GRACE = 60.0  # seconds a world that was replaced still stands, for requests that began in it
MARK = "appmill-preview-"
T = TypeVar("T", "Sample", "World")
NONE: Mapping[str, Decision] = {}


@dataclass(frozen=True)
class Sample:
    """``file`` is never changed; ``files`` are the contents that may be read through it."""

    file: Path
    files: frozenset[str]
    made: float


@dataclass
class World:
    """``app`` reads and rehearses; nothing done through it stays. ``imagined``: records made up, by what they show."""

    app: Application
    file: Path
    imagined: dict[Hashable, int] = field(default_factory=dict)

    @contextmanager
    def changing(self) -> Iterator[tuple[Application, sa.Connection]]:
        """For records that are made up: the one way to change this world."""
        database = Database(f"sqlite:///{self.file}", synchronous="OFF", pool=1)
        try:
            with database.write() as conn:
                yield replace(self.app, database=database), conn
        finally:
            database.close()

    def close(self) -> None:
        self.app.database.close()
        _remove(self.file)


class Worlds:
    """The samples and worlds over one live database, in this process."""

    def __init__(self, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._ticks = ticks
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}
        self._samples: OrderedDict[Hashable, Sample] = OrderedDict()
        self._worlds: OrderedDict[Hashable, World] = OrderedDict()
        self._leaving: list[tuple[float, Callable[[], None]]] = []
        self.kept: dict[str, Any] = {}  # what belongs to all of them, such as their site

    def of(
        self, live: Application, viewer: Actor, definition: AppDefinition, decisions: Decisions = NONE
    ) -> World:
        """The world of a draft without mistakes as ``viewer`` may see its data; ``decisions``: what its author chose
        about the data so far. Raises Refused when the data at hand cannot be brought to the draft."""
        rights = rights_of(live, viewer)
        with self._one_at_a_time(rights):
            sample = self._sample(live, viewer, rights)
            key = (sample.file, definition.hash, frozenset(decisions.items()))
            found = self._found(self._worlds, key)
            if found is not None:
                return found
            return self._kept(self._worlds, key, _open(live, definition, decisions, sample, _new_file()), WORLDS)

    def forget(self, live: Application, viewer: Actor) -> None:
        """Take the data anew next time."""
        with self._lock:
            gone = self._samples.pop(rights_of(live, viewer), None)
            if gone is not None:
                self._leave(lambda: _remove(gone.file))

    def close(self) -> None:
        with self._lock:
            for world in self._worlds.values():
                world.close()
            for sample in self._samples.values():
                _remove(sample.file)
            for _at, leave in self._leaving:
                leave()
            self._worlds.clear()
            self._samples.clear()
            self._leaving.clear()

    def _sample(self, live: Application, viewer: Actor, rights: Hashable) -> Sample:
        found = self._found(self._samples, rights)
        if found is not None and self._ticks() - found.made < FRESH:
            return found
        file = _new_file()
        made = Sample(file, make_sample(live, viewer, file), self._ticks())
        return self._kept(self._samples, rights, made, SAMPLES)

    # --- keeping a few

    @contextmanager
    def _one_at_a_time(self, rights: Hashable) -> Iterator[None]:
        with self._lock:
            lock = self._making.setdefault(rights, threading.Lock())
        with lock:
            yield

    def _found(self, place: OrderedDict[Hashable, T], key: Hashable) -> T | None:
        with self._lock:
            if key in place:
                place.move_to_end(key)
            return place.get(key)

    def _kept(self, place: OrderedDict[Hashable, T], key: Hashable, made: T, most: int) -> T:
        with self._lock:
            if (before := place.pop(key, None)) is not None:
                self._leave(_ending(before))
            place[key] = made
            while len(place) > most:
                self._leave(_ending(place.popitem(last=False)[1]))
            self._end_those_who_left()
        return made

    def _leave(self, end: Callable[[], None]) -> None:
        self._leaving.append((self._ticks(), end))

    def _end_those_who_left(self) -> None:
        now = self._ticks()
        over = [end for at, end in self._leaving if now - at >= GRACE]
        self._leaving = [(at, end) for at, end in self._leaving if now - at < GRACE]
        for end in over:
            end()


def rights_of(live: Application, viewer: Actor) -> Hashable:
    """Who sees the same records of the same definition in force."""
    return live.definition.hash, viewer.id, viewer.roles, viewer.groups, viewer.system, viewer.view_as, viewer.scopes


def _ending(thing: Sample | World) -> Callable[[], None]:
    return thing.close if isinstance(thing, World) else lambda: _remove(thing.file)


# --- a world from a sample -------------------------------------------------------------------------------------------


def _open(
    live: Application, definition: AppDefinition, decisions: Decisions, sample: Sample, file: Path
) -> World:
    shutil.copyfile(sample.file, file)
    registry = _without_doors(live.registry)
    tables = live.tables if definition.hash == live.definition.hash else build_tables(definition, registry)
    try:
        _migrate(live, definition, decisions, registry, tables, file)
    except BaseException:
        _remove(file)
        raise
    files = SampleFiles(live.files, sample.files)
    database = Rehearsed(f"sqlite:///{file}", pool=4)
    return World(Application(definition, registry, database, tables, files, live.clock), file)


def _migrate(
    live: Application, definition: AppDefinition, decisions: Decisions, registry: Registry, tables: Tables, file: Path
) -> None:
    database = Database(f"sqlite:///{file}", synchronous="OFF", pool=1)
    app = Application(definition, registry, database, tables, live.files, live.clock)
    try:
        with database.write() as conn:
            plan = plan_migration(conn, definition, tables, live.clock(), decisions)
            if plan.problems:  # a decision that cannot be done is told where it is made
                plan = plan_migration(conn, definition, tables, live.clock())
            apply(conn, plan, source="", now=live.clock(), allow_explicit=True)
            recompute(app, conn, plan.recompute)
            resettle(app, conn, plan)
    finally:
        database.close()


def _without_doors(registry: Registry) -> Registry:
    """The same types and functions, but nothing that leaves the process, and no screens of others."""
    closed: Mapping[str, Callable[..., Any]] = dict.fromkeys(registry.performers, _closed)
    return replace(registry, screens=[], panels={}, places=[], performers=dict(closed), settlers={})


def _closed(*_given: Any) -> Any:
    raise Refused(message("This is a preview: nothing leaves it."))


# --- where they lie --------------------------------------------------------------------------------------------------

_folders: dict[int, Path] = {}
_everywhere: weakref.WeakKeyDictionary[Database, Worlds] = weakref.WeakKeyDictionary()
_entering = threading.Lock()


def worlds_over(live: Application) -> Worlds:
    """The one ``Worlds`` over this database."""
    with _entering:
        found = _everywhere.get(live.database)
        if found is None:
            found = _everywhere[live.database] = Worlds()
        return found


def _new_file() -> Path:
    return _folder() / f"{secrets.token_hex(8)}.db"


def _folder() -> Path:
    found = _folders.get(os.getpid())
    if found is None:
        _sweep()
        found = _folders[os.getpid()] = Path(tempfile.mkdtemp(prefix=f"{MARK}{os.getpid()}-"))
        atexit.register(shutil.rmtree, found, ignore_errors=True)
    return found


def _sweep() -> None:
    """What a process that was killed left behind."""
    for path in Path(tempfile.gettempdir()).glob(f"{MARK}*"):
        process = path.name.removeprefix(MARK).partition("-")[0]
        if process.isdigit() and not _alive(int(process)) and path.stat().st_uid == os.getuid():
            shutil.rmtree(path, ignore_errors=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
