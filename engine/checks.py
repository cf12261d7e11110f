from __future__ import annotations
from engine.definition import AppDefinition
from engine.errors import Finding
from engine.registry import Registry
from engine.yamlfile import Source
def check(definition: AppDefinition, source: Source, registry: Registry, lost: frozenset[str] = frozenset()) -> list[Finding]:
    return []
