"""A rule of a draft as blocks from top to bottom, each with its place in the file and what is wrong there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from designer.rules.places import LISTS
from designer.rules.reading import rule_of, words_in
from designer.soundness import path_of
from designer.workspace import Workspace
from engine import actions
from engine.definition import AppDefinition, Rule
from engine.errors import Finding, Message, message
from engine.saying import occasions, sentences, steps
from engine.saying.conditions import Saying
from engine.saying.words import Words
from engine.yamlfile import Path

LANGUAGES = ("zh", "en")
LABELS: Mapping[str, Message] = {
    "then": message("if so"), "otherwise": message("if not"), "actions": message("for each of them"),
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """``lanes``: the lists of steps inside. ``number``: 1, 2.1 … as people count."""

    path: Path
    kind: str
    title: str
    icon: str
    lines: tuple[str, ...] = ()
    lanes: tuple[Lane, ...] = ()
    problems: tuple[Message, ...] = ()
    number: str = ""

    @property
    def opens(self) -> Path:
        """What the panel shows for it: of a branch its condition, the rest of it stands on the canvas."""
        return (*self.path, "when") if self.kind == "branch" else self.path

    @property
    def id(self) -> str:
        return "step-" + "-".join(map(str, self.path[2:]))


@dataclass(frozen=True)
class Lane:
    path: Path
    label: str
    blocks: tuple[Block, ...]
    name: str


@dataclass(frozen=True)
class Drawing:
    """``sentences``: the whole rule, by language. ``clauses``: its condition, one part after the other.
    ``unfinished``: it cannot be built yet, so it cannot be tried either."""

    rule: Rule
    label: str
    sentences: Mapping[str, str]
    trigger: Block
    clauses: tuple[str, ...]
    when_problems: tuple[Message, ...]
    steps: Lane
    problems: tuple[Message, ...]
    standing: str
    unfinished: bool


def drawing_of(workspace: Workspace, name: str) -> Drawing | None:
    """None where there is no such rule, or nothing of the file can be understood."""
    rule, definition = rule_of(workspace, name), workspace.definition
    if rule is None or definition is None:
        return None
    words = words_in(workspace, definition, workspace.language)
    drawer = _Drawer(workspace, words, rule, _Problems(workspace, ("rules", name)))
    return drawer.drawing(definition)


class _Problems:
    """What is wrong, at the innermost step it is about."""

    def __init__(self, workspace: Workspace, root: Path) -> None:
        self.found: list[tuple[Path, Finding]] = [
            (path, one) for one in workspace.findings if one.severity != "note"
            and (path := path_of(one.path))[:2] == root
        ]  # fmt: skip

    def at(self, path: Path, lists: Sequence[str] = ()) -> tuple[Message, ...]:
        """Those at a place and below it, but not in the lists of steps inside."""
        return tuple(
            one.message for where, one in self.found
            if where[: len(path)] == path and not (len(where) > len(path) + 1 and where[len(path)] in lists)
        )  # fmt: skip

    def rest(self, root: Path) -> tuple[Message, ...]:
        places = ("trigger", "when", "actions")
        return tuple(one.message for where, one in self.found if len(where) < 3 or where[2] not in places)


@dataclass(frozen=True)
class _Drawer:
    workspace: Workspace
    words: Words
    rule: Rule
    wrong: _Problems

    def drawing(self, definition: AppDefinition) -> Drawing:
        root: Path = ("rules", self.rule.name)
        rule = self.rule
        return Drawing(
            rule=rule,
            label=self.words.rule_label(rule),
            sentences={one: sentences.sentence(words_in(self.workspace, definition, one), rule) for one in LANGUAGES},
            trigger=self._trigger((*root, "trigger")),
            clauses=Saying(self.words, rule.form).clauses(rule.when) if rule.when is not None else (),
            when_problems=self.wrong.at((*root, "when")),
            steps=self._lane((*root, "actions"), rule.actions, rule.form, None, ""),
            problems=self.wrong.rest(root),
            standing="off" if not rule.enabled else "shadow" if rule.shadow else "on",
            unfinished=definition.rules.get(rule.name) is None,
        )

    def _trigger(self, path: Path) -> Block:
        trigger = self.rule.trigger
        text = occasions.occasion(self.words, trigger).text
        kind = getattr(trigger, "kind", trigger.type)
        known = self.workspace.registry.triggers.get(kind)
        icon = occasions.icon_of(known) if known else "bolt"
        return Block(path, kind, text, icon, problems=self.wrong.at(path))

    def _lane(
        self, path: Path, found: Sequence[actions.Action], form: str | None, around: str | None, before: str
    ) -> Lane:  # fmt: skip
        blocks = tuple(self._block((*path, at), one, form, around, f"{before}{at + 1}") for at, one in enumerate(found))
        name = str(path[-1])
        label = self.words.say(LABELS[name]) if len(path) > 3 else ""
        return Lane(path, label, blocks, name)

    def _block(
        self, path: Path, one: actions.Action, form: str | None, around: str | None, number: str
    ) -> Block:  # fmt: skip
        kind = getattr(one, "kind", one.type)
        lists = LISTS.get(kind, ())
        said = self._said(one, kind, form, around)
        inner = (one.form, form) if isinstance(one, actions.ForEach) else (form, around)
        lanes = tuple(
            self._lane((*path, name), getattr(one, name, ()), *inner, f"{number}.") for name in lists
            if not isinstance(one, sentences.Unfinished)
        )  # fmt: skip
        return Block(path, kind, said.title, said.icon, said.lines, lanes, self.wrong.at(path, lists), number)

    def _said(self, one: actions.Action, kind: str, form: str | None, around: str | None) -> steps.Said:
        if isinstance(one, sentences.Unfinished):
            known = self.workspace.registry.actions.get(kind)
            title = self.words.type_text(known) if known else kind
            return steps.Said(title, steps.icon_of(known) if known else "alert-circle",
                              (self.words.say(message("not finished yet")),))  # fmt: skip
        said = steps.action(self.words, one, form)
        if isinstance(one, actions.Branch):
            saying = sentences.Telling(self.words, self.rule).saying(form, around)
            return steps.Said(saying.condition(one.when), said.icon, said.lines)
        return said


