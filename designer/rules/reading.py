"""A rule of a draft as far as it can be understood: what is not finished stands for itself."""

from __future__ import annotations

from typing import Any

from designer.rules.places import LISTS
from designer.workspace import Workspace
from engine.actions import Action, Branch, ForEach
from engine.build import BROKEN, Builder
from engine.definition import AppDefinition, Rule
from engine.language import Expression, Label
from engine.load import app_schema
from engine.saying import occasions, sentences
from engine.saying.words import Words
from engine.triggers import Trigger
from engine.validate import validate
from engine.yamlfile import Path


def words_in(workspace: Workspace, definition: AppDefinition, language: str) -> Words:
    return Words(definition, workspace.registry, language)


def rule_of(workspace: Workspace, name: str) -> Rule | None:
    """The rule of this name; with ``Unfinished`` steps and trigger where something is missing or wrong."""
    definition, data = workspace.definition, workspace.at(("rules", name))
    if definition is None or not isinstance(data, dict):
        return None
    return definition.rules.get(name) or _Lenient(workspace).rule(name, data)


class _Lenient:
    def __init__(self, workspace: Workspace) -> None:
        wrong = validate(workspace.source.data, app_schema(workspace.registry))
        self.broken = frozenset(one.path for one in wrong)
        self.builder = Builder(workspace.registry)

    def rule(self, name: str, data: dict[str, Any]) -> Rule:
        path: Path = ("rules", name)
        when = data.get("when")
        return Rule(
            name=name,
            label=_label(data.get("label")),
            trigger=self._trigger(data.get("trigger"), (*path, "trigger")),
            when=Expression(str(when)) if when is not None else None,
            actions=self._steps(data.get("actions"), (*path, "actions")),
            enabled=data.get("enabled") is not False,
            shadow=data.get("shadow") is True,
        )  # fmt: skip

    def _trigger(self, data: Any, path: Path) -> Trigger:
        built = self._built(Trigger, data, path)
        if isinstance(built, Trigger):
            return built
        known = data if isinstance(data, dict) else {}
        form = known.get("form")
        return occasions.Unfinished(kind=str(known.get("type", "")), form=form if isinstance(form, str) else None)

    def _steps(self, data: Any, path: Path) -> tuple[Action, ...]:
        found = data if isinstance(data, list) else ()
        return tuple(self._step(one, (*path, index)) for index, one in enumerate(found))

    def _step(self, data: Any, path: Path) -> Action:
        built = self._built(Action, data, path)
        if isinstance(built, Action):
            return built
        known = data if isinstance(data, dict) else {}
        kind = str(known.get("type", ""))
        if kind in LISTS:
            return self._around(kind, known, path) or sentences.Unfinished(kind=kind)
        return sentences.Unfinished(kind=kind)

    def _around(self, kind: str, data: dict[str, Any], path: Path) -> Action | None:
        """A step with others inside of which only those inside are not finished."""
        inner = {name: self._steps(data.get(name), (*path, name)) for name in LISTS[kind]}
        wrong = [one[len(path) :] for one in self.broken if one[: len(path)] == path]
        if any(not below or below[0] not in inner for below in wrong):
            return None
        if kind == "branch":
            return Branch(when=Expression(str(data["when"])), then=inner["then"], otherwise=inner["otherwise"])
        return ForEach(form=data["form"], where=Expression(str(data["where"])), actions=inner["actions"])

    def _built(self, base: type, data: Any, path: Path) -> Any:
        if not isinstance(data, dict) or any(one[: len(path)] == path for one in self.broken):
            return None
        built = self.builder.value(base, data, path)
        return None if built is BROKEN else built


def _label(data: Any) -> Label | None:
    if isinstance(data, dict):
        return Label({str(language): str(text) for language, text in data.items()})
    return Label({"": data}) if isinstance(data, str) and data else None
