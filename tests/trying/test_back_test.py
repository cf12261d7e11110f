"""A back-test of a live rule says what the ledger says."""

from __future__ import annotations

import pytest
from making import MakeApp
from trying_world import RULES, WORLD, Life

from engine.trying.back import back_test


@pytest.mark.parametrize("seed", range(3))
def test_a_live_rule_is_reproduced_over_a_random_walk(make_app: MakeApp, seed: int) -> None:
    made = make_app(WORLD, rules=RULES)
    life = Life(made, seed)
    life.live(200)
    admin = made.actor("admin")
    ran = 0
    for name in made.application.definition.rules:
        found = back_test(made.application, admin, name, 90).compared
        assert found is not None
        assert found["reasons"] == {}, (name, found["differences"][:3])
        assert found["reproduced"] == found["ran"]
        ran += found["ran"]
    assert ran > 30
