"""What a schema cannot say: whether the names mean something and the whole makes sense."""

from __future__ import annotations

from engine.checks.review import Review
from engine.definition import AppDefinition
from engine.errors import Finding
from engine.registry import Registry
from engine.yamlfile import Source


def check(
    definition: AppDefinition, source: Source, registry: Registry, lost: frozenset[str] = frozenset()
) -> list[Finding]:
    """Everything wrong with a built definition; ``lost`` are names left out because they are wrong themselves."""
    review = Review(definition, source, registry, lost)
    return review.findings
