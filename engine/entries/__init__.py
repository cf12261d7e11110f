"""What is done on task screens: an entry carries what its record was like when it was made, so that it may come late.

``judging`` decides (pure), ``receiving`` carries it out once, ``deciding`` settles what two people did at once,
``finding`` answers which are open and who may decide.
"""

from engine.entries.deciding import CHOICES, settle
from engine.entries.finding import Open, may_decide, my_open, open_entry, open_for
from engine.entries.reachable import Reach, reach, task_for, tasks_for
from engine.entries.receiving import Entry, Outcome, receive

__all__ = [
    "CHOICES", "Entry", "Open", "Outcome", "Reach", "may_decide", "my_open", "open_entry", "open_for", "reach",
    "receive", "settle", "task_for", "tasks_for",
]  # fmt: skip
