"""A depot whose backups are made every day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from depot import DEPOT

from engine.application import Application
from engine.backups import ledger
from engine.backups.schedule import Schedule, name_of
from engine.errors import Refused, message

HELP = DEPOT.replace("languages: [en, zh]", "languages: [en, zh]\ntimezone: Asia/Shanghai")


class Worked:
    """In the place of the process that makes backups."""

    def __init__(self, wrong: str = "") -> None:
        self.made: list[str] = []
        self.wrong = wrong

    def __call__(self, app: Application, schedule: Schedule) -> Mapping[str, Any]:
        if self.wrong:
            raise Refused(message(self.wrong))
        place = schedule.folder / name_of(app.definition.app, app.clock())
        place.write_text("an archive")
        self.made.append(place.name)
        return {"place": str(place), "size": 10, "rows": 5, "files": 1, "lost": 0}


def latest(app: Application) -> list[ledger.Kept]:
    with app.database.read() as conn:
        return ledger.latest(conn)
