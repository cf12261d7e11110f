"""Operations on the sections and tabs of a form; they are written down when the first is made."""

from __future__ import annotations

from typing import Any

from designer.forms.layout import LAST, Layout, names_in
from designer.forms.starters import text_in
from designer.forms.steps import Steps, languages
from designer.naming import label_value, labelled, text_of
from designer.operations import Made, operation
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.yamlfile import Path


@operation("section.add")
def add(
    workspace: Workspace, form: str, at: int = LAST, label: str = "", fields: tuple[str, ...] = (), tab: str = "",
) -> Made:  # fmt: skip
    """A new section, with these fields in it, behind the others or at a place among them."""
    steps = Steps(workspace)
    layout = Layout(steps, form)
    layout.write()
    at = min(at, len(layout.sections))
    texts = {workspace.language: label} if label.strip() else text_in(workspace, message("New section").pattern)
    section: dict[str, Any] = {"label": _new(layout, texts), "fields": []}
    if tab or (at and _tab(layout.sections[at - 1])):
        section["tab"] = _new(layout, {workspace.language: tab}) if tab else layout.sections[at - 1]["tab"]
    steps.insert(_all(form), at, section)
    for position, name in enumerate(fields):
        layout.move(name, at, position)
    said = message("{label} is added", label=text_of(section["label"], workspace.language))
    return Made(steps.edits, said, (*_all(form), at))


def _all(form: str) -> Path:
    return ("forms", form, "sections")


def _tab(section: Any) -> Any:
    return section.get("tab") if isinstance(section, dict) else None


def _new(layout: Layout, texts: dict[str, str]) -> Any:
    """A label as the other headings of the form have it, or its fields."""
    siblings = [one["label"] for one in layout.sections if isinstance(one, dict) and "label" in one]
    fields = (layout.steps.at((*layout.path, "fields")) or {}).values()
    siblings = siblings or [one["label"] for one in fields if isinstance(one, dict) and "label" in one]
    return label_value(texts, siblings, languages(layout.steps.workspace)) or next(iter(texts.values()))


def _made(layout: Layout, section: int, done: str) -> Made:
    """``done``: a pattern with {label}."""
    found = layout.sections[section] if section < len(layout.sections) else {}
    name = text_of(found.get("label"), layout.steps.workspace.language) if isinstance(found, dict) else ""
    label = name or message("Section {number}", number=section + 1)
    return Made(layout.steps.edits, message(done, label=label), (*_all(layout.form), section))


@operation("section.rename")
def rename(workspace: Workspace, form: str, section: int, text: str, language: str = "") -> Made:
    """Its heading in one language; without a text it has none."""
    layout = Layout(Steps(workspace), form)
    path = (*layout.section(section), "label")
    language, current = language or workspace.language, layout.steps.at(path)
    value = labelled(current, language, text.strip(), _labels(layout), languages(workspace)) if text.strip() else None
    layout.steps.set(path, value)
    return _made(layout, section, message("The heading is now {label}").pattern)


def _labels(layout: Layout) -> list[Any]:
    found = [one["label"] for one in layout.sections if isinstance(one, dict) and "label" in one]
    fields = (layout.steps.at((*layout.path, "fields")) or {}).values()
    return found or [one["label"] for one in fields if isinstance(one, dict) and "label" in one]


@operation("section.move")
def move(workspace: Workspace, form: str, section: int, to: int) -> Made:
    layout = Layout(Steps(workspace), form)
    path = layout.section(section)
    to = max(0, min(to, len(layout.sections) - 1))
    layout.steps.move(path, _all(form), to)
    return _made(layout, to, message("{label} is moved").pattern)


@operation("section.remove")
def remove(workspace: Workspace, form: str, section: int) -> Made:
    """Its fields go to the section before it, or behind it; without another one the form needs no sections."""
    layout = Layout(Steps(workspace), form)
    path = layout.section(section)
    names = names_in(layout.steps.at(path))
    if len(layout.sections) == 1:
        return _unlaid(workspace, layout)
    target, front = (section - 1, LAST) if section else (1, 0)
    for offset, name in enumerate(names):
        layout.move(name, target, front + offset if front < LAST else LAST)
    made = _made(layout, section, message("{label} is removed").pattern)
    layout.steps.remove(path)
    return Made(layout.steps.edits, made.label, (*_all(form), max(0, section - 1)))


def _unlaid(workspace: Workspace, layout: Layout) -> Made:
    if not workspace.at(_all(layout.form)):
        raise EditRefused(message("A form has at least one section."), _all(layout.form))
    layout.steps.remove(_all(layout.form))
    return Made(layout.steps.edits, message("The sections are removed"), layout.path)


@operation("section.columns")
def columns(workspace: Workspace, form: str, section: int, count: int) -> Made:
    if not 1 <= count <= 4:
        raise EditRefused(message("A section has 1 to 4 columns."))
    layout = Layout(Steps(workspace), form)
    layout.steps.set((*layout.section(section), "columns"), count)
    return _made(layout, section, message("The columns of {label} are changed").pattern)


@operation("section.tab")
def tab(workspace: Workspace, form: str, section: int, text: str) -> Made:
    """The tab it stands on; without a text it stands on the first one."""
    layout = Layout(Steps(workspace), form)
    path = layout.section(section)
    same = next((_tab(one) for one in layout.sections if text_of(_tab(one), workspace.language) == text.strip()), None)
    value = (same or _new(layout, {workspace.language: text.strip()})) if text.strip() else None
    layout.steps.set((*path, "tab"), value)
    return _made(layout, section, message("The tab of {label} is changed").pattern)


@operation("tab.rename")
def rename_tab(workspace: Workspace, form: str, tab: str, text: str, language: str = "") -> Made:
    """Another name for a tab, in all its sections."""
    layout = Layout(Steps(workspace), form)
    language = language or workspace.language
    if not text.strip():
        raise EditRefused(message("A tab needs a name that people can read."))
    for index, section in enumerate(layout.sections):
        if _tab(section) is not None and text_of(_tab(section), language) == tab:
            value = labelled(_tab(section), language, text.strip(), _labels(layout), languages(workspace))
            layout.steps.set((*layout.section(index), "tab"), value)
    said = message("{old} is now called {new}", old=tab, new=text.strip())
    return Made(layout.steps.edits, said, layout.path)
