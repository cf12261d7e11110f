"""An edit that would bring a mistake into the file that was not there is refused before it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

from designer.operations import Breaks
from designer.text import Edit, EditRefused, edited
from designer.workspace import Workspace
from engine.errors import Finding, message
from engine.load import examine_source
from engine.yamlfile import Path

MOST = 20


def sound(workspace: Workspace, edits: Sequence[Edit], force: bool | None = None) -> Sequence[Edit]:
    """The edits, if they bring no new mistake into the file. Raises EditRefused; where people may insist (``force`` is
    no or yes) Breaks, with all that would be wrong."""
    if force or not edits:
        return edits
    fresh = fresh_mistakes(workspace, reduce(edited, edits, workspace.data))
    if fresh:
        reason = message("Then the rules would not fit any more: {reason}", reason=fresh[0].message)
        if force is None:
            raise EditRefused(reason, path_of(fresh[0].path))
        raise Breaks(reason, [(path_of(finding.path), finding.message) for finding in fresh[:MOST]])
    return edits


def fresh_mistakes(workspace: Workspace, data: Any) -> list[Finding]:
    """The mistakes of the file with other data that it does not have now. They are told apart by what they say: places
    move when something is taken out of a list."""
    known = Counter(str(finding.message) for finding in workspace.findings if finding.severity == "error")
    source = replace(workspace.source, data=data, findings=())
    _definition, findings = examine_source(source, workspace.registry, "")
    return [finding for finding in findings if finding.severity == "error" and not _taken(finding, known)]


def _taken(finding: Finding, known: Counter[str]) -> bool:
    """Whether it is one of those that are known, each of which stands for one."""
    known[str(finding.message)] -= 1
    return known[str(finding.message)] >= 0


def path_of(dotted: str) -> Path:
    """The path a finding names: ``rules.x.actions.0.when``."""
    return tuple(int(step) if step.isdigit() else step for step in dotted.split(".") if step)
