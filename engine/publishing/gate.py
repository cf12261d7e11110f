"""What a definition has to pass before it is put in force: its checks, its own stories, and random walks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from engine.application import Application
from engine.errors import Message, message
from engine.publishing.inforce import Told, as_data, of_data, silent
from engine.publishing.preparing import Prepared
from engine.scenarios.results import Result
from engine.scenarios.running import run_scenarios


@dataclass(frozen=True)
class Gate:
    """One of them. ``name``: checks, scenarios or walks; ``sentences`` say what is wrong, or how much was looked at;
    ``places`` are parts of the file for the screens: {"line", "path", "form", "state", …} beside each sentence."""

    name: str
    ok: bool
    sentences: tuple[Message, ...] = ()
    places: tuple[Mapping[str, Any], ...] = ()

    def as_data(self) -> dict[str, Any]:
        said = [as_data(each) for each in self.sentences]
        return {"name": self.name, "ok": self.ok, "sentences": said, "places": [dict(each) for each in self.places]}

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> Gate:
        said = tuple(of_data(each) for each in data["sentences"])
        return Gate(data["name"], data["ok"], said, tuple(data["places"]))


def gate(app: Application, prepared: Prepared, told: Told = silent, language: str = "en") -> list[Gate]:
    """Everything it has to pass. The records are not touched: stories and walks have a world of their own."""
    found = [_checks(prepared)]
    if prepared.loaded is not None:
        found += [part(app, prepared, told, language) for part in PARTS]
    return found


Part = Callable[[Application, Prepared, Told, str], Gate]


def _checks(prepared: Prepared) -> Gate:
    told = [finding for finding in prepared.findings if finding.severity != "note"]
    said = tuple(finding.message for finding in told)
    places = [{"line": each.line, "column": each.column, "path": each.path, "severity": each.severity} for each in told]
    if not told:
        said = (message("Nothing is wrong with it."),)
    return Gate("checks", not prepared.errors, said, tuple(places))


def _scenarios(app: Application, prepared: Prepared, told: Told, language: str) -> Gate:
    assert prepared.loaded is not None  # the caller looked
    known = prepared.loaded.definition.scenarios
    played: list[Result] = []

    def after(result: Result) -> None:
        played.append(result)
        told(len(played), len(known), message("Scenarios are played"))

    told(0, len(known), message("Scenarios are played"))
    results = run_scenarios(prepared.loaded, app.registry, language=language, told=after) if known else []
    return _told_stories(results)


def _told_stories(results: Sequence[Result]) -> Gate:
    wrong = [(result, failure) for result in results for failure in result.failures]
    if not wrong:
        said = message("{count} scenarios went as told.", count=len(results))
        return Gate("scenarios", True, (said,))
    sentences = tuple(
        message("{scenario}: expected {expected}, got {got}", scenario=result.label or result.scenario,
                expected=failure.expected, got=failure.got)
        for result, failure in wrong
    )  # fmt: skip
    places = tuple({"scenario": one.scenario, "line": failure.line, "column": failure.column} for one, failure in wrong)
    return Gate("scenarios", False, sentences, places)


def _walks(app: Application, prepared: Prepared, told: Told, language: str) -> Gate:
    """Hypothesis is needed for it; without, the gate says that nobody walked."""
    assert prepared.loaded is not None  # the caller looked
    if find_spec("hypothesis") is None:
        said = message("Random walks need the package hypothesis, which is not installed: pip install hypothesis.")
        return Gate("walks", True, (said,), ({"skipped": True},))
    from engine.walks import walk

    found = walk(prepared.loaded, app.registry, language=language, told=told)
    if not found:
        return Gate("walks", True, (message("No record that was tried is stuck anywhere."),))
    places = tuple(
        {
            "form": each.form, "state": each.state, "by": each.by, "path": [step.transition for step in each.path],
            "values": dict(each.values), "blocked": [step.transition for step in each.blocked],
        }
        for each in found
    )  # fmt: skip
    return Gate("walks", False, tuple(each.sentence for each in found), places)


PARTS: tuple[Part, ...] = (_scenarios, _walks)
