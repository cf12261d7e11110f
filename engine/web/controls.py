"""The controls of a form's boxes: what each widget needs beside its value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import current_app
from markupsafe import Markup

from engine.expressions import View
from engine.fields.base import Field
from engine.fields.relations import POINTING
from engine.web.boxes import Box, Sheet
from engine.web.context import actor, application, reader
from engine.web.options import offered
from engine.web.render import templates
from engine.web.widgets import State, Widgets

OFFERED_AT_ONCE = 20  # what a select without a script offers
MOST_CELLS = 200  # links in tables beyond this offer nothing before somebody searches


def widgets() -> Widgets:
    """The site's widgets in the reader's language, made when they are first needed."""
    made: dict[str, Widgets] = current_app.extensions.setdefault("appmill.widgets", {})
    language = reader().language
    found = made.get(language)
    if found is None:
        found = made[language] = Widgets(templates(), lambda: application().definition.roles.values())
    return found


class Controls:
    """Draws the controls of one page. ``files``: what is known of every file in its values, by id."""

    def __init__(self, conn: sa.Connection) -> None:
        self.conn = conn
        self.files: Mapping[int, Mapping[str, Any]] = {}
        self.sheet: Sheet | None = None
        self._offers: dict[tuple[str, str], Sequence[tuple[int, str]]] = {}
        self._cells = 0

    def draw(self, box: Box) -> Markup:
        field = box.field
        value = box.raw if box.raw is not None else "" if box.concealed else field.text(box.value, reader())
        return widgets().edit(field, value, box.path, reader(), self.state(box))

    def state(self, box: Box) -> State:
        compact = "." in box.path
        pointing = box.field.kind in POINTING
        return State(
            id=box.html_id,
            required=box.required,
            readonly=box.locked,
            invalid=bool(box.problems),
            compact=compact,
            described_by=" ".join(self._described(box)),
            label=box.label,
            titles=box.extra or {} if pointing else {},
            files=tuple(self.files.values()) if box.field.kind == "files" else (),
            options=self._offer(box, compact) if pointing else (),
            options_url=self.options_url(box) if pointing else "",
            form=box.form,
        )

    def _described(self, box: Box) -> list[str]:
        ids = [f"{box.html_id}-error"] if box.problems else []
        return [*ids, f"{box.html_id}-help"] if box.help and "." not in box.path else ids

    def _offer(self, box: Box, compact: bool) -> Sequence[tuple[int, str]]:
        if compact:
            self._cells += 1
            if self._cells > MOST_CELLS:
                return ()
        key = (box.form, box.name)
        if key not in self._offers:
            source = box.view if isinstance(box.view, View) else None
            self._offers[key] = offered(self.conn, application(), actor(), box.field, "", source, OFFERED_AT_ONCE)
        return self._offers[key]

    def options_url(self, box: Box) -> str:
        """Where the widget searches; with the values the field's condition reads of the record being filled in."""
        query: dict[str, Any] = {}
        record_id = self.sheet.view.id if self.sheet else None
        if record_id:
            query["id"] = record_id
        for name in sources(box.field):
            value = self._source_text(box, name)
            query[f"source.{name}"] = value
        address = f"/{box.form}/options/{box.name}"
        return f"{address}?{urlencode(query)}" if query else address

    def moving_options(self, sheet: Sheet) -> dict[str, str]:
        """path → where to search, for the link fields whose condition reads what is typed."""
        self.sheet = sheet
        fields = [one for one in sheet.form.fields.values() if one.kind in POINTING and sources(one)]
        raw = sheet.typed.raw
        return {one.name: self.options_url(sheet.box(sheet.form, one, sheet.view, one.name, raw)) for one in fields}

    def _source_text(self, box: Box, name: str) -> str:
        if box.view is None or self.sheet is None or name not in box.view.form.fields:
            return ""
        field = box.view.form.fields[name]
        return str(field.text(self.sheet.value(box.view, field), reader()))


def sources(field: Field) -> list[str]:
    """The fields of the record being filled in that the condition of a link reads."""
    where = getattr(field, "where", None)
    if not where:
        return []
    paths = application().plans.compile(where).paths
    return sorted({path[1] for path in paths if path[0] == "source" and len(path) > 1})
