"""``appmill``: each command is a module of ``engine/commands`` with ``arguments(parser)`` and ``run(options)``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version

from engine.errors import AppmillError, DefinitionError

# command → (module, what it does). A module is imported only when its command is used: `appmill check` starts fast.
COMMANDS: dict[str, tuple[str, str]] = {
    "check": ("engine.commands.check", "Check a definition file and list everything that is wrong with it."),
    "run": ("engine.commands.run", "Serve an application."),
    "work": ("engine.commands.work", "Deliver what rules leave to be done, beside servers on PostgreSQL."),
    "migrate": ("engine.commands.migrate", "Show what a changed definition does to the database, and do it."),
    "publish": ("engine.commands.publish", "Put a definition file in force as it is."),
    "history": ("engine.commands.history", "List what was ever in force, or print one of them."),
    "rollback": ("engine.commands.rollback", "Go back to a definition that was in force."),
    "export": ("engine.commands.export", "Write the records of a form as CSV or XLSX."),
    "export-events": ("engine.commands.export_events", "Write down everything that happened, for other tools."),
    "import": ("engine.commands.import_", "Bring a table in as records."),
    "backup": ("engine.commands.backup", "Keep everything as it is now in one archive, while servers go on."),
    "restore": ("engine.commands.restore", "Put a backup into an empty database, or in the place of another."),
    "seed": ("engine.commands.seed", "Make sample records."),
    "user": ("engine.commands.user", "Add, list and change people."),
    "secret": ("engine.commands.secret", "Set and list the secrets of connections."),
    "feed": ("engine.commands.feed", "List feeds, look now, take arrivals again, fill back."),
    "test": ("engine.commands.test", "Play the scenarios of a definition and tell which went otherwise."),
    "simulate": ("engine.commands.simulate", "Let time pass: which rules it wakes, or what people do meanwhile."),
    "check-data": ("engine.commands.check_data", "Look whether the records are as they must be."),
    "audit": ("engine.commands.audit", "Verify that what happened stands as it was sealed, and keep anchors of it."),
    "schema": ("engine.commands.schema", "Print the JSON Schema of definition files, or the reference."),
    "commands": ("engine.commands.commands", "Print what every command takes, as Markdown."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0 when all went well, 1 when Appmill said no, 2 for a wrong call."""
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv:
        _parser(None).print_help()
        return 0
    parser = _parser(argv[0] if argv else None)
    options, rest = parser.parse_known_args(argv)
    options.more = rest
    if rest and not hasattr(import_module(COMMANDS[options.command][0]), "more"):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
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
    except OSError as error:
        print(f"{error.filename or 'The system'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1
    except Exception as error:
        said = _database_trouble(error)
        if said is None:
            raise
        print(said, file=sys.stderr)
        return 1
    return code


def _database_trouble(error: Exception) -> str | None:
    """What a database that cannot be reached or written says; None for anything else, which is a defect."""
    database = sys.modules.get("sqlalchemy.exc")
    if database is None or not isinstance(error, database.OperationalError):
        return None
    return f"The database cannot be used: {str(getattr(error, 'orig', error)).strip()}"


def _parser(chosen: str | None, *, every: bool = False) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="appmill", description="One YAML definition becomes a working application.")
    parser.add_argument("--version", action="version", version=f"appmill {version('appmill')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text, description=text)
        if every or name == chosen:
            import_module(module).arguments(command)
    return parser


def whole_parser() -> argparse.ArgumentParser:
    """The parser with every command filled in, for the page that lists them."""
    return _parser(None, every=True)


if __name__ == "__main__":
    sys.exit(main())
