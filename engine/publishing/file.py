"""The definition file follows what is in force, and at the start it is decided which of the two leads.

- It is what is in force: nothing happens.
- People published nothing since a file was put in force last: the file leads, as ever.
- It was in force before, and people published since: it was left behind (the process died between commit and writing,
  or it is a copy elsewhere). What is in force stays so, and the file is brought up to it.
- It is new, and holds what people published: it is put in force, as ever.
- It is new, and lacks what people published: refused, naming what it lacks and both ways to go on.

Only who edits a file knows what it was made from; that a published change is missing in it can be seen.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from engine.errors import DefinitionError, Message, Refused, message
from engine.faults import point
from engine.load import Loaded, hash_of, load_text
from engine.publishing.history import Version, versions
from engine.publishing.inforce import hash_in_force
from engine.registry import Registry
from engine.storage.database import Database
from engine.storage.migrate import source_of
from engine.yamlfile import dotted, read_source

LOG = logging.getLogger("appmill.definition")
LOOKED_BACK = 50  # publications that may be missing in a file
NAMED = 5  # places in a sentence
LEFT = ".new"  # what a process that died while writing leaves beside the file


# --- at the start ----------------------------------------------------------------------------------------------------


def at_start(loaded: Loaded, database: Database, registry: Registry) -> Loaded:
    """What to begin with: the file as it was read, or what people published since. Raises Refused."""
    path = Path(loaded.source.file)
    if not is_there(database):
        return loaded
    _sweep(path)
    with database.read() as conn:
        published = _published(conn)
        if not published or published[0].hash == loaded.definition.hash:
            return loaded
        newest, text = published[0], source_of(conn, published[0].hash)
        known = source_of(conn, loaded.definition.hash) is not None
        earlier = [] if known else [source_of(conn, each.before) for each in published if each.before]
    if text is None:
        return loaded
    if not known:
        refuse_lacking(loaded, newest, text, [each for each in earlier if each is not None])
        return loaded
    return _brought_up(path, newest, text, registry)


def is_there(database: Database) -> bool:
    """Whether there is something to look at: asking a SQLite file that is not there would make it."""
    return database.dialect != "sqlite" or Path(str(database.url.database)).exists()


def _published(conn: sa.Connection) -> list[Version]:
    """What people published since a file was last put in force, the newest first."""
    found: list[Version] = []
    for each in versions(conn, limit=LOOKED_BACK):
        if not each.by_people:
            break
        found.append(each)
    if found and found[0].hash != hash_in_force(conn):
        return []  # an older Appmill put a file in force and kept no history of it
    return found


def _who(version: Version) -> str | Message:
    return version.by_name or message("somebody")


def _brought_up(path: Path, newest: Version, text: str, registry: Registry) -> Loaded:
    try:
        current = load_text(bytes_of(text, newest.hash), registry, file=str(path))
    except DefinitionError as error:  # a plugin is gone, or the engine is another
        raise Refused(
            message(
                "What {who} published at {at} is in force, and it cannot be read any more: {reason}",
                who=_who(newest), at=f"{newest.at:%Y-%m-%d %H:%M}", reason=str(error.findings[0]),
            )
        ) from error  # fmt: skip
    LOG.warning(
        "%s was in force before %s published %s at %s; it is brought up to that. To go back: appmill rollback",
        path, _who(newest), newest.hash, f"{newest.at:%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip
    _replace(path, bytes_of(text, newest.hash))
    return current


# --- a file that is new ----------------------------------------------------------------------------------------------


def refuse_lacking(loaded: Loaded, newest: Version, text: str, earlier: Sequence[str]) -> None:
    """Raises Refused where the file would silently take back what was published."""
    places = lacking(loaded.source.data, _data(text), [_data(each) for each in earlier])
    if not places:
        return
    file = loaded.source.file
    raise Refused(
        message(
            "The file {file} lacks what {who} published at {at} ({hash}): {places}. Nothing was changed. Bring it into"
            " the file (appmill history {file} --text {hash} prints what is in force), or put the file in force as it"
            " is: appmill publish {file}",
            file=file, who=_who(newest), at=f"{newest.at:%Y-%m-%d %H:%M} UTC", hash=newest.hash,
            places=(*places[:NAMED], *(["…"] if len(places) > NAMED else [])),
        )
    )  # fmt: skip


_NOTHING = object()


def lacking(mine: Any, published: Any, earlier: Sequence[Any]) -> list[str]:
    """Places where ``mine`` still is as one of the ``earlier`` definitions and not as the published one; dotted, the
    outermost that tell it."""
    ours, theirs = dict(_leaves(mine)), dict(_leaves(published))
    before = [dict(_leaves(each)) for each in earlier]
    places = dict.fromkeys((*theirs, *(place for each in before for place in each)))
    left = [place for place in places if _left(place, ours, theirs, before)]
    return list(dict.fromkeys(dotted(_outermost(place, mine, published)) for place in left))


def _left(place: Any, ours: Mapping[Any, Any], theirs: Mapping[Any, Any], before: Sequence[Mapping[Any, Any]]) -> bool:
    here, there = ours.get(place, _NOTHING), theirs.get(place, _NOTHING)
    return here != there and any(each.get(place, _NOTHING) == here for each in before)


def _outermost(place: tuple[str, ...], mine: Any, published: Any) -> tuple[str, ...]:
    """The first part of the place that only one of the two has, else the place."""
    for depth, name in enumerate(place, 1):
        inside = [isinstance(each, dict) and name in each for each in (mine, published)]
        if not all(inside):
            return place[:depth]
        mine, published = mine[name], published[name]
    return place


def _leaves(data: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(data, dict) and data:
        for name, inner in data.items():
            yield from _leaves(inner, (*place, name))
    else:
        yield place, data


def _data(text: str) -> Any:
    return read_source(text).data


# --- when something was published ------------------------------------------------------------------------------------


def follow(path: Path | None, text: str, hash: str, database: Database) -> Message | None:
    """Write the definition that is in force into its file. A file that somebody edited by hand meanwhile is left as it
    is; answers what has to be said then, or None."""
    if path is None:
        return None
    edited = edited_by_hand(path, database)
    if edited is not None:
        LOG.warning("%s", edited)
        return edited
    return _replace(path, bytes_of(text, hash))


def edited_by_hand(path: Path | None, database: Database) -> Message | None:
    """What to say where the file holds what never was in force; it would not follow a publication."""
    if path is None:
        return None
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    with database.read() as conn:
        known = source_of(conn, hash_of(raw)) is not None
    if known:
        return None
    return message(
        "The file {file} was edited by hand and is not in force. It is left as it is; bring both together before the"
        " next start.",
        file=str(path),
    )


def bytes_of(text: str, hash: str) -> bytes:
    """The file a definition was read from; a mark at its beginning is no part of the text that is kept."""
    raw = text.encode("utf-8")
    marked = b"\xef\xbb\xbf" + raw
    return marked if hash_of(raw) != hash and hash_of(marked) == hash else raw


def _replace(path: Path, raw: bytes) -> Message | None:
    """All of the new file or all of the old one, whenever the power is cut."""
    try:
        target = path.resolve()
        if target.read_bytes() == raw:
            return None
        fresh = target.with_name(f".{target.name}.{os.getpid()}{LEFT}")
        _write(fresh, raw)
        shutil.copymode(target, fresh)
        point("file written")
        fresh.replace(target)
        _sync(target.parent)
        point("file replaced")
    except OSError as error:
        said = message("The file {file} cannot be written: {reason}. What was published is in force all the same.",
                       file=str(path), reason=error.strerror or str(error))  # fmt: skip
        LOG.warning("%s", said)
        return said
    return None


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(raw[: len(raw) // 2])
        stream.flush()
        point("file half written")
        stream.write(raw[len(raw) // 2 :])
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _sweep(path: Path) -> None:
    """Take away what a process that died left half written."""
    for left in path.resolve().parent.glob(f".{path.name}.*{LEFT}"):
        try:
            if _is_abandoned(left):
                left.unlink()
        except OSError as error:
            LOG.warning("%s cannot be taken away: %s", left, error.strerror)


def _is_abandoned(left: Path) -> bool:
    """Its process is gone, or it is older than any writing takes."""
    if time.time() - left.stat().st_mtime > 60:
        return True
    number = left.name.removesuffix(LEFT).rpartition(".")[2]
    return number == str(os.getpid()) or not number.isdigit() or not Path(f"/proc/{number}").exists()
