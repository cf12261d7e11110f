"""What rules want done, as data: the walk performs it, a dry run shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Effect:
    """Something a rule wants done. ``suspends``: what follows it in the rule waits until it is over."""

    @property
    def suspends(self) -> bool:
        return False


@dataclass(frozen=True)
class SetValues(Effect):
    """Change fields of a record. ``values``: field name → plain value."""

    form: str
    id: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class CreateRecord(Effect):
    """Create a record. ``values``: field name → plain value; a lines field → a tuple of such mappings.

    ``once``: nothing is created where a record has the same values in these fields.
    """

    form: str
    values: Mapping[str, Any]
    once: tuple[str, ...] = ()


@dataclass(frozen=True)
class UpdateMatching(Effect):
    """Change every record of ``form`` for which ``where`` holds; more than ``limit`` of them is refused.

    ``where`` and ``values`` are expressions still: ``record`` in them is the record looked at, ``names`` the rest.
    ``sort``: fields, ``-`` in front for descending; what is equal in them goes by id.
    """

    form: str
    where: str
    values: Mapping[str, str]
    limit: int
    names: Mapping[str, Any]
    sort: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakeTransition(Effect):
    """Take a transition of a record."""

    form: str
    id: int
    transition: str
    reason: str | None = None


@dataclass(frozen=True)
class Reassign(Effect):
    """Make a person (``user``, an id) or everybody of a role responsible for a record while it is in its state."""

    form: str
    id: int
    user: int | None
    role: str | None
    reason: str | None = None


@dataclass(frozen=True)
class Refuse(Effect):
    """Refuse the change that woke the rule. ``texts``: language → filled text."""

    texts: Mapping[str, str]


@dataclass(frozen=True)
class Outside(Effect):
    """Something that leaves the process: a message kept with the change and delivered after it.

    ``kind`` names who performs it, ``data`` is JSON. With ``saved_as`` the run waits for the result, which the steps
    after it read as ``results.<saved_as>``.
    """

    kind: str
    data: Mapping[str, Any]
    connection: str | None = None
    saved_as: str | None = None

    @property
    def suspends(self) -> bool:
        return self.saved_as is not None


@dataclass(frozen=True)
class Wait(Effect):
    """Go on at ``due``, or as soon as the expression ``holds`` holds for the record; whichever comes first."""

    due: dt.datetime | None
    holds: str | None

    @property
    def suspends(self) -> bool:
        return True


@dataclass(frozen=True)
class ForEach(Effect):
    """Run the steps inside for every record of ``form`` for which ``where`` holds, ``batch`` of them at a time."""

    form: str
    where: str
    batch: int

    @property
    def suspends(self) -> bool:
        return True


@dataclass(frozen=True)
class Notify(Effect):
    """Tell the users of ``roles`` and ``users`` (ids), each once. ``texts``: language → filled text."""

    form: str
    id: int
    roles: frozenset[str]
    users: frozenset[int]
    texts: Mapping[str, str]


@dataclass(frozen=True)
class Choice:
    """One answer people may give. ``label``: language → text; ``style`` and ``comment`` as in the definition."""

    name: str
    label: Mapping[str, str]
    style: str = "secondary"
    comment: str = "optional"
    decisive: bool = False


@dataclass(frozen=True)
class Ask(Effect):
    """Ask the users of ``roles`` and ``users`` (ids), each once, until enough of them answered or it is ``due``.

    ``needs``: ``any``, ``all`` or how many equal answers. Steps after it read the outcome as ``results.<saved_as>``.
    """

    form: str
    id: int
    roles: frozenset[str]
    users: frozenset[int]
    texts: Mapping[str, str]
    choices: tuple[Choice, ...]
    needs: str | int = "any"
    due: dt.datetime | None = None
    saved_as: str | None = None

    @property
    def suspends(self) -> bool:
        return True


@dataclass(frozen=True)
class ApprovalOutline:
    """A step of an approval as it stands when the approval begins. ``needs``: one for each group that is asked."""

    label: Mapping[str, str]
    roles: frozenset[str] = frozenset()
    users: frozenset[int] = frozenset()
    needs: tuple[str, ...] = ()
    skipped: bool = False


@dataclass(frozen=True)
class Approve(Effect):
    """Ask people step after step. The steps are worked out anew, one by one, when the approval comes to them.

    ``applicant``: whose request it is, where the definition says so. Steps after it read the outcome as
    ``results.<saved_as>``.
    """

    form: str
    id: int
    label: Mapping[str, str]
    texts: Mapping[str, str]
    steps: tuple[ApprovalOutline, ...]
    applicant: int | None = None
    saved_as: str | None = None

    @property
    def suspends(self) -> bool:
        return True

    @property
    def _first(self) -> ApprovalOutline | None:
        return next((one for one in self.steps if not one.skipped), None)

    @property
    def roles(self) -> frozenset[str]:
        """The roles asked first."""
        return self._first.roles if self._first else frozenset()

    @property
    def users(self) -> frozenset[int]:
        return self._first.users if self._first else frozenset()
