"""What may come next while an expression is typed: names found by what they are called in the file or by people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from designer.conditions.offers import Term, option_label, part_label, term_of, terms
from designer.workspace import Workspace
from engine.definition import AppDefinition
from engine.expressions import Kind, Scope, signatures
from engine.expressions.kinds import attribute_kind, attribute_names
from engine.registry import Registry
from engine.storage.tokens import spelled
from engine.texts import say

MOST = 20
_TYPED = re.compile(r"[^\W\d][\w.]*$|$")
_LOOP = re.compile(r"\bfor\s+(\w+)\s+in\s+([\w.]+)")
_QUOTED = r"""(?:'[^']*'|"[^"]*")"""
_IN_TEXT = re.compile(
    rf"""([A-Za-z_][\w.]*)\s*(?:==|!=|(?:not\s+)?in)\s*(?:[\[(]\s*)?(?:{_QUOTED}\s*,\s*)*(['"])([^'"]*)$"""
)


@dataclass(frozen=True)
class Completion:
    """``insert`` replaces what stands from ``start`` to the cursor. ``kind``: field, name, function or option."""

    insert: str
    label: str
    kind: str
    doc: str
    start: int


def completions(workspace: Workspace, scope: Scope, text: str, position: int) -> list[Completion]:
    """The best first, at most MOST; ``position`` counts characters."""
    before = text[:position]
    in_text = _IN_TEXT.search(before)
    if in_text is not None:
        return list(_options(in_text, scope, workspace.language))[:MOST]
    if before.count("'") % 2 or before.count('"') % 2:
        return []
    found = _TYPED.search(before)
    typed = found[0] if found else ""
    start = position - len(typed)
    loops = _loops(text, scope)
    if "." in typed:
        offered = _members(typed, start, scope, loops, workspace.language)
    else:
        offered = _names(typed, start, scope, loops, workspace)
    return list(offered)[:MOST]


def _loops(text: str, scope: Scope) -> dict[str, Kind]:
    """The names of loops, also behind the cursor: ``sum(line. for line in record.lines)``."""
    found: dict[str, Kind] = {}
    for name, over in _LOOP.findall(text):
        kind = _kind(over, scope, found)
        if kind is not None and kind.name in ("records", "users"):
            found[name] = Kind("record", kind.form) if kind.name == "records" else Kind("user")
    return found


def _kind(path: str, scope: Scope, loops: dict[str, Kind]) -> Kind | None:
    first, *rest = path.split(".")
    kind = loops.get(first) or scope.kind(first)
    for name in rest:
        kind = attribute_kind(kind, name, scope.definition) if kind is not None else None
    return kind


def _options(found: re.Match[str], scope: Scope, language: str) -> Iterator[Completion]:
    """The options of the choice, the states or the roles something is compared with."""
    path, quote, typed = found[1], found[2], found[3]
    kind = _kind(path, scope, {}) or Kind("any")
    start = found.end(3) - len(typed)
    for name in kind.options or ():
        label = option_label(kind, name, scope.definition, language)
        if _fits(typed, name, label):
            yield Completion(name + quote, label, "option", name, start)


def _members(typed: str, start: int, scope: Scope, loops: dict[str, Kind], language: str) -> Iterator[Completion]:
    path, _, part = typed.rpartition(".")
    kind = _kind(path, scope, loops)
    if kind is None:
        return
    if kind.name == "records":
        yield from _folds(path, kind, part, start, scope.definition, language)
        return
    called = ((name, part_label(kind, name, scope.definition, language)) for name in _parts(kind, scope))
    for name, label in _sorted(part, called):
        yield Completion(f"{path}.{name}", label, "field", _word(kind, name, scope), start)


def _parts(kind: Kind, scope: Scope) -> tuple[str, ...]:
    try:
        return attribute_names(kind, scope.definition)
    except KeyError:
        return ()


def _word(kind: Kind, name: str, scope: Scope) -> str:
    found = attribute_kind(kind, name, scope.definition)
    return found.name if found else ""


def _folds(
    path: str, kind: Kind, part: str, start: int, definition: AppDefinition, language: str
) -> Iterator[Completion]:
    """Of lines only a figure over all of them can be had."""
    form = definition.forms.get(kind.form or "")
    for name, field in form.fields.items() if form is not None else ():
        label = field.label_in(language)
        if _fits(part, name, label):
            fold = "sum" if field.kind in ("number", "duration") else "any"
            yield Completion(f"{fold}(line.{name} for line in {path})", f"{fold}: {label}", "function", path, start)


def _names(
    typed: str, start: int, scope: Scope, loops: dict[str, Kind], workspace: Workspace
) -> Iterator[Completion]:
    for name in (*loops, *scope.known):
        if name.startswith(typed):
            yield Completion(name, _root(name, scope, workspace.language), "name", "", start)
    if typed:
        yield from _fields(typed, start, terms(scope, workspace.language))
    yield from _functions(typed, start, workspace.registry, workspace.language)


def _root(name: str, scope: Scope, language: str) -> str:
    return term_of(name, scope, language).label if scope.kind(name) else name


def _fields(typed: str, start: int, offered: Iterable[Term]) -> Iterator[Completion]:
    """Fields by their label, pinyin or name, without ``record.`` before it; those of the record itself first."""
    known = [term for term in offered if "." in term.path]
    for term in sorted(known, key=lambda term: term.path.count(".")):
        if _fits(typed, term.path.rpartition(".")[2], term.label):
            yield Completion(term.path, term.label, "field", term.kind.name, start)


def _functions(typed: str, start: int, registry: Registry, language: str) -> Iterator[Completion]:
    for name, signature in sorted(signatures(registry).items()):
        if name.startswith(typed):
            insert = f"{name}()" if not signature.parameters and not signature.variadic else f"{name}("
            yield Completion(insert, signature.usage, "function", say(signature.text, language), start)


def _fits(typed: str, name: str, label: str) -> bool:
    wanted = typed.lower()
    if not wanted or wanted in name.lower() or wanted in label.lower():
        return True
    return wanted.isascii() and not label.isascii() and any(part.startswith(wanted) for part in spelled(label))


def _sorted(part: str, named: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What fits, names that begin with it first."""
    found = [one for one in named if _fits(part, *one)]
    return sorted(found, key=lambda one: not one[0].startswith(part))
