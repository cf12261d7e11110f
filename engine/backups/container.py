"""Where an archive is kept: a ZIP file or a folder, written beside its place and renamed when it is whole.

Nothing that is read decides about a path: names are compared with what the manifest allows, and that with patterns.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from engine import formats
from engine.backups.manifest import Figures
from engine.errors import Refused, message

CHUNK = 1024 * 1024
LEVEL = 3  # of compression: tables become a sixth to a tenth of their size, and higher levels cost much for little
PART = ".appmill-part"
MOST_ENTRIES = 5_000_000
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError)


class Sink(Protocol):
    """An archive that is being written."""

    def entry(self, name: str, *, packed: bool = False) -> AbstractContextManager[IO[bytes]]:
        """One thing to be written into it, one at a time. ``packed``: there is nothing to gain by compressing it."""


class Source(Protocol):
    """An archive that is there."""

    sizes: Mapping[str, int]  # name → bytes, as the archive itself says

    def open(self, name: str) -> IO[bytes]: ...


# --- writing ---------------------------------------------------------------------------------------------------------


@contextmanager
def writing(to: Path) -> Iterator[Sink]:
    """A new archive at ``to``: a ZIP file where it ends so, else a folder. It is there when the block has ended well,
    and nothing is when it has not. Raises Refused where something is there already."""
    if to.exists() or to.is_symlink():
        raise Refused(message("There is something at {place} already; name another place.", place=str(to)))
    to.parent.mkdir(parents=True, exist_ok=True)
    sweep(to.parent)
    part = to.with_name(f".{to.name}.{secrets.token_hex(4)}{PART}")
    with (_zip if is_zip(to) else _folder)(part) as sink:
        yield sink
    part.rename(to)
    _flush(to.parent)


def is_zip(place: Path) -> bool:
    return place.suffix.lower() == ".zip"


def sweep(folder: Path) -> None:
    """Take away what backups that were killed left half written; those still written hold their lock."""
    for left in folder.glob(f".*{PART}"):
        with _opened(left / "lock" if left.is_dir() else left) as handle:
            if handle is not None and _locked(handle):
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # somebody else's, or gone meanwhile
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _zip(part: Path) -> Iterator[Sink]:
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)  # all the data of all people is in it
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        with os.fdopen(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
                yield ZipSink(archive)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class ZipSink:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def entry(self, name: str, *, packed: bool = False) -> Iterator[IO[bytes]]:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o600 << 16
        info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
        info._compresslevel = LEVEL  # type: ignore[attr-defined]  # the public argument is for names alone
        with self._archive.open(info, "w", force_zip64=True) as stream:
            yield stream


@contextmanager
def _folder(part: Path) -> Iterator[Sink]:
    part.mkdir(mode=0o700)
    lock = part / "lock"
    with lock.open("xb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            yield FolderSink(part)
            lock.unlink()
            _flush(part)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


class FolderSink:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def entry(self, name: str, *, packed: bool = False) -> Iterator[IO[bytes]]:
        path = self._folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Measured:
    """Writes on, and knows what it was. Small pieces are put together first."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._hash, self._waiting = stream, hashlib.sha256(), bytearray()
        self._size = self._rows = 0

    def write(self, piece: bytes) -> None:
        self._waiting += piece
        if len(self._waiting) >= CHUNK:
            self._on()

    def _on(self) -> None:
        self._hash.update(self._waiting)
        self._stream.write(self._waiting)
        self._size += len(self._waiting)
        self._rows += self._waiting.count(b"\n")  # line ends within a value are escaped
        self._waiting.clear()

    def figures(self) -> Figures:
        """At the end."""
        self._on()
        return Figures(self._size, self._hash.hexdigest(), self._rows)


# --- reading ---------------------------------------------------------------------------------------------------------


@contextmanager
def reading(place: Path) -> Iterator[Source]:
    """The archive at ``place``. Raises Refused where none is, or where it holds what no archive does."""
    if place.is_dir():
        yield FolderSource(place)
        return
    try:
        archive = zipfile.ZipFile(place)
    except FileNotFoundError:
        raise Refused(message("There is no archive at {place}.", place=str(place))) from None
    except (*DAMAGED, ValueError) as error:
        raise Refused(
            message("{place} is no archive, or it is damaged: {reason}", place=str(place), reason=str(error))
        ) from None
    with archive:
        yield ZipSource(archive)


class ZipSource:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive, sizes = archive, dict[str, int]()
        infos = archive.infolist()
        if len(infos) > MOST_ENTRIES:
            raise Refused(
                message("The archive has {got} entries; expected at most {most}.", got=len(infos), most=MOST_ENTRIES)
            )
        for info in infos:
            if info.filename in sizes:
                raise Refused(message("{name} stands in the archive twice.", name=info.filename[:200]))
            if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise Refused(
                    message("{name} of the archive is packed in a way no backup is.", name=info.filename[:200])
                )
            sizes[info.filename] = info.file_size
        self.sizes: Mapping[str, int] = sizes

    def open(self, name: str) -> IO[bytes]:
        return self._archive.open(name)


class FolderSource:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sizes: Mapping[str, int] = dict(_listed(folder))

    def open(self, name: str) -> BinaryIO:
        return os.fdopen(os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW), "rb")


def _listed(folder: Path) -> Iterator[tuple[str, int]]:
    """Plain files only: a link could lead anywhere."""
    for root, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = Path(root, name)
            status = path.lstat()
            inside = path.relative_to(folder).as_posix()
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise Refused(message("{name} of the archive is a link, or no file.", name=inside[:200]))
            if stat.S_ISREG(status.st_mode):
                yield inside, status.st_size


def checked(source: Source, name: str, figures: Figures) -> Generator[bytes]:
    """What an entry holds, piece by piece; raises Refused, naming it, where it is not what it was. What was given
    before that must not be used."""
    digest, size = hashlib.sha256(), 0
    with closing(_pieces(source, name, figures.size)) as pieces:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            yield piece
    if (size, digest.hexdigest()) != (figures.size, figures.sha256):
        raise Refused(
            message(
                "{name} of the archive is damaged: got {got} with the SHA-256 {hash}, expected {size} with {expected}.",
                name=name, got=formats.size(size), hash=digest.hexdigest()[:16], size=formats.size(figures.size),
                expected=figures.sha256[:16],
            )
        )  # fmt: skip


def _pieces(source: Source, name: str, most: int) -> Generator[bytes]:
    """At most one byte more than there should be."""
    try:
        with source.open(name) as stream:
            left = most + 1
            while left > 0 and (piece := stream.read(min(CHUNK, left))):
                left -= len(piece)
                yield piece
    except (KeyError, FileNotFoundError):
        raise Refused(message("{name} is missing in the archive.", name=name)) from None
    except DAMAGED as error:
        raise Refused(
            message("{name} of the archive is damaged: {reason}", name=name, reason=str(error)[:200])
        ) from None


def whole(source: Source, name: str, largest: int) -> bytes:
    """A small entry at once; raises Refused for one that is missing or larger than ``largest`` bytes."""
    found = b"".join(_pieces(source, name, largest))
    if len(found) > largest:
        raise Refused(message("{name} of the archive is larger than {most}.", name=name, most=formats.size(largest)))
    return found
