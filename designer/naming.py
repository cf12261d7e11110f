"""Names for things people only gave a label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from pypinyin import Style, lazy_pinyin

LONGEST = 40


def name_for(label: str, taken: Container[str], otherwise: str = "item") -> str:
    """A free name in ASCII for a label: ``特殊包装`` → ``te_shu_bao_zhuang``, ``Due date`` → ``due_date``."""
    sounds = " ".join(lazy_pinyin(label, style=Style.NORMAL, errors=lambda rest: f" {rest} "))
    plain = unicodedata.normalize("NFKD", sounds).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST].strip("_")
    if not re.match("[a-z]", name):
        name = f"{otherwise}_{name}".strip("_")
    return free_name(name, taken)


def free_name(name: str, taken: Container[str]) -> str:
    """The name itself, or with the first number that is free."""
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
