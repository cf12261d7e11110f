"""What is kept of backups with the data: one row of ``_job`` of the kind ``backup`` each, for administrators to see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.application import utc_now
from engine.backups.making import Made
from engine.storage.database import Database
from engine.storage.tables import SYSTEM

KIND, DONE, FAILED = "backup", "done", "failed"
_job = SYSTEM["job"]


@dataclass(frozen=True)
class Kept:
    """``at``: the moment it holds, or when it failed; ``by``: ``command`` or ``schedule``; ``size`` in bytes, of the
    archive; ``lost``: files that the data names and the store did not have."""

    id: int
    at: dt.datetime
    by: str
    place: str
    size: int
    rows: int
    files: int
    lost: int
    verified_at: dt.datetime | None
    gone: bool
    error: str | None


def figures_of(made: Made) -> dict[str, Any]:
    manifest = made.manifest
    return {"place": str(made.place.absolute()), "size": made.size, "rows": manifest.rows,
            "files": len(manifest.files), "lost": len(manifest.lost), "at": manifest.at.isoformat()}  # fmt: skip


def note_made(database: Database, made: Made, *, by: str) -> None:
    note(database, by=by, result=figures_of(made), at=made.manifest.at)


def note(
    database: Database, *, by: str, at: dt.datetime, result: Mapping[str, Any] | None = None, error: str | None = None
) -> None:
    row = {"kind": KIND, "state": FAILED if error else DONE, "params": {"by": by}, "result": dict(result or {}),
           "error": error, "created_at": at, "started_at": at, "finished_at": utc_now()}  # fmt: skip
    with database.write() as conn:
        conn.execute(sa.insert(_job).values(row))


def note_gone(conn: sa.Connection, places: list[str]) -> None:
    """These archives were taken away: later ones are there."""
    rows = conn.execute(sa.select(_job.c.id, _job.c.result).where(_job.c.kind == KIND, _job.c.state == DONE)).all()
    for id, result in rows:
        if result and result.get("place") in places and not result.get("gone"):
            conn.execute(sa.update(_job).where(_job.c.id == id).values(result={**result, "gone": True}))


def latest(conn: sa.Connection, most: int = 60) -> list[Kept]:
    """The newest first."""
    query = sa.select(_job).where(_job.c.kind == KIND).order_by(_job.c.id.desc()).limit(most)
    return [_kept(row) for row in conn.execute(query).mappings()]


def _kept(row: Mapping[Any, Any]) -> Kept:
    found = row["result"] or {}
    verified = found.get("verified_at")
    return Kept(
        id=row["id"],
        at=row["created_at"],
        by=(row["params"] or {}).get("by", ""),
        place=found.get("place", ""),
        size=int(found.get("size", 0)),
        rows=int(found.get("rows", 0)),
        files=int(found.get("files", 0)),
        lost=int(found.get("lost", 0)),
        verified_at=dt.datetime.fromisoformat(verified) if verified else None,
        gone=bool(found.get("gone")),
        error=row["error"],
    )
