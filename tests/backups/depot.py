"""A small application whose every kind of column holds something, and what is done to archives of it."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import servers
import sqlalchemy as sa
from making import Made
from reading import registry_of

from engine.backups.container import reading
from engine.backups.making import make
from engine.backups.manifest import Manifest
from engine.backups.restoring import Restored, restore
from engine.backups.verifying import manifest_of
from engine.storage.files import FileStore

DEPOT = """
app: depot
label: {zh: 仓库, en: Depot}
languages: [en, zh]
roles: {clerk: {label: {zh: 职员, en: Clerk}}}
forms:
  shelf:
    label: {zh: 货架, en: Shelf}
    title: record.name
    fields:
      name: {type: text, required: true, unique: true}
      held: {type: integer, default: 0}
  item:
    label: {zh: 物品, en: Item}
    title: record.name
    fields:
      number: {type: series, pattern: "I{0000}", unique: true}
      name: {type: text, max_length: 80}
      note: {type: long_text}
      price: {type: money}
      weight: {type: decimal, scale: 3}
      arrived: {type: datetime}
      best_before: {type: date}
      opened_at: {type: time}
      fragile: {type: boolean}
      details: {type: json}
      shelf: {type: link, form: shelf}
      near: {type: links, form: shelf}
      papers: {type: attachment}
      parts: {type: lines, form: part}
    permissions: {clerk: {create: true, read: true, update: true}}
    workflow:
      initial: new
      states: {new: {label: New}, stored: {label: Stored, final: true}}
      transitions: {store: {label: Store, from: [new], to: stored, roles: [clerk]}}
  part:
    label: {zh: 部件, en: Part}
    fields: {name: {type: text}, quantity: {type: decimal}}
"""
HARD = "tab\there, line\nend, back\\slash \\N, 中文 “quotes”, ;'\" end"


def fill(made: Made) -> None:
    """Two shelves, three items, one of them deleted again, and a paper."""
    shelf = made.create("shelf", name="A1", held=70)
    other = made.create("shelf", name="B2", held=30)
    paper = attach(made, b"%PDF-1.4 a paper")
    made.create(
        "item", name="Vase", note=HARD, price="12.50", weight="-0.125", arrived="2026-11-24T10:00", fragile=True,
        best_before="2027-01-31", opened_at="08:05", details='{"a": [1, 2.5, "ü", null]}', shelf=shelf.id,
        near=[shelf.id, other.id], papers=[paper], parts=[{"name": "Lid", "quantity": "2"}],
    )  # fmt: skip
    stored = made.create("item", name="Plain", shelf=other.id)
    made.take("item", stored, "store")
    made.delete("item", made.create("item", name="Gone again"))


def attach(made: Made, content: bytes) -> int:
    app = made.application
    kept = app.files.put(io.BytesIO(content), name="paper.pdf")
    row = {"form": "item", "record_id": None, "field": "papers", "sha256": kept.sha256, "name": "paper.pdf",
           "media_type": kept.media_type, "size": kept.size, "created_at": app.clock(), "created_by": 1}  # fmt: skip
    table = app.tables.attachment
    with app.database.write() as conn:
        return int(conn.execute(sa.insert(table).values(row).returning(table.c.id)).scalar_one())


def backed_up(made: Made, to: Path, **options: Any) -> Manifest:
    app = made.application
    return make(app.database, app.files, to, clock=app.clock, **options).manifest


def restored(archive: Path, url: str, folder: Path, **options: Any) -> Restored:
    return restore(archive, url, FileStore(folder / "restored files"), registry_of(), **options)


def described(archive: Path) -> Manifest:
    with reading(archive) as source:
        return manifest_of(source)


@contextmanager
def empty(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of this kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/other.db"
    else:
        with servers.postgresql_database() as url:
            yield url


def altered(archive: Path, to: Path, alter: Callable[[dict[str, bytes]], None]) -> Path:
    """A copy of the archive in which somebody was at work."""
    with zipfile.ZipFile(archive) as file:
        entries = {name: file.read(name) for name in file.namelist()}
    alter(entries)
    with zipfile.ZipFile(to, "w") as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return to


def unpacked(archive: Path, to: Path) -> Path:
    with zipfile.ZipFile(archive) as file:
        file.extractall(to)
    return to


def emptied(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
