"""What goes on beside requests and deliveries, each in a thread of its own, in a server and in a worker alike: timers,
schedules, mails and feeds that come in, the seals of the audit chain, daily backups."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.application import Application
    from engine.backups.schedule import Schedule


class Goes(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


def arguments(parser: argparse.ArgumentParser) -> None:
    from engine.backups.schedule import arguments as of_backups

    of_backups(parser)
    parser.add_argument(
        "--anchor",
        metavar="FILE",
        help="keep the head of the audit chain in this file, daily (default: $APPMILL_ANCHOR)",
    )


def schedule_of(options: argparse.Namespace) -> Schedule | None:
    """When backups are made; asked before anything begins, as it may be refused."""
    from engine.backups.schedule import schedule_of as asked

    return asked(os.environ, options)


def beside(
    current: Callable[[], Application], options: argparse.Namespace, schedule: Schedule | None, *, seals: bool
) -> list[Goes]:
    """``seals``: whether this process seals; one of several is enough."""
    from engine.backups.schedule import Keeper
    from engine.chain.sealing import sealing
    from engine.feeding import looking
    from engine.timing.clockwork import Clockwork
    from engine.timing.mails import collector

    found: list[Goes] = [Clockwork(current), collector(current), looking.collector(current)]
    if seals:
        found.append(sealing(current, options.anchor or os.environ.get("APPMILL_ANCHOR") or None))
    if schedule:
        found.append(Keeper(current, schedule))
    return found


@contextmanager
def going_on(these: list[Goes]) -> Iterator[None]:
    for one in these:
        one.start()
    try:
        yield
    finally:
        for one in reversed(these):
            one.stop()
