"""``appmill check FILE``: everything that is wrong with a definition, in one run."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

from engine.builtin import default_registry
from engine.errors import DefinitionError, Finding
from engine.load import load_file


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the definition file, such as apps/order_hub.yaml")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of the messages")


def run(options: argparse.Namespace) -> int:
    findings = _findings(options.file)
    for finding in findings:
        print(finding)
    print(_summary(options.file, findings))
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def _findings(file: str) -> Sequence[Finding]:
    try:
        return load_file(file, default_registry()).findings
    except DefinitionError as error:
        return error.findings


def _summary(file: str, findings: Sequence[Finding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    return f"{file}: {counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes"
