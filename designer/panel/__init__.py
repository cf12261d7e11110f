"""The property panel: every option of whatever is selected, drawn from the dataclass it becomes.

``panel_of(workspace, path)`` answers what to draw; templates/designer/panel draws it; static/js/designer/panel.js sends
what is changed back as the operations ``set`` and ``unset``. Nothing here knows a field type, a trigger or a card.
"""

from designer.panel.inputs import Input, Item, Known
from designer.panel.panels import Panel, panel_of

__all__ = ["Input", "Item", "Known", "Panel", "panel_of"]
