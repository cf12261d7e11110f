"""A definition edited as text: each edit is a splice, and every byte it does not mean stays as it was.

    applied = apply(text, [SetValue(("forms", "ticket", "label", "en"), "Ticket")])
    applied.text, applied.splices, applied.inverse      # the new text; what leads there, and back to the same bytes
    apply(applied.document, […])                         # the next edit needs no second reading
    merge(base, mine, theirs).text | .conflicts          # two edits of one text
    Undo().add("Rename the field", applied)              # and .undo(text), .redo(text)

Which comments and blank lines go with an entry: ``extents``. How new values look: ``writing``. Everything that cannot
be done raises EditRefused with a sentence; a text that would not say what plain data says is never handed out.
"""

from designer.text.differing import differences
from designer.text.edits import Edit, Insert, Move, Remove, RenameKey, ReplaceText, SetValue, edited
from designer.text.merging import Conflict, Merged, Side, merge
from designer.text.refusals import EditRefused, SpliceFailed, Unreadable
from designer.text.splices import Splice, inverse, spliced
from designer.text.splicing import Applied, apply
from designer.text.tree import Document, Entry, Node
from designer.text.undo import Done, Undo
from designer.text.writing import usual_place

__all__ = [
    "Applied", "Conflict", "Document", "Done", "Edit", "EditRefused", "Entry", "Insert", "Merged", "Move", "Node",
    "Remove", "RenameKey", "ReplaceText", "SetValue", "Side", "Splice", "SpliceFailed", "Undo", "Unreadable", "apply",
    "differences", "edited", "inverse", "merge", "spliced", "usual_place",
]  # fmt: skip
