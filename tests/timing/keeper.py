"""A process that keeps the time: ``python keeper.py DATABASE FILE FROM UNTIL SEED``.

It goes through a stretch of simulated time in steps of its own and leaves the messages of the schedules. It says
``begun`` first, and ``there`` when it has come to the end.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fake_clock import FakeClock  # noqa: E402

from engine.application import open_application  # noqa: E402
from engine.timing.clockwork import tick  # noqa: E402


def main(database: str, file: str, since: str, until: str, seed: str) -> None:
    clock, end, chance = FakeClock(dt.datetime.fromisoformat(since)), dt.datetime.fromisoformat(until), random.Random(seed)
    app = open_application(Path(file), database, clock=clock)
    print("begun", flush=True)
    while True:
        tick(app)
        if clock.now >= end:
            break
        clock.now = min(end, clock.now + dt.timedelta(minutes=chance.choice((40, 700, 3000, 6000))))
    print("there", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
