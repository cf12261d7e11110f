"""A form as the canvas shows it: drawn from the text as it stands, mistakes and all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from designer.forms.layout import names_in, written_sections
from designer.forms.palette import type_name
from designer.forms.steps import form_data
from designer.naming import text_of
from designer.workspace import Workspace
from engine import uses
from engine.errors import Message
from engine.texts import say
from engine.web.boxes import WIDE
from engine.yamlfile import Path


@dataclass(frozen=True)
class CanvasField:
    """A field on the canvas. ``marks``: required, conditional, computed, readonly, unique, sensitive, new; ``columns``:
    the fields of the rows of a lines field."""

    name: str
    path: Path
    label: str
    type: str
    type_label: str
    icon: str
    wide: bool
    marks: tuple[str, ...]
    errors: tuple[str, ...]
    warnings: tuple[str, ...]
    uses: int
    lines_form: str = ""
    columns: tuple[CanvasField, ...] = ()


@dataclass(frozen=True)
class CanvasSection:
    """``index`` counts in the file; a form that says nothing of sections shows one, with index 0."""

    index: int
    path: Path
    label: str
    columns: int
    conditional: bool
    fields: tuple[CanvasField, ...]


@dataclass(frozen=True)
class CanvasTab:
    label: str
    named: bool
    sections: tuple[CanvasSection, ...]


@dataclass(frozen=True)
class Canvas:
    """``tray``: fields that stand on no section; ``written``: whether the file says anything of sections."""

    form: str
    label: str
    tabs: tuple[CanvasTab, ...]
    tray: tuple[CanvasField, ...]
    written: bool
    findings: tuple[str, ...]


def canvas_of(workspace: Workspace, form: str) -> Canvas:
    """Raises EditRefused when there is no such form."""
    data = form_data(workspace, form)
    painter = _Painter(workspace, form, data)
    sections = written_sections(data)
    shown = {name for section in sections for name in names_in(section)}
    label = text_of(data.get("label"), workspace.language) or form
    return Canvas(
        form=form,
        label=label,
        tabs=painter.tabs(sections or [{"fields": list(painter.fields)}], label),
        tray=tuple(painter.field(name) for name in painter.fields if sections and name not in shown),
        written=bool(sections),
        findings=tuple(painter.said(("forms", form), "error", below=False)),
    )


class _Painter:
    def __init__(self, workspace: Workspace, form: str, data: Mapping[str, Any]) -> None:
        self.workspace = workspace
        self.form = form
        self.fields: Mapping[str, Any] = data.get("fields") if isinstance(data.get("fields"), dict) else {}  # type: ignore[assignment]
        self.language = workspace.language

    def tabs(self, sections: list[Any], first: str) -> tuple[CanvasTab, ...]:
        found: dict[str, list[CanvasSection]] = {}
        for index, section in enumerate(sections):
            tab = section.get("tab") if isinstance(section, dict) else None
            found.setdefault(text_of(tab, self.language), []).append(self.section(index, section))
        return tuple(CanvasTab(label or first, bool(label), tuple(several)) for label, several in found.items())

    def section(self, index: int, section: Any) -> CanvasSection:
        data = section if isinstance(section, dict) else {}
        columns = data.get("columns", 2)
        return CanvasSection(
            index=index,
            path=("forms", self.form, "sections", index),
            label=text_of(data.get("label"), self.language),
            columns=columns if isinstance(columns, int) and 1 <= columns <= 4 else 2,
            conditional="visible_when" in data,
            fields=tuple(self.field(name) for name in names_in(section) if name in self.fields),
        )

    def field(self, name: str) -> CanvasField:
        return self._field(self.form, name, self.fields.get(name), inner=False)

    def _field(self, form: str, name: str, found: Any, *, inner: bool) -> CanvasField:
        data: Mapping[str, Any] = found if isinstance(found, dict) else {}
        path, type_ = ("forms", form, "fields", name), str(data.get("type", ""))
        cls = self.workspace.registry.fields.get(type_)
        rows = str(data.get("form", "")) if type_ == "lines" and not inner else ""
        return CanvasField(
            name=name,
            path=path,
            label=text_of(data.get("label"), self.language) or name.replace("_", " ").capitalize(),
            type=type_,
            type_label=type_name(type_, self.language) if type_ else "",
            icon=getattr(cls, "icon", "help-circle"),
            wide=type_ in WIDE if data.get("wide") is None else bool(data["wide"]),
            marks=tuple(self._marks(data, cls, path)),
            errors=tuple(self.said(path, "error")),
            warnings=tuple(self.said(path, "warning")),
            uses=self._uses(form, name),
            lines_form=rows,
            columns=self._columns(rows),
        )

    def _columns(self, rows: str) -> tuple[CanvasField, ...]:
        fields = self.workspace.at(("forms", rows, "fields")) if rows else None
        if not isinstance(fields, dict):
            return ()
        return tuple(self._field(rows, name, data, inner=True) for name, data in fields.items())

    def _marks(self, data: Mapping[str, Any], cls: Any, path: Path) -> Iterable[str]:
        if data.get("required"):
            yield "required"
        if data.keys() & {"visible_when", "required_when", "readonly_when"}:
            yield "conditional"
        if cls is not None and not cls.writable:
            yield "computed"
        yield from (name for name in ("readonly", "unique", "sensitive") if data.get(name))
        if self.workspace.is_new(path):
            yield "new"

    def said(self, path: Path, severity: str, *, below: bool = True) -> Iterable[str]:
        """The sentences of the findings at a path."""
        for finding in self.workspace.findings_at(path, below=below):
            if finding.severity == severity:
                yield _said(finding.message, self.language)

    def _uses(self, form: str, name: str) -> int:
        if self.workspace.definition is None:
            return 0
        found = self.workspace.uses.places.get(uses.Thing("field", (form, name)), ())
        return max(0, len(found) - 1)


def _said(sentence: Message | str, language: str) -> str:
    return say(sentence, language)
