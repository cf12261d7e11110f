"""The life of a record as a picture: its states and transitions, what is wrong with them, and the operations on them.

``model.flow_of`` is what the graph and the table draw; ``live.figures`` what the records in force say; operations are
entered by importing this package.
"""

from designer.flows import operations
from designer.flows.model import Arrow, Badge, Flow, Stage, flow_of

__all__ = ["Arrow", "Badge", "Flow", "Stage", "flow_of", "operations"]
