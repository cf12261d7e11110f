"""How long an operation takes by its standard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from math import ceil
from typing import Any


def work_of(line: Mapping[str, Any], quantity: int) -> int:
    """Minutes for so many pieces, with the set-up, as the rules of an application work them out for a new job. ``line``:
    cycle, cavities and setup."""
    cycle, setup = line["cycle"] or dt.timedelta(), line["setup"] or dt.timedelta()
    cycles = Decimal(quantity) / (line["cavities"] or 1)
    return ceil(cycles * Decimal(cycle.total_seconds()) / 60 + Decimal(setup.total_seconds()) / 60)
