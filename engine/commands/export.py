"""``appmill export FILE FORM``: a view of a form as CSV or XLSX, as the list exports it."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from werkzeug.datastructures import MultiDict

from engine.application import Application
from engine.columns import columns_of
from engine.commands.run import application_arguments, opened
from engine.commands.transfer import acting_arguments, form_named, who
from engine.errors import Refused, message
from engine.exporting import csv_lines, write_xlsx
from engine.permissions import may
from engine.queries import ListQuery, parse_query


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("form", metavar="FORM", help="the name of the form")
    parser.add_argument("--view", metavar="NAME", help="a view of the form: its records, columns and order")
    parser.add_argument("--columns", metavar="A,B", help="these columns, by field name; all: every one there is")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD.OPERATOR=VALUE",
        help="a filter as in the address of a list, such as name.contains=ab; repeatable",
    )
    acting_arguments(parser)
    parser.add_argument("--format", choices=("csv", "xlsx"), help="default: by the name of --output, else csv")
    parser.add_argument("--output", metavar="FILE", help="where to write (default: the terminal, CSV only)")
    parser.add_argument("--language", choices=("en", "zh"), help="of headings and choices (default: the person's)")


def run(options: argparse.Namespace) -> int:
    kind = options.format or ("xlsx" if (options.output or "").lower().endswith(".xlsx") else "csv")
    if kind == "xlsx" and not options.output:
        raise Refused(message("A workbook needs a file to go to: add --output records.xlsx."))
    app = opened(options)
    try:
        return _export(app, options, kind)
    finally:
        app.database.close()


def _export(app: Application, options: argparse.Namespace, kind: str) -> int:
    actor, form = who(app, options), form_named(app, options.form)
    may(app, actor, "export", form).demand()
    columns = columns_of(app, actor, form)
    query = parse_query(app, actor, form, _args(options, list(columns)))
    reader = replace(actor, language=options.language or actor.language).reader(app.definition)
    if kind == "xlsx":
        with Path(options.output).open("wb") as file:
            write_xlsx(file, app, actor, reader, query, columns)
    else:
        _write_csv(csv_lines(app, actor, reader, query, columns), options.output)
    if options.output:
        print(f"{_plural(query, reader.language)}: written to {options.output}")
    return 0


def _args(options: argparse.Namespace, every: list[str]) -> MultiDict[str, str]:
    args: MultiDict[str, str] = MultiDict()
    if options.view:
        args["view"] = options.view
    if options.columns:
        args["columns"] = ",".join(every) if options.columns == "all" else options.columns
    for one in options.where:
        key, _, value = one.partition("=")
        args.add(f"where.{key}", value)
    return args


def _write_csv(lines: object, output: str | None) -> None:
    if output is None:
        for line in lines:  # type: ignore[attr-defined]
            sys.stdout.write(line.removeprefix("\ufeff").replace("\r\n", "\n"))
        return
    with Path(output).open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)  # type: ignore[arg-type]


def _plural(query: ListQuery, language: str) -> str:
    return (query.form.plural or query.form.label).text(language)
