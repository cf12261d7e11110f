"""Who may design. What was drafted comes into force by ``engine.publishing``, which asks again."""

from __future__ import annotations

from engine.application import Application
from engine.people import Actor


def may_design(app: Application, actor: Actor) -> bool:
    """Administrators, and who has one of the roles the definition calls designers. Nobody who looks as a role, and
    no API token."""
    if actor.view_as or actor.scopes is not None or actor.id is None:
        return False
    return actor.is_admin or bool(actor.roles.intersection(app.definition.designers))
