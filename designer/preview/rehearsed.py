"""A database whose every write is taken back, and a store that only gives out what the sample names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from engine.errors import Missing, Refused, message
from engine.storage.database import POSTED, Database
from engine.storage.files import LARGEST, FileStore, StoredFile


class Rehearsed(Database):
    """Walks go all their way, checks and rules included; at the end of each, everything is as it was."""

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self._writing, self.engine.connect() as conn:
            transaction = conn.begin()
            try:
                yield conn
            finally:
                conn.info.pop(POSTED, None)
                transaction.rollback()


class SampleFiles(FileStore):
    """The files of the live store that stand in the sample; nothing is ever put."""

    def __init__(self, live: FileStore, readable: frozenset[str]) -> None:
        super().__init__(live.folder)
        self._readable = readable

    def put(self, stream: BinaryIO, *, name: str = "", largest: int = LARGEST) -> StoredFile:
        raise Refused(message("This is a preview: no files are taken in."))

    def path(self, sha256: str) -> Path:
        if sha256 not in self._readable:
            raise Missing(message("There is no such file."))
        return super().path(sha256)
