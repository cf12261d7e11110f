"""``appmill commands``: every command with what it takes, as Markdown; docs/commands.md is its output."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator


def arguments(parser: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def run(_options: argparse.Namespace) -> int:
    from engine.cli import whole_parser

    sys.stdout.write(reference(whole_parser()))
    return 0


def reference(parser: argparse.ArgumentParser) -> str:
    """One section per command, with its arguments and options."""
    head = (
        "# Commands",
        "",
        "Exit codes: 0 all went well, 1 Appmill said no, 2 the call was wrong. This page is printed by"
        " `appmill commands`.",
        "",
    )
    return "\n".join([*head, *_sections(parser, 2)]).rstrip() + "\n"


def _sections(parser: argparse.ArgumentParser, level: int) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from (f"{'#' * level} {command.prog}", "", command.description or "", "")
                rows = [row for one in command._actions if (row := _row(one))]
                yield from ("| argument | meaning |", "|---|---|", *rows, "") if rows else ()
                yield from _sections(command, level + 1)


def _row(action: argparse.Action) -> str | None:
    if isinstance(action, argparse._HelpAction | argparse._SubParsersAction):
        return None
    choices = "/".join(map(str, action.choices)) if action.choices else ""
    value = "" if action.nargs == 0 else str(action.metavar or choices or action.dest.upper())
    names = [f"`{option} {value}`".replace(" `", "`") for option in action.option_strings]
    return f"| {', '.join(names) or f'`{value}`'} | {(action.help or '').replace('|', '/').replace('<', '&lt;')} |"
