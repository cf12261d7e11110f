"""What a performer may ask of the application it works for."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.connectors import Connection
from engine.errors import DeliveryFailed, Refused, message
from engine.faults import point
from engine.jobs import claiming
from engine.jobs.allowance import ALL, take_turn
from engine.jobs.claiming import Claimed
from engine.outside.exchanges import Exchange

LOG = logging.getLogger("appmill.delivery")


class Usual:
    """The Surroundings of whatever is done with a connection: secrets, files, limits and tokens of the application.
    ``exchanges``: what was said over the line meanwhile."""

    def __init__(self, app: Application, connection: Connection | None) -> None:
        self.app, self._connection = app, connection
        self.exchanges: list[Exchange] = []
        self.operation = ALL  # what took its turn last

    def secret(self, name: str, host: str) -> str:
        return self.app.secrets.value(name, host)

    def latest(self, name: str, host: str) -> str:
        return self.app.secrets.latest(name, host)

    def renew(self, name: str, value: str) -> None:
        """Where no key is set, the new value is better known to one process than lost."""
        try:
            with self.app.database.write() as conn:
                self.app.secrets.succeed(conn, name, value, now=self.app.clock())
        except Refused as refused:
            LOG.error("the new value of the secret %s is lost when this process ends: %s", name, refused)

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        table = self.app.tables.attachment
        with self.app.database.read() as conn:
            row = conn.execute(sa.select(table).where(table.c.id == attachment_id)).first()
        if row is None or row.deleted_at is not None:
            raise DeliveryFailed(message("The file {id} is gone.", id=attachment_id), again=False)
        with self.app.files.open(row.sha256) as file:
            return row.name, row.media_type, file.read()

    def now(self) -> dt.datetime:
        return self.app.clock()

    def turn(self, operation: str) -> None:
        self.operation = operation
        if self._connection is not None:
            take_turn(self.app, self._connection, operation)

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        return self.app.tokens.kept(self._name, name, get)

    def forget(self, name: str) -> None:
        self.app.tokens.forget(self._name, name)

    def note(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def about_to_send(self) -> None:
        return  # a question may be asked twice

    @property
    def _name(self) -> str:
        return "" if self._connection is None else self._connection.name


class Around(Usual):
    """The Surroundings of one delivery. ``asked``: whether an administrator is asked when the answer is lost."""

    def __init__(self, app: Application, claimed: Claimed, asked: bool) -> None:
        super().__init__(app, app.definition.connections.get(claimed.row.connection or ""))
        self._claimed, self._asked = claimed, asked
        self.sending = False

    @property
    def message(self) -> Any:
        """The row of ``_message``."""
        return self._claimed.row

    def about_to_send(self) -> None:
        if self.sending:
            return
        point("before sending")
        if self._asked and not claiming.about_to_send(self.app, self._claimed):
            raise Overtaken
        self.sending = True
        point("sending")


class Overtaken(Exception):
    """The claim ran out and another process has the message: nothing may be sent any more."""
