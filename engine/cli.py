"""``appmill``: each command is a module of ``engine/commands`` with ``arguments(parser)`` and ``run(options)``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from engine.errors import AppmillError, DefinitionError

# command → (module, what it does). A module is imported only when its command is used: `appmill check` starts fast.
COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("engine.commands.check", "Check a definition file and list everything that is wrong with it."),
    "run": ("engine.commands.run", "Serve an application."),
    "user": ("engine.commands.user", "Add, list and change people."),
    "schema": ("engine.commands.schema", "Print the JSON Schema of definition files, or the reference."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 when all went well, 1 when Appmill said no, 2 for a wrong call."""
    argv = list(sys.argv[1:] if argv is None else argv)
    options = _parser(argv[0] if argv else None).parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show Chinese gets escapes
    try:
        code = int(import_module(COMMANDS[options.command][0]).run(options))
        sys.stdout.flush()
    except (AppmillError, DefinitionError) as refusal:
        print(refusal, file=sys.stderr)
        return 1
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="appmill", description="One YAML definition becomes a working application.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if name == chosen:
            import_module(module).arguments(command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
