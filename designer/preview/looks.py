"""As whom a preview is looked at, in which language and light; it stands in the address: ``quality.zh.dark``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.definition import AppDefinition
from engine.language import ADMIN
from engine.people import Actor

MYSELF = "-"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Look:
    role: str = MYSELF
    language: str = "zh"
    theme: str = "light"

    def __str__(self) -> str:
        return f"{self.role}.{self.language}.{self.theme}"

    def actor(self, viewer: Actor) -> Actor:
        """The viewer with this role alone, in the sample's world only: there it may create and take steps, because
        nothing it does stays, and it sees what the viewer may read, because nothing else is there."""
        if self.role == MYSELF:
            return replace(viewer, language=self.language)
        return replace(viewer, roles=frozenset({self.role}), groups=frozenset(), language=self.language, view_as=None)


def read_look(text: str, definition: AppDefinition) -> Look | None:
    """None for what says no look of this definition, such as a role that is gone."""
    role, *rest = text.split(".")
    if len(rest) != 2 or rest[0] not in definition.languages or rest[1] not in THEMES:
        return None
    return Look(role, rest[0], rest[1]) if role in roles_of(definition) else None


def roles_of(definition: AppDefinition) -> tuple[str, ...]:
    return (MYSELF, *definition.roles, *(() if ADMIN in definition.roles else (ADMIN,)))
