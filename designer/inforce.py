"""The definition that is in force, as drafts see it: its hash and its text, of the database and not of this process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.application import Application
from engine.errors import Missing, message
from engine.publishing.inforce import hash_in_force
from engine.storage.migrate import source_of


@dataclass(frozen=True)
class InForce:
    hash: str
    text: str


def in_force(app: Application) -> InForce:
    """Raises Missing where nobody kept its text."""
    with app.database.read() as conn:
        hash_ = hash_in_force(conn) or app.definition.hash
        text = source_of(conn, hash_)
    if text is None and app.file is not None:
        text = Path(app.file).read_text("utf-8")
    if text is None:
        raise Missing(message("The text of the definition is not kept; change it by hand."))
    return InForce(hash_, text)
