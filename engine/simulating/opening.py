"""The application a simulation fills: an empty database, its people, and nothing that leaves the process."""

from __future__ import annotations

import datetime as dt
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from engine.application import Application, start
from engine.errors import Refused, message
from engine.load import Loaded
from engine.outside.task import Task
from engine.registry import Registry
from engine.scenarios.recorder import Recorder, Sent
from engine.scenarios.world import DOCUMENT, World, make_people
from engine.simulating.figures import Figures
from engine.simulating.simulation import Simulation, Told
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.timing.simulate import Hands

NAME = "simulation.db"


@contextmanager
def opened(
    loaded: Loaded, registry: Registry, folder: Path, *, begin: dt.datetime, end: dt.datetime, seed: int,
    size: int | None = None, database_url: str | None = None, told: Told = lambda _simulation: None,
) -> Iterator[Simulation]:  # fmt: skip
    """A simulation that has not begun, in a database of its own: ``simulation.db`` in ``folder``, or ``database_url``.

    ``begin`` and ``end`` are aware. Raises Refused where there are records or people already: what is simulated among
    real records could not be told from them. The same arguments give the same records.
    """
    recorder, hands = Recorder(), Hands(begin.astimezone(dt.UTC))
    types = replace(registry, performers=_performers(recorder, registry))
    database = Database(database_url or f"sqlite:///{folder / NAME}", synchronous="OFF")
    try:
        files = FileStore(folder / "files")
        app = start(loaded, database, registry=types, files=files, clock=hands)
        _refuse_filled(app)
        world = World(app, hands, recorder, loaded.definition.languages[0], make_people(app))
        yield Simulation(world, Random(seed), hands.now, end.astimezone(dt.UTC), size, told)  # noqa: S311
    finally:
        database.close()


def simulate(simulation: Simulation) -> Figures:
    """Let whoever the application has act until the end: its plugin's factory, or a crowd that knows the definition
    alone."""
    from engine.simulating.crowd import enter_crowd

    registered = simulation.app.registry.simulations.get(simulation.world.definition.app)
    if registered is not None:
        registered.function(simulation)
    else:
        enter_crowd(simulation)
    return simulation.run()


def _refuse_filled(app: Application) -> None:
    tables = app.tables
    held = [tables.user, *(table for table in tables.form.values())]
    with app.database.read() as conn:
        filled = [
            table.name for table in held if conn.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first()
        ]
    if filled:
        names = tuple(name.removeprefix("_") for name in filled[:5])
        raise Refused(message("A simulation needs an empty database; this one holds: {names}.", names=names))


def _performers(recorder: Recorder, registry: Registry) -> dict[str, Callable[..., Any]]:
    """Scripts are carried out; a print is a sheet that says which one it is: pages take seconds each."""
    sheets = itertools.count(1)

    def sheet(task: Task, around: Any) -> Mapping[str, Any]:
        app: Application = getattr(around, "inner", around).app
        content = DOCUMENT + f"sheet {next(sheets)}".encode()
        stored = app.files.put(io.BytesIO(content), name="sheet.pdf")
        recorder.sent.append(Sent("print", None, {"name": "sheet.pdf"}))
        return {
            "into": task.data["into"], "replace": task.data["replace"], "name": "sheet.pdf", "sha256": stored.sha256,
            "size": stored.size, "media_type": stored.media_type, "pages": 1, "ms": 0,
        }  # fmt: skip

    performers = {**recorder.performers(registry)}
    if "print" in performers:
        performers["print"] = sheet
    return performers
