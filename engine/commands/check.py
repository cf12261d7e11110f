"""``appmill check FILE``: everything that is wrong with a definition, in one run."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from engine.errors import DefinitionError, Finding, message
from engine.extensions import registry_for
from engine.load import load_file
from engine.texts import say


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/tickets.yaml")
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a plugin beside plugins/")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of the messages")


def run(options: argparse.Namespace) -> int:
    findings = _findings(options.file, options.plugin)
    for finding in findings:
        print(_line(finding, options.language))
    print(_summary(options.file, findings, options.language))
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _findings(file: str, plugins: Sequence[str]) -> Sequence[Finding]:
    try:
        return load_file(file, registry_for(file, plugins)).findings
    except DefinitionError as error:
        return error.findings


def _line(finding: Finding, language: str) -> str:
    mark = "" if finding.severity == "error" else say(_MARKS[finding.severity], language)
    where = f"{finding.path}: " if finding.path else ""
    place = f"{finding.file}:{finding.line}:{finding.column}"
    return f"{place}: {mark}{where}{say(finding.message, language)}"


_MARKS = {"warning": "warning: ", "note": "note: "}


def _summary(file: str, findings: Sequence[Finding], language: str) -> str:
    counts = Counter(finding.severity for finding in findings)
    said = message(
        "{file}: {errors} errors, {warnings} warnings, {notes} notes",
        file=file,
        errors=counts["error"],
        warnings=counts["warning"],
        notes=counts["note"],
    )
    return say(said, language)
