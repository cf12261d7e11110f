"""How far a simulation is, and what became of it, on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.simulating.figures import Figures
    from engine.simulating.simulation import Simulation

MOST = 25  # lines of a list


def say_progress(simulation: Simulation) -> None:
    """One line that is written over; nothing where nobody looks."""
    if sys.stderr.isatty():
        figures = simulation.figures
        refused = sum(figures.refused.values())
        said = f"{simulation.share:4.0%}  {simulation.today}  {figures.done} done, {refused} refused"
        print(f"\r\033[K{said}", end="\r", file=sys.stderr)


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
