"""A definition edited as text: each edit is a splice, and every byte it does not mean stays as it was."""

from designer.text.differing import differences
from designer.text.edits import Edit, Insert, Move, Remove, RenameKey, ReplaceText, SetValue, edited
from designer.text.merging import Conflict, Merged, Side, merge
from designer.text.refusals import EditRefused, SpliceFailed, Unreadable
from designer.text.splices import Splice, inverse, spliced
from designer.text.splicing import Applied, apply
from designer.text.tree import Document, Entry, Node
from designer.text.undo import Done, Undo

__all__ = [
    "Applied", "Conflict", "Document", "Done", "Edit", "EditRefused", "Entry", "Insert", "Merged", "Move", "Node",
    "Remove", "RenameKey", "ReplaceText", "SetValue", "Side", "Splice", "SpliceFailed", "Undo", "Unreadable", "apply",
    "differences", "edited", "inverse", "merge", "spliced",
]  # fmt: skip
