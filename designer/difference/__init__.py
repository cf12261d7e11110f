"""What changes from one definition to another, in the words of those who use the application.

differences(old, new, registry)     # [Difference], in the order of the new file, what is gone at the end
grouped(found)                      # by area, permissions first
side_by_side(old_text, new_text)    # rows of a diff of two columns, unchanged lines folded
"""

from designer.difference.columns import Fold, Row, side_by_side
from designer.difference.finding import differences
from designer.difference.kinds import AREAS, Difference, Group, grouped

__all__ = ["AREAS", "Difference", "Fold", "Group", "Row", "differences", "grouped", "side_by_side"]
