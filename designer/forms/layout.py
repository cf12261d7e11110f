"""Where fields stand on a form: in sections, or, while none are written, in the order of ``fields``."""

from __future__ import annotations

from typing import Any

from designer.forms.steps import Steps, form_data
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.yamlfile import Path

LAST = 1_000_000


def written_sections(data: Any) -> list[Any]:
    """The sections as the file has them; [] where it has none."""
    found = data.get("sections") if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def names_in(section: Any) -> list[str]:
    """The fields of a section as the file has it."""
    found = section.get("fields") if isinstance(section, dict) else None
    return [name for name in found if isinstance(name, str)] if isinstance(found, list) else []


class Layout:
    """The sections of one form while an operation changes them. Section -1 is none: a field that is not shown."""

    def __init__(self, steps: Steps, form: str) -> None:
        self.steps = steps
        self.form = form
        self.path: Path = ("forms", form)
        form_data(steps.workspace, form)

    @property
    def sections(self) -> list[Any]:
        return written_sections(self.steps.at(self.path))

    @property
    def fields(self) -> list[str]:
        return list(self.steps.at((*self.path, "fields")) or {})

    @property
    def is_written(self) -> bool:
        return bool(self.sections)

    def write(self) -> None:
        """Write the sections down, so that they can be changed: one with all fields, as it was without."""
        if not self.is_written:
            self.steps.set((*self.path, "sections"), [{"fields": self.fields}])

    def section(self, index: int) -> Path:
        """The path of a section, which is written then. Raises EditRefused when there is none."""
        self.write()
        if not 0 <= index < len(self.sections):
            raise EditRefused(message("The form has no section {number}.", number=index + 1))
        return (*self.path, "sections", index)

    def place_of(self, name: str) -> tuple[int, int] | None:
        """(section, position) of a field; None where it is not shown."""
        if not self.is_written:
            return (0, self.fields.index(name)) if name in self.fields else None
        for index, section in enumerate(self.sections):
            if name in names_in(section):
                return index, names_in(section).index(name)
        return None

    def put(self, name: str, section: int, at: int) -> None:
        """Show a field, which may stand nowhere yet, in a section."""
        if section < 0:
            return
        path = self.section(section)
        if not isinstance(self.steps.at((*path, "fields")), list):
            self.steps.set((*path, "fields"), [])
        self.steps.insert((*path, "fields"), min(at, len(names_in(self.steps.at(path)))), name)

    def take(self, name: str) -> None:
        """Show a field nowhere."""
        while (place := self.place_of(name)) is not None:
            self.write()
            self.steps.remove((*self.path, "sections", place[0], "fields", place[1]))

    def move(self, name: str, section: int, at: int) -> None:
        """Show a field elsewhere; ``at`` counts among the fields of the section without it."""
        place = self.place_of(name)
        if not self.is_written and section == 0:
            self.steps.move((*self.path, "fields", name), (*self.path, "fields"), at)
        elif place is None:
            self.put(name, section, at)
        elif section < 0:
            self.take(name)
        else:
            target = (*self.section(section), "fields")
            if not isinstance(self.steps.at(target), list):
                self.steps.set(target, [])
            here = (*self.path, "sections", place[0], "fields", place[1])
            self.steps.move(here, target, min(at, len(self.steps.at(target))))

    def neighbour(self, section: int, at: int) -> str | None:
        """The field a new one at this place stands behind; "" in front of all, None at the end."""
        names = names_in(self.sections[section]) if self.is_written and 0 <= section < len(self.sections) else None
        if names is None:
            return _before(self.fields, at) if not self.is_written else None
        before = _before([name for name in names if name in self.fields], at)
        return before or None


def _before(names: list[str], at: int) -> str | None:
    if at >= len(names):
        return names[-1] if names else None
    return names[at - 1] if at > 0 else ""


def shown_names(workspace: Workspace, form: str) -> list[str]:
    """The fields that stand on the form, in reading order."""
    data = form_data(workspace, form)
    sections = written_sections(data)
    if not sections:
        return list(data.get("fields") or {})
    return [name for section in sections for name in names_in(section)]
