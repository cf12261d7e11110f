"""The panel of a place: its options as inputs, in groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from designer.difference.wording import option_of
from designer.naming import text_of
from designer.panel.inputs import GROUPS, Input, Item, Known, group_of, kind_of
from designer.panel.known import form_around, form_of, known_for, more_than_names, words
from designer.places import place_of
from designer.slots import Slot, is_thing, slot_at
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import Message, message
from engine.schema import Key, first_line, is_choice, kinds_of
from engine.texts import say
from engine.yamlfile import Path, dotted

DEEPEST = 2  # things inside things that are shown in place; deeper ones have a panel of their own


@dataclass(frozen=True)
class Panel:
    """``groups``: (name, inputs) with something in them. ``name``: the key the thing stands under, where it has one
    that people may change. ``types``: what it might be instead."""

    path: Path
    title: Message | str
    doc: str
    groups: tuple[tuple[str, tuple[Input, ...]], ...]
    name: str | None
    kind: str | None
    types: tuple[Known, ...]
    problems: tuple[Message, ...]
    yaml: str


def panel_of(workspace: Workspace, path: Path) -> Panel:
    """Raises EditRefused where nothing stands that has options."""
    slot = slot_at(workspace.data, path, workspace.registry)
    if slot is None or (path and workspace.at(path) is None):
        raise EditRefused(message("There is nothing at {path}.", path=dotted(path)), path)
    inputs = tuple(inputs_of(workspace, slot))
    grouped: dict[str, list[Input]] = defaultdict(list)
    for one in inputs:
        grouped[one.group].append(one)
    data = workspace.at(path)
    return Panel(
        path=path,
        title=place_of(workspace, path) if path else message("The application"),
        doc=first_line(slot.cls) if slot.cls is not None else "",
        groups=tuple((name, tuple(grouped[name])) for name in GROUPS if grouped[name]),
        name=_name(slot),
        kind=data.get("type") if isinstance(data, dict) and slot.base is not None else None,
        types=types_of(workspace, slot.base) if slot.base is not None else (),
        problems=problems_at(workspace, path),
        yaml=snippet(workspace, path),
    )


def inputs_of(workspace: Workspace, slot: Slot, depth: int = 0) -> Iterator[Input]:
    """One input for every option of a thing. A place that holds no thing but a list or map of them has one input."""
    data, around = workspace.at(slot.path), form_around(workspace, slot.path)
    if slot.cls is None:
        if slot.key is not None and slot.base is None:
            yield _input(workspace, slot.key, slot.path, data, slot.hint, around, depth, object)
        return
    for key in slot.keys:
        value = data.get(key.name) if isinstance(data, dict) else None
        form = form_of(workspace, key, data, around)
        yield _input(workspace, key, (*slot.path, key.name), value, key.hint, form, depth, slot.cls)


def _input(
    workspace: Workspace, key: Key, path: Path, value: Any, hint: Any, form: str | None, depth: int, owner: type
) -> Input:
    kind, more = _kind(workspace, path, value, hint, depth)
    base: dict[str, Any] = {
        "path": path, "name": str(path[-1]), "label": option_of(owner, str(path[-1])), "doc": key.doc, "kind": kind,
        "group": group_of(key, kind), "value": value, "default": key.default, "required": key.required,
        "limits": key.limits, "form": form, "problems": problems_at(workspace, path, below=kind not in _OPEN),
        "known": (*_known(workspace, path, hint, form), *more_than_names(owner, key, workspace.language)),
    }  # fmt: skip
    return Input(**{**base, **more})


# Lists of a few words whose order says something, chosen one after the other: the first language is the default.
ORDERED: Mapping[Path, Mapping[str, Message]] = {("languages",): {"zh": message("Chinese"), "en": message("English")}}
_OPEN = ("things", "thing")  # what is inside shows its own problems


def _known(workspace: Workspace, path: Path, hint: Any, form: str | None) -> tuple[Known, ...]:
    if path in ORDERED:
        return tuple(Known(name, say(label, workspace.language)) for name, label in ORDERED[path].items())
    inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
    if get_origin(hint) is Mapping:
        inner = get_args(hint)[0]
    options = get_args(inner) if type(inner).__name__ == "_LiteralGenericAlias" else ()
    if options:
        return tuple(Known(str(option), words(str(option))) for option in options)
    return known_for(workspace, inner, form)


def _kind(workspace: Workspace, path: Path, value: Any, hint: Any, depth: int) -> tuple[str, Mapping[str, Any]]:
    """The control, and what it needs beside the value."""
    if is_thing(hint):
        return _thing(workspace, path, value, hint, depth)
    args = get_args(hint)
    if get_origin(hint) is tuple and is_thing(args[0]):
        items = tuple(_items(workspace, path, enumerate(value if isinstance(value, list) else ())))
        return "things", {"items": items, "types": types_of(workspace, args[0])}
    if get_origin(hint) is Mapping and is_thing(args[1]):
        items = tuple(_items(workspace, path, (value if isinstance(value, dict) else {}).items()))
        kind = "named" if args[0] is str else "keyed"
        return kind, {"items": items, "types": types_of(workspace, args[1])}
    return "names" if path in ORDERED else kind_of(hint), {"anything": Any in (hint, *args[1:])}


def _thing(workspace: Workspace, path: Path, value: Any, hint: Any, depth: int) -> tuple[str, Mapping[str, Any]]:
    slot = slot_at(workspace.data, path, workspace.registry)
    inner = tuple(inputs_of(workspace, slot, depth + 1)) if slot and value is not None and depth < DEEPEST else ()
    return "thing", {"inner": inner, "types": types_of(workspace, hint)}


def _items(workspace: Workspace, path: Path, found: Any) -> Iterator[Item]:
    for step, data in found:
        label = data.get("label") if isinstance(data, dict) else None
        kind = data.get("type") if isinstance(data, dict) else None
        name = step if isinstance(step, str) else None
        yield Item((*path, step), name, text_of(label, workspace.language) or name or str(kind or step + 1), kind)


def types_of(workspace: Workspace, base: Any) -> tuple[Known, ...]:
    """What a thing of this base may be, by ``type``: the name and the first line of its docstring."""
    if not is_choice(base):
        return ()
    return tuple(Known(name, first_line(cls)) for name, cls in kinds_of(base, workspace.registry).items())


def _name(slot: Slot) -> str | None:
    """The key a thing stands under, where it is a name of its own."""
    if not slot.path or not isinstance(slot.path[-1], str) or slot.key is None:
        return None
    return slot.path[-1] if get_origin(slot.key.hint) is Mapping and slot.path[-1] != slot.key.name else None


def problems_at(workspace: Workspace, path: Path, below: bool = False) -> tuple[Message, ...]:
    """What the check says about a place, and about what stands in it."""
    found = workspace.findings_at(path, below=below)
    return tuple(finding.message for finding in found if finding.severity != "note")


def snippet(workspace: Workspace, path: Path) -> str:
    """The text of a thing, moved to the left edge."""
    if not path:
        return ""
    node = workspace.document.find(path)
    text = workspace.text[node.start : node.end]
    first, *rest = text.split("\n")
    pad = " " * node.column
    return "\n".join([first, *(line.removeprefix(pad) for line in rest)])
