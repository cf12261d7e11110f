"""As whom a preview is looked at, in which language and light; it stands in the address: ``quality.zh.dark``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.application import Application
from engine.definition import AppDefinition
from engine.language import ADMIN
from engine.people import Actor, load_actor

MYSELF = "-"
PERSON = "@"  # before the id of a person
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Look:
    """``who``: ``-`` for the viewer, a role, or ``@12`` for a person with the roles they have."""

    who: str = MYSELF
    language: str = "zh"
    theme: str = "light"

    def __str__(self) -> str:
        return f"{self.who}.{self.language}.{self.theme}"

    def actor(self, viewer: Actor, world: Application) -> Actor:
        """Who acts in the sample's world, and there alone: they may create and take steps, because nothing they do
        stays, and see what the viewer may read, because nothing else is there. Of a role, it is the viewer with this
        role and no other. Raises Missing for a person who is not there."""
        if self.who == MYSELF:
            return replace(viewer, language=self.language)
        if self.who.startswith(PERSON):
            with world.database.read() as conn:
                found = load_actor(conn, world.tables, int(self.who[1:]))
            return replace(found, language=self.language)
        return replace(viewer, roles=frozenset({self.who}), groups=frozenset(), language=self.language)


def read_look(text: str, definition: AppDefinition) -> Look | None:
    """None for what says no look of this definition, such as a role that is gone."""
    who, *rest = text.split(".")
    if len(rest) != 2 or rest[0] not in definition.languages or rest[1] not in THEMES:
        return None
    return Look(who, rest[0], rest[1]) if is_somebody(who, definition) else None


def is_somebody(who: str, definition: AppDefinition) -> bool:
    number = who[1:] if who[:1] == PERSON else ""
    return who in roles_of(definition) or (number.isascii() and number.isdigit() and len(number) < 18)


def roles_of(definition: AppDefinition) -> tuple[str, ...]:
    return (MYSELF, *definition.roles, *(() if ADMIN in definition.roles else (ADMIN,)))
