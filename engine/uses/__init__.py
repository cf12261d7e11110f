"""Where every named thing of a definition is used, how to rename it, and what breaks without it.

Designers ask here; nothing of the running application does.
"""

from engine.uses.breaks import Break, breaks
from engine.uses.index import Place, Use, Uses, index_of
from engine.uses.rename import Edit, KeyEdit, NewKey, Renaming, TextEdit, rename
from engine.uses.things import Defined, Thing, thing

__all__ = [
    "Break", "Defined", "Edit", "KeyEdit", "NewKey", "Place", "Renaming", "TextEdit", "Thing", "Use", "Uses", "breaks",
    "index_of", "rename", "thing",
]  # fmt: skip
