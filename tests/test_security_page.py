"""What SECURITY.md says is tried is really tried."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_test_the_security_page_names_is_there():
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) > 25
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_option_it_names_is_one_of_the_command_line():
    commands = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    options = set(re.findall(r"`(--[a-z-]+)", (ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    assert {option for option in options if option not in commands} == set()
