"""Why an edit of the text is not made: a sentence, and the path it is about."""

from __future__ import annotations

from engine.errors import Message, Refused, message
from engine.yamlfile import Path, dotted


class EditRefused(Refused):
    """The edit cannot be made; the text is as it was."""

    code = "edit_refused"

    def __init__(self, reason: Message, path: Path = ()) -> None:
        super().__init__(reason)
        self.path = path


class Unreadable(EditRefused):
    """The text is no YAML that can be edited by path; line and column count from 1."""

    code = "unreadable"

    def __init__(self, reason: Message, line: int, column: int) -> None:
        super().__init__(reason)
        self.line = line
        self.column = column


class SpliceFailed(EditRefused):
    """A defect of this package: what was written did not read as it should. Nothing was changed."""

    code = "splice_failed"


def where(path: Path) -> str | Message:
    """A path as people read it."""
    return dotted(path) or message("the file")


def missing(path: Path, key: str | int) -> Message:
    return message("There is no {key} in {path}.", key=key, path=where(path))
