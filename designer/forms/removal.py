"""Taking fields out of a form, with what only shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from designer.forms.steps import Steps, field_data, label_of
from designer.operations import Breaks
from designer.text import Edit, EditRefused, Remove
from designer.workspace import Workspace
from engine import uses
from engine.errors import Message, message
from engine.yamlfile import Path

_SHOWS = frozenset({"columns", "card", "sort", "totals", "fields", "ask", "leave_with", "unique"})


def remove_fields(workspace: Workspace, form: str, names: Sequence[str], force: bool) -> list[Edit]:
    """The edits. Raises Breaks with the places that need them, when not forced."""
    for name in names:
        field_data(workspace, form, name)
    if len(set(names)) == len(workspace.at(("forms", form, "fields")) or {}):
        raise EditRefused(message("A form has at least one field; remove the form instead."), ("forms", form, "fields"))
    paths = {("forms", form, "fields", name) for name in names}
    found = [one for name in names for one in _breaks(workspace, form, name) if not _is_inside(one.path, paths)]
    shown = _filled({one.path for one in found if _only_shows(workspace, form, one.path)}, workspace)
    needed = [one for one in found if one.path not in shown]
    if needed and not force:
        raise Breaks(_reason(workspace, form, names, len(needed)), [(one.path, one.sentence) for one in needed])
    listed = {one.path for one in needed if one.by is not None and _is_entry(workspace, one.path)}
    steps = Steps(workspace)
    for path in _from_the_end([*paths, *(shown | listed)]):
        steps.do(Remove(path, emptied=_takes_list_along(path, form)))
    return steps.edits


def _breaks(workspace: Workspace, form: str, name: str) -> tuple[uses.Break, ...]:
    thing = uses.Thing("field", (form, name))
    if workspace.definition is None or thing not in workspace.uses.things:
        return ()
    return uses.breaks(workspace.uses, thing)


def _is_inside(path: Path, paths: Iterable[Path]) -> bool:
    return any(path[: len(one)] == one for one in paths)


def _only_shows(workspace: Workspace, form: str, path: Path) -> bool:
    """Sections, views and rights of the form itself name a field without needing it."""
    if path[:2] != ("forms", form) or len(path) < 4:
        return False
    if path[2] == "sections":
        return path[-2:-1] == ("fields",)
    if path[2] == "views":
        return path[-2] in _SHOWS
    return path[2] == "permissions" and len(path) == 6


def _filled(shown: set[Path], workspace: Workspace) -> set[Path]:
    """Those that leave something in their list: a view without any column is none."""
    return {path for path in shown if path[2] != "views"
            or sum(other[:-1] == path[:-1] for other in shown) < len(workspace.at(path[:-1]))}  # fmt: skip


def _is_entry(workspace: Workspace, path: Path) -> bool:
    """Whether the name is an item of a list of names, which can go by itself."""
    return isinstance(path[-1], int) and isinstance(workspace.at(path), str) and bool({*path} & _SHOWS)


def _takes_list_along(path: Path, form: str) -> bool:
    """An empty section is a place to put fields; any other empty list or map says nothing."""
    return path[2:3] != ("sections",) and path[:3] != ("forms", form, "fields")


def _from_the_end(paths: Iterable[Path]) -> list[Path]:
    """Items of lists from the last to the first: none moves the place of another."""
    return sorted(set(paths), key=lambda path: [(isinstance(step, str), -step if isinstance(step, int) else 0)
                                                for step in path])  # fmt: skip


def _reason(workspace: Workspace, form: str, names: Sequence[str], count: int) -> Message:
    labels = tuple(label_of(workspace, form, name) for name in names)
    return message("{labels} is still used in {count} places.", labels=labels, count=count)

