"""Files by their content: each is stored once, under the SHA-256 of exactly the bytes that are stored."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
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
        """Whole or not at all: written beside its place, flushed to the disk, then renamed."""
        path = self.path(sha256)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        _flush_folder(path.parent)


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
