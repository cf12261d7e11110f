"""Files by their content: each is stored once, under the SHA-256 of exactly the bytes that are stored."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from engine.errors import Invalid, Missing, message
from engine.storage.pictures import clean_picture
from engine.storage.sniff import sniff

CHUNK = 256 * 1024
LARGEST = 50 * 1024 * 1024


@dataclass(frozen=True)
class StoredFile:
    """What was stored: ``size`` in bytes; ``width`` and ``height`` in pixels for pictures."""

    sha256: str
    size: int
    media_type: str
    width: int | None = None
    height: int | None = None


class FileStore:
    """A folder of files in two levels of folders by the first letters of their hash."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def put(self, stream: BinaryIO, *, name: str = "", largest: int = LARGEST) -> StoredFile:
        """Store what the stream holds. Pictures are re-encoded: no hidden place, date or owner stays in them.

        ``largest`` in bytes. Raises Invalid for a file that is empty, too large, or a picture that cannot be read.
        """
        content = _read(stream, largest)
        media_type = sniff(content, name)
        width = height = None
        if media_type.startswith("image/"):
            content, width, height = clean_picture(content, media_type)
        sha256 = hashlib.sha256(content).hexdigest()
        self._keep(sha256, content)
        return StoredFile(sha256, len(content), media_type, width, height)

    def open(self, sha256: str) -> BinaryIO:
        """The stored bytes, to be closed by the caller; raises Missing."""
        try:
            return self.path(sha256).open("rb")
        except FileNotFoundError:
            raise Missing(message("The file is not in the store any more.")) from None

    def path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise Missing(message("There is no such file."))
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def _keep(self, sha256: str, content: bytes) -> None:
        if not self.path(sha256).exists():
            self._write(sha256, [content])

    def _write(self, sha256: str, pieces: Iterable[bytes]) -> None:
        """Whole or not at all: written beside its place, flushed to the disk, then renamed. What reading the pieces
        raises leaves nothing."""
        path = self.path(sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with temporary.open("xb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)

    # --- files that come from elsewhere and go elsewhere

    def take_back(self, sha256: str, pieces: Iterable[bytes]) -> bool:
        """Store content whose hash whoever gives the pieces looks after; answers whether it was not there whole."""
        if self.examine(sha256) == "":
            return False
        self._write(sha256, pieces)
        return True

    def examine(self, sha256: str) -> str:
        """``""`` for a file that is whole, else ``missing`` or ``damaged``."""
        try:
            with self.path(sha256).open("rb") as file:
                return "" if hashlib.file_digest(file, "sha256").hexdigest() == sha256 else "damaged"
        except FileNotFoundError:
            return "missing"

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Nothing is removed meanwhile; whoever removes something now is waited for."""
        with self._lock() as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            yield

    @contextmanager
    def removing(self) -> Iterator[bool]:
        """For whoever removes files, around the transaction that decides which: False while somebody is ``holding``
        them, and then nothing may be removed."""
        with self._lock() as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    @contextmanager
    def _lock(self) -> Iterator[int]:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            yield handle
        finally:
            os.close(handle)


def _read(stream: BinaryIO, largest: int) -> bytes:
    buffer = io.BytesIO()
    while chunk := stream.read(CHUNK):
        buffer.write(chunk)
        if buffer.tell() > largest:
            raise Invalid(
                message("The file is larger than {limit} MB; make it smaller.", limit=f"{largest / 1024 / 1024:g}")
            )
    if not buffer.tell():
        raise Invalid(message("The file is empty."))
    return buffer.getvalue()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
