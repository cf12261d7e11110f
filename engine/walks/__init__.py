"""Records that are generated and moved through their workflow, to find those that would be stuck.

    walk(loaded, registry) -> [Stuck(form, state, path, values, blocked, sentence), …]

A record is stuck when it stands in a state that is not final and nobody can take it out: not by filling in what people
may fill in, not by changing or adding what its conditions read, not by answering what is asked, not by waiting.
``values`` come from Hypothesis (``drawing``); from each the machine is explored step by step (``exploring``), so that
the path told is the shortest; what is tried to open a closed transition stands in ``opening``.
"""

from engine.walks.budget import Budget
from engine.walks.found import Blocked, Step, Stuck
from engine.walks.walking import walk

__all__ = ["Blocked", "Budget", "Step", "Stuck", "walk"]
