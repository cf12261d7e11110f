"""An application as one file: its definition, its texts by language, sample records, and what was decided about data.

manifest.json            {"format", "app", "label", "hash", "made_at", "files": {name: SHA-256}}
definition.yaml          as it is in force, byte for byte
decisions.json           answers to questions about the data, by question: promoted, the same plan asks them no more
translations/labels.csv  path, and one column per language
data/<form>.csv          the first records somebody may export, as the list exports them
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.application import Application
from engine.columns import columns_of
from engine.errors import Denied, message
from engine.exporting import csv_lines
from engine.language import Label
from engine.people import Actor
from engine.permissions import may
from engine.publishing.file import bytes_of
from engine.publishing.guarding import may_design
from engine.publishing.history import text_of, versions
from engine.publishing.inforce import hash_in_force
from engine.publishing.preparing import Prepared, prepare
from engine.publishing.unpacking import Package, unpacked
from engine.queries import parse_query

FORMAT = 1
SAMPLE = 200  # records per form
LOOKED_BACK = 50  # publications whose decisions go along
_MADE = (1980, 1, 1, 0, 0, 0)  # the same content makes the same bytes


def export(app: Application, actor: Actor, *, sample: int = SAMPLE) -> bytes:
    """The application as it is in force, as a ZIP file. ``sample``: at most so many records per form, those the actor
    may export; 0 leaves data away. Raises Denied."""
    if not may_design(actor, app.definition):
        raise Denied(message("Only administrators and designers may take the application along."))
    with app.database.read() as conn:
        hash = hash_in_force(conn) or app.definition.hash
        definition = bytes_of(text_of(conn, hash), hash)
        decisions = {id: each for version in reversed(versions(conn, app.tables, LOOKED_BACK))
                     for id, each in version.decisions.items()}  # fmt: skip
    files = {
        "definition.yaml": definition,
        "decisions.json": _json(decisions),
        "translations/labels.csv": labels(app).encode(),
        **(dict(_data(app, actor, sample)) if sample else {}),
    }
    return _zipped({"manifest.json": _manifest(app, hash, files), **files})


def read_package(raw: bytes) -> Package:
    """What somebody uploads, believed in nothing: raises Invalid saying what is wrong with it."""
    return unpacked(raw)


def promote(app: Application, package: Package, *, kind: str = "published") -> Prepared:
    """The package's definition, prepared here with what was decided where it comes from."""
    return prepare(app, package.definition, package.decisions, kind=kind)


def _manifest(app: Application, hash: str, files: Mapping[str, bytes]) -> bytes:
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return _json({
        "format": FORMAT, "app": app.definition.app, "label": dict(app.definition.label.texts), "hash": hash,
        "made_at": app.clock().isoformat(timespec="seconds"), "files": sums,
    })  # fmt: skip


def _json(data: Any) -> bytes:
    return (json.dumps(data, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def _zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _MADE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)
    return target.getvalue()


# --- texts ------------------------------------------------------------------------------------------------------------


def labels(app: Application) -> str:
    """Everything people read in the definition, by its place: one column per language of the application."""
    languages = tuple(app.definition.languages)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["path", *languages])
    for path, label in _labels(app.definition, ()):
        free = label.texts.get("", "")
        writer.writerow([".".join(path), *(label.texts.get(language, free) for language in languages)])
    return buffer.getvalue()


def _labels(thing: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Label]]:
    if isinstance(thing, Label):
        yield path, thing
    elif isinstance(thing, Mapping):
        for name, inner in thing.items():
            yield from _labels(inner, (*path, str(name)))
    elif isinstance(thing, tuple):
        for number, inner in enumerate(thing):
            yield from _labels(inner, (*path, str(number)))
    elif is_dataclass(thing):
        for field in fields(thing):
            if not field.metadata.get("derived"):
                yield from _labels(getattr(thing, field.name), (*path, field.metadata.get("alias") or field.name))


# --- records ----------------------------------------------------------------------------------------------------------


def _data(app: Application, actor: Actor, sample: int) -> Iterator[tuple[str, bytes]]:
    """The doors are those of the list: what the actor may not see or export stays here."""
    for form in app.definition.forms.values():
        if form.parent_form or not may(app, actor, "export", form) or not may(app, actor, "read", form):
            continue
        lines = list(_rows(app, actor, form.name, sample))
        if len(lines) > 1:
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="\n").writerows(lines)
            yield f"data/{form.name}.csv", buffer.getvalue().encode()


def _rows(app: Application, actor: Actor, form: str, sample: int) -> Iterator[list[str]]:
    definition = app.definition.forms[form]
    columns = columns_of(app, actor, definition)
    wanted = [name for name in columns if name in definition.fields]
    query = parse_query(app, actor, definition, MultiDict({"columns": ",".join(wanted)}))
    chunks = csv_lines(app, actor, actor.reader(app.definition), query, columns)
    rows = (row for chunk in chunks for row in csv.reader(io.StringIO(chunk.removeprefix("\ufeff"))))
    yield from islice(rows, sample + 1)
