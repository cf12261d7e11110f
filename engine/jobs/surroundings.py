"""What a performer may ask of the application it works for."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.errors import DeliveryFailed, message
from engine.faults import point
from engine.jobs import claiming
from engine.jobs.claiming import Claimed


class Around:
    """The Surroundings of one delivery. ``asked``: whether an administrator is asked when the answer is lost."""

    def __init__(self, app: Application, claimed: Claimed, asked: bool) -> None:
        self._app, self._claimed, self._asked = app, claimed, asked
        self.sending = False

    @property
    def app(self) -> Application:
        return self._app

    @property
    def message(self) -> Any:
        """The row of ``_message``."""
        return self._claimed.row

    def secret(self, name: str, host: str) -> str:
        return self._app.secrets.value(name, host)

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        table = self._app.tables.attachment
        with self._app.database.read() as conn:
            row = conn.execute(sa.select(table).where(table.c.id == attachment_id)).first()
        if row is None or row.deleted_at is not None:
            raise DeliveryFailed(message("The file {id} is gone.", id=attachment_id), again=False)
        with self._app.files.open(row.sha256) as file:
            return row.name, row.media_type, file.read()

    def now(self) -> dt.datetime:
        return self._app.clock()

    def about_to_send(self) -> None:
        if self.sending:
            return
        point("before sending")
        if self._asked and not claiming.about_to_send(self._app, self._claimed):
            raise Overtaken
        self.sending = True
        point("sending")


class Overtaken(Exception):
    """The claim ran out and another process has the message: nothing may be sent any more."""
