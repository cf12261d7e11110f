"""``appmill schema``: the JSON Schema of definition files, or the reference made of it."""

from __future__ import annotations

import argparse
import json
import sys

from engine.builtin import default_registry
from engine.load import app_schema


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reference", action="store_true", help="print the YAML reference (Markdown) instead")


def run(options: argparse.Namespace) -> int:
    registry = default_registry()
    if options.reference:
        from engine.reference import reference

        sys.stdout.write(reference(registry))
    else:
        sys.stdout.write(json.dumps(app_schema(registry), ensure_ascii=False, indent=1) + "\n")
    return 0
