"""A draft with mistakes is looked through, too: the designer shows it while it is being mended."""

import pytest

from engine.builtin import default_registry
from engine.load import Loaded, examine
from engine.uses import index_of, thing

REGISTRY = default_registry()
WORKS = """
app: works
label: Works
forms:
  job:
    label: Job
    fields:
      name: {type: text, label: Name}
      within: {type: link, form: job, label: Within}
      shown: {type: lookup, via: %s, field: %s, label: Shown}
      further: {type: lookup, via: within, field: shown, label: Further}
      total: {type: rollup, of: job.total, via: within, fold: sum, label: Total}
"""


@pytest.mark.parametrize(
    ("via", "field"),
    [("name", "name"), ("nothing", "name"), ("within", "nothing"), ("within", "shown"), ("shown", "name"),
     ("further", "name"), ("within", "further"), ("within", "total")],
)  # fmt: skip
def test_what_leads_nowhere_or_round_in_a_circle_is_indexed(via, field):
    definition, source, findings = examine(WORKS % (via, field), REGISTRY)
    assert any(finding.severity == "error" for finding in findings)
    uses = index_of(Loaded(definition, source, findings), REGISTRY)
    assert ("forms", "job", "fields", "further", "via") in {use.path for use in uses.of(thing("field", "job.within"))}
