"""A definition edited as text: each edit is a splice, and every byte it does not mean stays as it was."""

from designer.text.differing import differences
from designer.text.edits import Edit, Insert, Move, Remove, RenameKey, ReplaceText, SetValue, edited
from designer.text.refusals import EditRefused, SpliceFailed, Unreadable
from designer.text.splices import Splice, inverse, spliced
from designer.text.splicing import Applied, apply
from designer.text.tree import Document, Entry, Node

__all__ = [
    "Applied", "Document", "Edit", "EditRefused", "Entry", "Insert", "Move", "Node", "Remove", "RenameKey",
    "ReplaceText", "SetValue", "Splice", "SpliceFailed", "Unreadable", "apply", "differences", "edited", "inverse",
    "spliced",
]  # fmt: skip
