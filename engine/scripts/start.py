"""How the process that runs scripts begins: as small as it can.

Scripts reckon with `expressions/guards.py` and `dates.py`, but the package around these brings SQLAlchemy with it: a
process would be four times as large and need five times as long. So it becomes a package without its ``__init__``.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType


def begin() -> None:
    """Runs until the other side of standard input is gone."""
    prepare()
    from engine.scripts.worker import serve

    serve(memory_mb=int(sys.argv[1]))


def prepare() -> None:
    """Must come before anything else of the engine is imported."""
    _stand_back()
    name = "engine.expressions"
    package = ModuleType(name)
    package.__path__ = [str(Path(__file__).parents[1] / "expressions")]
    package.__spec__ = ModuleSpec(name, None, is_package=True)
    sys.modules[name] = package


def _stand_back() -> None:
    """Pages win over scripts, over their start too: what is idle is never waited for, what is nice for a moment is."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(19)
