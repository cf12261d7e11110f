"""What would not load or not work any more if a thing were deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import Finding, Message
from engine.load import examine_source
from engine.uses.index import Use, Uses
from engine.uses.things import Thing
from engine.yamlfile import Path, dotted


@dataclass(frozen=True)
class Break:
    """A place that needs what is deleted: where it stands, and why, for people.

    ``start`` and ``end`` as in ``Use``. ``by``: the thing whose name stands there, the deleted one or one inside it;
    None for what follows from its absence, such as a state nothing leads to any more.
    """

    path: Path
    start: int
    end: int
    by: Thing | None
    sentence: Message
    sure: bool = True


def breaks(uses: Uses, thing: Thing) -> tuple[Break, ...]:
    """Everything that breaks without the thing, in file order. KeyError for what the file does not define."""
    gone = uses.things[thing].path
    found = list(_uses(uses, gone))
    found += _consequences(uses, gone, {one.path for one in found})
    return tuple(sorted(found, key=lambda one: (uses.source.value_at(one.path).start, one.start)))


def _uses(uses: Uses, gone: Path) -> Iterator[Break]:
    """Whatever names the thing or something inside it, from outside."""
    seen: set[tuple[Path, int]] = set()
    for inner in (thing for thing, defined in uses.things.items() if _is_in(defined.path, gone)):
        for use in uses.of(inner):
            if not _is_in(use.path, gone) and (use.path, use.start) not in seen:
                seen.add((use.path, use.start))
                yield _break(use, inner)


def _is_in(path: Path, around: Path) -> bool:
    return path[: len(around)] == around


def _break(use: Use, thing: Thing) -> Break:
    return Break(use.path, use.start, use.end, thing, use.sentence, use.sure)


def _consequences(uses: Uses, gone: Path, told: set[Path]) -> Iterator[Break]:
    """What the checks say of the definition without the thing, beyond the names that stand somewhere."""
    source = replace(uses.source, data=without(uses.source.data, gone), findings=())
    _definition, findings = examine_source(source, uses.review.registry, "")
    before = {(finding.path, str(finding.message)) for finding in uses.findings}
    places = {dotted(path[:length]) for path in told for length in range(len(path) + 1)}
    paths = {dotted(path): path for path in (*source.keys, *source.values)}
    for finding in findings:
        known = (finding.path, str(finding.message)) in before or finding.path in places
        if finding.severity == "error" and not known:
            yield Break(_path(finding, paths), 0, 0, None, finding.message)


def _path(finding: Finding, paths: dict[str, Path]) -> Path:
    return paths.get(finding.path, ())


def without(data: Any, path: Path) -> Any:
    """Plain data without what stands at a path; the data itself stays as it is."""
    step, *rest = path
    if rest:
        return _put(data, step, without(data[step], tuple(rest)))
    return {name: item for name, item in data.items() if name != step}


def _put(data: Any, step: str | int, value: Any) -> Any:
    copy: Any = {**data} if isinstance(data, dict) else list(data)
    copy[step] = value
    return copy
