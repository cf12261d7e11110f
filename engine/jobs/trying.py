"""A transaction tried again where the database asks for it: one of two that waited for each other, or a line that broke
while a result was to be kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, OperationalError

from engine.application import Application
from engine.service import TRIES
from engine.writing import Overtaken

T = TypeVar("T")
WALK_AGAIN = ("40001", "40P01", "55P03")  # serialization failure, deadlock, lock not available
Work = Callable[[sa.Connection], T]


def in_transaction(app: Application, work: Work[T], *, patience: float = 0) -> T:
    """Do it in one write transaction. ``patience``: for how many seconds a lost connection is waited for."""
    tries, until = 0, time.monotonic() + patience
    while True:
        tries += 1
        try:
            with app.database.write() as conn:
                return work(conn)
        except Overtaken:
            if tries >= TRIES:
                raise
        except DBAPIError as error:
            if is_about_order(error) and tries < TRIES:
                continue
            if not is_lost(error) or time.monotonic() >= until:
                raise
            time.sleep(min(1.0, 0.05 * 2 ** min(tries, 5)))


def is_about_order(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is tried again at once."""
    return getattr(error.orig, "sqlstate", None) in WALK_AGAIN


def is_lost(error: BaseException) -> bool:
    """Whether the database could not be reached: nothing is known of the message, and nothing can be written."""
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or (isinstance(error, OperationalError) and not is_about_order(error))
