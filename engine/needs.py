"""What expressions read of their own record, through the fields that are worked out of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.definition import Form
from engine.expressions import Compiled, compile_expression
from engine.registry import Registry


@dataclass(frozen=True)
class Needs:
    """What an expression reads of its own record: names of fields and system fields; ``clock``: also the time."""

    fields: frozenset[str]
    clock: bool = False

    def touched(self, changed: frozenset[str]) -> bool:
        return not self.fields.isdisjoint(changed)


def needs_of(compiled: Compiled, derived: Mapping[str, Needs]) -> Needs:
    """What an expression reads of ``record``; fields that are themselves worked out count as what they read."""
    names = {path[1] for path in compiled.paths if path[0] == "record" and len(path) > 1}
    within = [derived[name] for name in names if name in derived]
    fields = names.union(*(needs.fields for needs in within))
    return Needs(frozenset(fields), compiled.reads_time or any(needs.clock for needs in within))


def derived_needs(form: Form, registry: Registry) -> Mapping[str, Needs]:
    """For each computed or lookup field what it reads in the end, through other computed ones."""
    direct: dict[str, tuple[frozenset[str], bool]] = {}
    for name, field in form.fields.items():
        if field.type == "computed":
            compiled = compile_expression(field.value, registry)  # type: ignore[attr-defined]
            read = frozenset(path[1] for path in compiled.paths if path[0] == "record" and len(path) > 1)
            direct[name] = read, compiled.reads_time
        elif field.type == "lookup":
            direct[name] = frozenset({field.via}), False  # type: ignore[attr-defined]
    return {name: _closed(name, direct) for name in direct}


def _closed(name: str, direct: Mapping[str, tuple[frozenset[str], bool]]) -> Needs:
    found: set[str] = set()
    clock, waiting = False, [name]
    while waiting:
        read, timed = direct[waiting.pop()]
        clock = clock or timed
        waiting.extend(other for other in read if other in direct and other not in found)
        found |= read
    return Needs(frozenset(found), clock)
