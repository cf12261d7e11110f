"""Random edits of real files: whatever they change is said, and nothing else is."""

import os
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reading import hub_registry
from test_random_edits import drawn_edit

from designer.difference import differences, side_by_side
from designer.text import Document, EditRefused, apply
from engine.definition import FieldGrant
from engine.load import Loaded, examine
from engine.texts import say

ROOT = Path(__file__).parents[2]
REGISTRY = hub_registry()
RUNS = 300 if os.environ.get("DESIGNER") == "full" else 8
FILES = [path.read_text(encoding="utf-8") for path in (
    ROOT / "apps/order_hub.yaml", ROOT / "tests/designer/difference_base.yaml",
)]  # fmt: skip
SLOW = settings(max_examples=RUNS, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck),
                database=None)  # fmt: skip


@cache
def bases():
    return [Loaded(*examine(text, REGISTRY)) for text in FILES]


def test_a_definition_does_not_differ_from_itself():
    for base in bases():
        again = Loaded(*examine(base.source.text, REGISTRY))
        assert differences(base, again, REGISTRY) == []


@SLOW
@given(st.data())
def test_every_random_edit_is_said(data):
    at = data.draw(st.sampled_from([0, 1, 1, 1]))
    base, document = bases()[at], Document.read(FILES[at])
    for _ in range(data.draw(st.integers(1, 3))):
        with suppress(EditRefused):
            document = apply(document, [drawn_edit(data.draw, document)]).document
    definition, source, findings = examine(document.text, REGISTRY)
    if definition is None:
        return
    found = differences(base, Loaded(definition, source, findings), REGISTRY)
    assert bool(found) == (document.text != base.source.text)
    assert all(say(one.sentence, language) for one in found for language in ("zh", "en"))
    if [one.area for one in found] == ["text"]:
        assert meaning(definition) == meaning(base.definition)
    rows = side_by_side(base.source.text, document.text)
    assert bool(rows) == (document.text.splitlines() != base.source.text.splitlines())


def meaning(definition):
    """The definition without its hash, and without grants of single fields that say nothing: those are as the record."""
    forms = {name: replace(form, permissions=granted(form)) for name, form in definition.forms.items()}
    return replace(definition, hash="", forms=forms)


def granted(form):
    return {
        role: replace(grant, fields={name: one for name, one in grant.fields.items() if one != FieldGrant()})
        for role, grant in form.permissions.items()
    }
