"""Whether an archive is whole, told by itself alone: no database is asked."""

from __future__ import annotations

from engine.backups.container import Source, checked, whole
from engine.backups.making import Told, silent
from engine.backups.manifest import DEFINITION, LARGEST, LARGEST_DEFINITION, MANIFEST, Figures, Manifest, Table, read
from engine.backups.manifest import file_entry as entry_of
from engine.errors import Refused, message
from engine.load import hash_of


def manifest_of(source: Source) -> Manifest:
    """What the archive says of itself; raises Refused where what is in it is something else."""
    manifest = read(whole(source, MANIFEST, LARGEST))
    wanted = {**manifest.entries(), MANIFEST: source.sizes[MANIFEST]}
    strange = sorted(source.sizes.keys() - wanted.keys())
    if strange:
        raise Refused(message("{name} of the archive is no part of a backup.", name=strange[0][:200]))
    missing = sorted(wanted.keys() - source.sizes.keys())
    if missing:
        raise Refused(message("{name} is missing in the archive.", name=missing[0]))
    return manifest


def verify(source: Source, told: Told = silent) -> Manifest:
    """Read everything once; raises Refused, naming the first thing that is not as it was."""
    manifest = manifest_of(source)
    definition_of(source, manifest)
    total = len(manifest.tables) + len(manifest.files)
    for number, table in enumerate(manifest.tables):
        told(number, total, message("{name} is looked at", name=table.entry))
        _verify_table(source, table)
    for number, (sha256, size) in enumerate(manifest.files.items(), len(manifest.tables)):
        told(number, total, message("{name} is looked at", name=entry_of(sha256)))
        for _piece in checked(source, entry_of(sha256), Figures(size, sha256)):
            pass
    return manifest


def _verify_table(source: Source, table: Table) -> None:
    rows = sum(piece.count(b"\n") for piece in checked(source, table.entry, table.figures))
    if rows != table.figures.rows:
        raise Refused(
            message("{name} of the archive has {got} rows; expected {expected}.",
                    name=table.entry, got=rows, expected=table.figures.rows)
        )  # fmt: skip


def definition_of(source: Source, manifest: Manifest) -> bytes:
    """The definition in force, as its file was; raises Refused where it is not the one the manifest names."""
    if manifest.definition_file.size > LARGEST_DEFINITION:
        raise Refused(message("{name} of the archive is larger than any definition.", name=DEFINITION))
    text = b"".join(checked(source, DEFINITION, manifest.definition_file))
    for raw in (text, b"\xef\xbb\xbf" + text):  # a mark at its beginning is no part of the text that is kept
        if hash_of(raw) == manifest.definition:
            return raw
    raise Refused(
        message("{name} of the archive is not the definition that was in force: got {got}, expected {expected}.",
                name=DEFINITION, got=hash_of(text), expected=manifest.definition)
    )  # fmt: skip
