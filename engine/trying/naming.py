"""Which rule is meant: one of the definition by its name, or one of a draft."""

from __future__ import annotations

from engine.application import Application
from engine.definition import Rule
from engine.errors import Missing, message
from engine.load import load_text


def rule_named(app: Application, rule: Rule | str) -> Rule:
    """The rule itself, or the one of the definition with this name. Raises Missing."""
    if isinstance(rule, Rule):
        return rule
    found = app.definition.rules.get(rule)
    if found is None:
        raise Missing(message("There is no rule {name}.", name=rule))
    return found


def rule_of_draft(app: Application, text: str, name: str) -> Rule:
    """A rule of a whole definition that is not in force yet, checked as every definition is. Raises DefinitionError,
    Missing."""
    found = load_text(text, app.registry, file="draft").definition.rules.get(name)
    if found is None:
        raise Missing(message("There is no rule {name}.", name=name))
    return found
