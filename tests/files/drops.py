"""A folder files are dropped into, looked into as a feed does: every cursor goes through JSON, as the database keeps it."""

from __future__ import annotations

import csv
import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fake_clock import START
from surroundings import World, task

from engine.api import Item, Span
from plugins.files.drop import CsvDrop

OLD = START.timestamp() - 60


class Drop:
    """``look()`` reads until nothing is left and answers the items; ``step()`` is one call."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder, self.now = folder, START
        self.connection = CsvDrop(**{"name": "drop", "folder": str(folder), "key": ("No",), "language": "en"} | options)
        self.world = World({"PASSWORD": "geheim-1"})
        self.world.now = lambda: self.now  # type: ignore[method-assign]
        self.cursor = self._kept(self.connection.begin("rows", Span(START)))

    def _kept(self, cursor: Any) -> Any:
        return json.loads(json.dumps(cursor))

    def put(self, name: str, content: bytes | str, changed: float = OLD) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (changed, changed))
        return path

    def call(self) -> Any:
        """One call, whose cursor is not kept: as if the process died right after it."""
        return self.connection.read("rows", self.cursor, task("read", self.connection, seconds=60.0), self.world)

    def step(self) -> tuple[list[Item], bool]:
        part = self.call()
        self.cursor = self._kept(part.cursor)
        return list(part.items), part.more

    def look(self) -> list[Item]:
        found: list[Item] = []
        more = True
        while more:
            items, more = self.step()
            found += items
        return found

    def settle(self, failures: Any) -> None:
        around = (task("read", self.connection, seconds=60.0), self.world)
        for version in self.connection.awaits("rows", self.cursor):
            self.cursor = self._kept(self.connection.settled("rows", self.cursor, version, failures, *around))

    def errors(self, name: str) -> list[list[str]]:
        """Of the rows written back: (row, column, reason), or nothing where there is no such file."""
        path = self.folder / f"{name}.errors.csv"
        if not path.exists():
            return []
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [row[-3:] for row in list(csv.reader(file))[1:]]

    def names(self) -> list[str]:
        """What lies in the folder, but for what it keeps for itself."""
        return sorted(path.name for path in self.folder.iterdir() if path.is_file())

    def archived(self) -> list[str]:
        return sorted(path.name.rpartition("-")[2] for path in self.folder.glob("archive/2*/*"))


@contextmanager
def copies_in(monkeypatch: Any, folder: Path, *opened: Path) -> Any:
    """The machine's own copies below ``folder``, and folders its operator opened."""
    import tempfile

    monkeypatch.setenv("APPMILL_FOLDERS", os.pathsep.join(map(str, opened)))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield
