"""What planning's rules leave to be done: an errand each, which reads the records when its turn comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from engine.api import Action, Application, Context, Effect, Outside, Stale, TransitionName, option

T = TypeVar("T")
TRIES = 3
SAID = 4  # reasons of one change that are named


@dataclass(frozen=True, kw_only=True)
class Errand(Action):
    """An action that is carried out by the errand of its type, or of the one it names."""

    errand: ClassVar[str] = ""

    def effects(self, context: Context) -> Sequence[Effect]:
        return [Outside(self.errand or self.type, self.data(context))]

    def data(self, context: Context) -> Mapping[str, Any]:
        """What the errand is told beside that it is due."""
        return {}


@dataclass(frozen=True, kw_only=True)
class Deciding(Errand):
    """An errand that takes the record on when it is done."""

    takes: tuple[TransitionName, ...] = option("The transitions of the record that planning takes when it is done.", ())

    def transitions(self) -> Sequence[str]:
        return self.takes


def reasons(app: Application, data: Mapping[str, Any], otherwise: str) -> str:
    """What happened, each thing once, of all messages that are answered by this one errand; of many the first."""
    language = app.definition.languages[0]
    texts = [one.get("why") or {} for one in all_told(data)]
    found = list(dict.fromkeys(str(each.get(language) or next(iter(each.values()), otherwise)) for each in texts))
    more = len(found) - SAID
    return "; ".join(found[:SAID]) + (f" … +{more}" if more > 0 else "")


def all_told(data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [data, *data.get("also", ())]


def fresh(work: Callable[[], T]) -> T:
    """The answer of ``work``, which is done once more where somebody changed a record meanwhile. Raises Stale where
    that happens again and again."""
    for _ in range(TRIES - 1):
        try:
            return work()
        except Stale:
            continue
    return work()
