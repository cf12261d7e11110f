"""``appmill restore ARCHIVE --database URL``: a backup into an empty database, or in the place of another."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from engine.commands.backup_progress import Progress
from engine.commands.run import database_url


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("archive", metavar="ARCHIVE", type=Path, help="what appmill backup made")
    parser.add_argument(
        "--database", metavar="URL", type=database_url, required=True,
        help="an empty one: sqlite:///file or postgresql://…, whichever it was made from",
    )  # fmt: skip
    parser.add_argument(
        "--files", metavar="FOLDER", type=Path,
        help="where attachments go (default: files beside the SQLite database, else beside the definition)",
    )  # fmt: skip
    parser.add_argument("--definition", metavar="FILE", type=Path, help="write the definition that was in force there")
    parser.add_argument("--replace", action="store_true", help="put it in the place of what is in the database")
    parser.add_argument("--without-key", action="store_true", help="although its secrets cannot be read here")
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help="a plugin the definition needs")
    parser.add_argument("--quiet", action="store_true", help="say only what it came to")


def run(options: argparse.Namespace) -> int:
    from engine.application import utc_now
    from engine.backups.container import reading
    from engine.backups.restoring import keep_definition, refuse_definition, restore, where_files_go
    from engine.backups.verifying import definition_of, manifest_of
    from engine.extensions import registry_for
    from engine.secrets import KEY, read_keys
    from engine.storage.files import FileStore

    folder = options.files or where_files_go(options.database, options.definition)
    if options.definition is not None:
        with reading(options.archive) as source:
            refuse_definition(definition_of(source, manifest_of(source)), options.definition, options.replace)
    keys = None if options.without_key else read_keys(os.environ.get(KEY, ""))
    registry = registry_for(options.definition or Path("definition.yaml"), options.plugin)
    with Progress(options.quiet) as told:
        done = restore(
            options.archive, options.database, FileStore(folder), registry, keys=keys, replaces=options.replace,
            told=told,
        )  # fmt: skip
    if options.definition is not None:
        keep_definition(done.definition, options.definition, replaces=options.replace, moment=utc_now())
    manifest = done.manifest
    print(
        f"{manifest.rows} rows of {len(manifest.tables)} tables and {len(manifest.files)} files are there as of"
        f" {manifest.at:%Y-%m-%d %H:%M:%S} UTC ({done.files} files were new to {folder})."
    )
    if done.waiting:
        print(f"{done.waiting} messages wait: whoever serves this database delivers them, as the original does.")
    return 0
