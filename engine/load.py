"""A definition file → ``AppDefinition``, with everything that is wrong with it.

The phases: YAML (``yamlfile``) → schema (``validate``) → dataclasses (``build``) → cross references and sense
(``checks``). Each looks at what the one before left standing, so one run reports everything at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from engine.build import BROKEN, Builder
from engine.checks import check
from engine.complete import complete
from engine.definition import AppDefinition
from engine.errors import DefinitionError, Finding, message
from engine.registry import Registry
from engine.schema import Schema, json_schema
from engine.validate import Wrong, validate
from engine.yamlfile import Source, dotted, read_source


@dataclass(frozen=True)
class Loaded:
    """A definition that can be used, the file it came from, and the warnings and notes about it."""

    definition: AppDefinition
    source: Source
    findings: tuple[Finding, ...] = ()


def load_file(path: str | FilePath, registry: Registry) -> Loaded:
    """Read a definition file. Raises DefinitionError, also when the file cannot be read."""
    try:
        raw = FilePath(path).read_bytes()
    except OSError as error:
        reason = message("The file cannot be read: {reason}.", reason=error.strerror or str(error))
        raise DefinitionError((Finding("error", reason, "", 1, 1, str(path)),)) from error
    return load_text(raw, registry, file=str(path))


def load_text(text: str | bytes, registry: Registry, file: str = "definition.yaml") -> Loaded:
    """Read a definition. Raises DefinitionError with every finding when one of them is an error."""
    definition, source, findings = examine(text, registry, file)
    if definition is None or any(finding.severity == "error" for finding in findings):
        raise DefinitionError(findings)
    return Loaded(definition, source, findings)


def examine(
    text: str | bytes, registry: Registry, file: str = "definition.yaml"
) -> tuple[AppDefinition | None, Source, tuple[Finding, ...]]:
    """What load does, without raising: the definition as far as it can be built, and all findings in file order."""
    source = read_source(text, file)
    definition, findings = examine_source(source, registry, hash_of(text))
    return definition, source, findings


def examine_source(source: Source, registry: Registry, hash_: str) -> tuple[AppDefinition | None, tuple[Finding, ...]]:
    """As ``examine``, of a text that was read, or of its data after a change that is not written yet."""
    if source.data is None:
        return None, source.findings or (_nothing(source.file),)
    wrong = list(validate(source.data, app_schema(registry)))
    builder = Builder(registry, frozenset(mistake.path for mistake in wrong if not mistake.usable))
    definition = _build(builder, source, hash_)
    findings = [*source.findings, *_misfits(source, wrong)]
    if definition is not None:
        findings += check(definition, source, registry, frozenset(builder.lost))
    return definition, tuple(sorted(findings, key=lambda finding: (finding.line, finding.column)))


def hash_of(text: str | bytes) -> str:
    """What tells one definition from another."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text).hexdigest()[:16]


def app_schema(registry: Registry) -> Schema:
    """The JSON Schema of definition files, for the types of a registry."""
    return json_schema(AppDefinition, registry)


def _misfits(source: Source, wrong: Iterable[Wrong]) -> Iterator[Finding]:
    """Aliases were refused while reading; the hole they leave needs no second remark."""
    said = {finding.path for finding in source.findings}
    for mistake in wrong:
        if mistake.at_key or dotted(mistake.path) not in said:
            yield _finding(source, mistake)


def _build(builder: Builder, source: Source, hash_: str) -> AppDefinition | None:
    if not isinstance(source.data, dict):
        return None
    data: dict[str, Any] = {"app": "app"} | source.data
    if ("app",) in builder.broken:
        data["app"], builder.broken = "app", builder.broken - {("app",)}
    built = builder.value(AppDefinition, data, ())
    if built is BROKEN:
        return None
    return complete(built, hash_)


def _finding(source: Source, wrong: Wrong) -> Finding:
    span = source.key_at(wrong.path) if wrong.at_key else source.value_at(wrong.path)
    return Finding("error", wrong.message, dotted(wrong.path), span.line, span.column, source.file)


def _nothing(file: str) -> Finding:
    return Finding("error", message("The file is empty; expected a definition that starts with 'app:'."), file=file)
