"""How a scenario went, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import AppmillError, Message, message
from engine.language import Label
from engine.texts import say
from engine.yamlfile import Path, Source, dotted


@dataclass(frozen=True)
class Failure:
    """What went otherwise: its place in the file, what was to be, and what came."""

    path: Path
    line: int
    column: int
    expected: Message
    got: Message


@dataclass(frozen=True)
class Result:
    """A scenario that was played. ``seconds`` of the machine, not of the story."""

    scenario: str
    label: Label
    file: str
    line: int
    failures: tuple[Failure, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.failures


class Otherwise(Exception):
    """The story went otherwise than told; ``path`` is below the scenario's."""

    def __init__(self, path: Path, expected: Message, got: Message) -> None:
        super().__init__(str(got))
        self.path, self.expected, self.got = path, expected, got


def failure(source: Source, scenario: str, one: Otherwise) -> Failure:
    path = ("scenarios", scenario, *one.path)
    span = source.value_at(path)
    return Failure(path, span.line, span.column, one.expected, one.got)


def sentences(refusal: AppmillError) -> tuple[Message, ...]:
    """Everything a person reads of a refusal."""
    found = [refusal.reason]
    found += [problem.message for problem in refusal.problems if problem.message not in found]
    return tuple(found)


def told(refusal: AppmillError) -> Message:
    """Without what the first sentence says already."""
    first, *others = sentences(refusal)
    return message("refused: {why}", why=_joined([first, *(one for one in others if str(one) not in str(first))]))


def _joined(several: Sequence[Message]) -> Message:
    return several[0] if len(several) == 1 else message("{each}", each=tuple(several))


# --- for people ------------------------------------------------------------------------------------------------------


def lines(result: Result, language: str) -> list[str]:
    mark = say(message("passed") if result.passed else message("FAILED"), language)
    shown = [f"{mark}  {result.scenario}: {result.label.text(language)} ({result.seconds:.2f} s)"]
    for one in result.failures:
        shown.append(f"    {result.file}:{one.line}:{one.column}: {dotted(one.path[2:])}")
        shown.append("      " + say(message("expected: {what}", what=one.expected), language))
        shown.append("      " + say(message("it came: {what}", what=one.got), language))
    return shown


def summary(results: Sequence[Result], language: str) -> str:
    passed = sum(result.passed for result in results)
    seconds = f"{sum(result.seconds for result in results):.1f}"
    said = message("{count} scenarios: {passed} passed, {failed} failed ({seconds} s)", count=len(results),
                   passed=passed, failed=len(results) - passed, seconds=seconds)  # fmt: skip
    return say(said, language)


# --- for programs ----------------------------------------------------------------------------------------------------


def as_json(results: Iterable[Result], language: str) -> list[Mapping[str, Any]]:
    return [
        {
            "scenario": result.scenario, "label": result.label.text(language), "passed": result.passed,
            "seconds": round(result.seconds, 3), "file": result.file, "line": result.line,
            "failures": [
                {"path": dotted(one.path), "line": one.line, "column": one.column,
                 "expected": say(one.expected, language), "got": say(one.got, language)}
                for one in result.failures
            ],
        }
        for result in results
    ]  # fmt: skip
