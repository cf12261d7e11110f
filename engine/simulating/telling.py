"""How far a simulation is, and what became of it, on the terminal."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.simulating.figures import Figures
    from engine.simulating.simulation import Simulation

MOST = 25  # lines of a list
AT_FIRST = 0.005  # of the time; before it nobody can say how long it will take


def say_progress(simulation: Simulation) -> None:
    """One line that is written over; nothing where nobody looks."""
    if sys.stderr.isatty():
        print(f"\r\033[K{progress(simulation)}", end="\r", file=sys.stderr)


def progress(simulation: Simulation) -> str:
    """How far it is, how fast, and when it will be over if it goes on like this."""
    figures, seconds, share = simulation.figures, simulation.seconds, simulation.share
    refused, rate = sum(figures.refused.values()), figures.done / seconds if seconds else 0.0
    said = f"{share:4.0%}  {simulation.today}  {figures.done} done, {refused} refused, {rate:.0f} per second"
    return f"{said}, {_span(seconds * (1 - share) / share)} to go" if share > AT_FIRST else said


def _span(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else "less than 1 min"


@contextmanager
def stopped_by_hand(simulation: Simulation) -> Iterator[None]:
    """Ctrl-C ends the simulation after what is being done, and what it did can still be told; a second one is as
    elsewhere. In another thread than the first nobody can press it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, former)
        simulation.stop()
        print("\r\033[KStopping. Press Ctrl-C again to end at once.", file=sys.stderr)

    former = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


def print_figures(figures: Figures) -> None:
    refused = sum(figures.refused.values())
    print(f"{figures.done} things done, {refused} refused, {figures.events} events", end="")
    print(f" in {figures.seconds:.1f} s: {figures.per_second:.0f} done per second")
    if not figures.complete:
        print("It ended before its time.")
    _print_counts("Done", dict(figures.acts.most_common()))
    _print_counts("Also", dict(figures.noted.most_common()))
    _print_counts("By", dict(figures.by.most_common()))
    if figures.refused:
        print("\nRefused")
    for (act, sentence), count in figures.refused.most_common(MOST):
        print(f"  {count:7}  {act}: {sentence}")
        example = figures.examples[act, sentence]
        if "…" in sentence:
            print(f"           such as: {example}")
    _print_counts("Records", figures.records)
    _print_counts("Messages", figures.messages)
    _print_counts("Runs that failed", figures.failed_runs)


def _print_counts(title: str, counts: Mapping[str, int]) -> None:
    if counts:
        print(f"\n{title}")
    for name, count in [*counts.items()][:MOST]:
        print(f"  {count:7}  {name}")
