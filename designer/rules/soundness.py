"""What an operation on a rule would break is refused before it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from designer.operations import Breaks
from designer.text import Edit, EditRefused, apply
from designer.workspace import Workspace
from engine.errors import Finding, message
from engine.load import examine
from engine.yamlfile import Path

MOST = 20


def sound(workspace: Workspace, edits: Sequence[Edit], force: bool | None = None) -> Sequence[Edit]:
    """The edits, if they bring no new mistake into the file. Raises EditRefused; where people may insist (``force`` is
    no or yes) Breaks, with all that would be wrong."""
    if force or not edits:
        return edits
    text = apply(workspace.document, edits).text
    _definition, _source, findings = examine(text, workspace.registry, "")
    known = Counter(_said(finding) for finding in workspace.findings if finding.severity == "error")
    fresh = [finding for finding in findings if finding.severity == "error" and not _known(finding, known)]
    if fresh:
        reason = message("Then the rules would not fit any more: {reason}", reason=fresh[0].message)
        if force is None:
            raise EditRefused(reason, path_of(fresh[0].path))
        raise Breaks(reason, [(path_of(finding.path), finding.message) for finding in fresh[:MOST]])
    return edits


def _known(finding: Finding, known: Counter[str]) -> bool:
    said = _said(finding)
    known[said] -= 1
    return known[said] >= 0


def _said(finding: Finding) -> str:
    return str(finding.message)


def path_of(dotted: str) -> Path:
    """The path a finding names: ``rules.x.actions.0.when``."""
    return tuple(int(step) if step.isdigit() else step for step in dotted.split(".") if step)
