"""Reading a package somebody uploads, in memory and within limits: nothing of it is written to a disk."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.errors import Invalid, Message, message
from engine.load import hash_of
from engine.storage.decisions import Decision
from engine.yamlfile import MAX_BYTES

LARGEST = 20_000_000  # bytes of the whole file
ENTRIES = 500
UNPACKED = 60_000_000  # bytes of everything in it
ENTRY = 8_000_000
RATIO = 200  # unpacked to packed, of one entry
_NAMES = re.compile(
    r"manifest\.json|definition\.yaml|decisions\.json|translations/[a-z0-9_]{1,60}\.csv|data/[a-z][a-z0-9_]{0,62}\.csv"
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError)


@dataclass(frozen=True)
class Package:
    """``definition``: the text; ``translations`` and ``data``: CSV by name of the file or form."""

    app: str
    hash: str
    definition: str
    manifest: Mapping[str, Any]
    decisions: Mapping[str, Decision]
    translations: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)

    def rows(self, form: str) -> Sequence[Sequence[str]]:
        """The sample of a form, headings first."""
        return list(csv.reader(io.StringIO(self.data.get(form, ""))))


def unpacked(raw: bytes) -> Package:
    """Raises Invalid."""
    if len(raw) > LARGEST:
        raise _wrong(message("It has more than {count} bytes.", count=LARGEST))
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            files = _files(archive)
    except _BROKEN as error:
        raise _wrong(message("It is no ZIP file that can be read.")) from error
    return _package(files)


def _wrong(reason: Message) -> Invalid:
    return Invalid(message("This is no package that can be taken: {reason}", reason=reason))


def _files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    if len(entries) > ENTRIES:
        raise _wrong(message("It has more than {count} files.", count=ENTRIES))
    files: dict[str, bytes] = {}
    left = UNPACKED
    for entry in entries:
        _refuse_odd(entry, files)
        content = _content(archive, entry, min(left, MAX_BYTES if entry.filename == "definition.yaml" else ENTRY))
        left -= len(content)
        files[entry.filename] = content
    return files


def _refuse_odd(entry: zipfile.ZipInfo, files: Mapping[str, bytes]) -> None:
    """Only the names there are, each once; no folder, link, device, encryption or rare compression."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    plain = kind in (0, stat.S_IFREG) and not entry.flag_bits & 1 and entry.compress_type in _METHODS
    if entry.filename != entry.orig_filename or not _NAMES.fullmatch(entry.filename) or not plain:
        raise _wrong(message("“{name}” does not belong into it.", name=entry.filename[:80]))
    if entry.filename in files:
        raise _wrong(message("“{name}” stands in it twice.", name=entry.filename))


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """What the header says of its size is not believed: so much is read, and not a byte more."""
    with archive.open(entry) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise _wrong(message("“{name}” is too large.", name=entry.filename))
    if len(content) > RATIO * max(entry.compress_size, 1_000):
        raise _wrong(message("“{name}” grows too much when it is unpacked.", name=entry.filename))
    return content


# --- what is in it ----------------------------------------------------------------------------------------------------


def _package(files: Mapping[str, bytes]) -> Package:
    manifest = _mapping(files, "manifest.json")
    if manifest.get("format") != 1:
        raise _wrong(message("It was made by another version of Appmill."))
    _compare(files, manifest)
    raw = files["definition.yaml"]
    return Package(
        str(manifest.get("app", "")), hash_of(raw), _text(files, "definition.yaml"), manifest,
        _decisions(_mapping(files, "decisions.json") if "decisions.json" in files else {}),
        {_stem(name): _text(files, name) for name in files if name.startswith("translations/")},
        {_stem(name): _text(files, name) for name in files if name.startswith("data/")},
    )  # fmt: skip


def _compare(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> None:
    """Everything the manifest names is there as it was, and nothing else."""
    sums = manifest.get("files")
    if not isinstance(sums, dict) or "definition.yaml" not in files or set(sums) != set(files) - {"manifest.json"}:
        raise _wrong(message("Its list of files does not fit what is in it."))
    for name, content in files.items():
        if name != "manifest.json" and sums[name] != hashlib.sha256(content).hexdigest():
            raise _wrong(message("“{name}” was changed after it was packed.", name=name))
    if manifest.get("hash") != hash_of(files["definition.yaml"]):
        raise _wrong(message("“{name}” was changed after it was packed.", name="definition.yaml"))


def _mapping(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(files[name])
    except (KeyError, ValueError, RecursionError) as error:
        raise _wrong(message("“{name}” is missing or cannot be read.", name=name)) from error
    if not isinstance(found, dict):
        raise _wrong(message("“{name}” is missing or cannot be read.", name=name))
    return found


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return files[name].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(message("“{name}” is missing or cannot be read.", name=name)) from error


def _decisions(data: Mapping[str, Any]) -> dict[str, Decision]:
    found: dict[str, Decision] = {}
    for id, each in data.items():
        if not isinstance(each, dict) or not isinstance(each.get("choice"), str):
            raise _wrong(message("“{name}” is missing or cannot be read.", name="decisions.json"))
        found[id] = Decision(each["choice"], str(each.get("value", "")))
    return found


def _stem(name: str) -> str:
    return name.rpartition("/")[2].removesuffix(".csv")
