"""Whatever an application says by choosing is among what the panel offers there."""

from pathlib import Path

import pytest
from drafting import draft
from reading import hub_registry

from designer.panel.panels import inputs_of
from designer.slots import slot_at

ROOT = Path(__file__).parents[2]
APPS = [ROOT / "apps/order_hub.yaml", ROOT / "tests/apps/maintenance.yaml"]
CHOSEN = {"name", "select", "names", "several"}


@pytest.mark.parametrize("file", APPS, ids=lambda file: file.stem)
def test_what_is_chosen_is_offered(file):
    registry = hub_registry()
    workspace = draft(file.read_text(), registry=registry)
    seen, missing = 0, []
    for defined in workspace.uses.things.values():
        slot = slot_at(workspace.data, defined.path, registry)
        for one in inputs_of(workspace, slot) if slot else ():
            if one.kind in CHOSEN and one.value is not None:
                seen += 1
                offered = {known.name for known in one.known}
                given = one.value if isinstance(one.value, list) else [one.value]
                missing += [(one.path, value) for value in given if value not in offered]
    assert seen > 50
    assert missing == []
