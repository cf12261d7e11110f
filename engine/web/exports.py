"""The doors through which a list comes out as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, request

from engine.columns import Columns, columns_of
from engine.exporting import csv_lines, write_xlsx
from engine.permissions import may
from engine.queries import ListQuery, parse_query
from engine.web.context import actor, application, reader
from engine.web.render import plural
from engine.web.screens import form_named

blueprint = Blueprint("exports", __name__)


def _asked(form_name: str) -> tuple[ListQuery, Columns]:
    app, who, form = application(), actor(), form_named(form_name)
    may(app, who, "export", form).demand()
    return parse_query(app, who, form, request.args, also=("saved",)), columns_of(app, who, form)


def _named(response: Response, query: ListQuery, suffix: str) -> Response:
    day = application().clock().astimezone(reader().zone).date().isoformat()
    name = quote(f"{plural(query.form)} {day}.{suffix}")
    plain = f"{query.form.name}-{day}.{suffix}"
    response.headers["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{name}"
    return response


@blueprint.get("/<form_name>/export.csv")
def as_csv(form_name: str) -> Response:
    query, columns = _asked(form_name)
    lines = csv_lines(application(), actor(), reader(), query, columns)
    return _named(current_app.response_class(lines, content_type="text/csv; charset=utf-8"), query, "csv")


@blueprint.get("/<form_name>/export.xlsx")
def as_xlsx(form_name: str) -> Response:
    query, columns = _asked(form_name)
    app, who, person = application(), actor(), reader()
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer is sent
    try:
        write_xlsx(file, app, who, person, query, columns)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    answer = current_app.response_class(_pieces(file), content_type=kind)
    answer.call_on_close(file.close)
    return _named(answer, query, "xlsx")


def _pieces(file: Any) -> Iterator[bytes]:
    with file:
        while piece := file.read(65536):
            yield piece
