"""The life of a record as data for the graph and the table, with what the check says of each part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from designer.flows.places import state_path, transition_path
from designer.panel.known import label_of
from designer.workspace import Workspace
from engine.actions import Ask, TakeTransition
from engine.approve import Approve
from engine.definition import Form, Rule, State, Transition
from engine.expressions import ExpressionRefused, compile_expression
from engine.language import ADMIN, Duration
from engine.saying.expressions import clause_text
from engine.texts import say
from engine.timers import Timeout
from engine.triggers import Entered
from engine.yamlfile import Path


@dataclass(frozen=True)
class Badge:
    """A rule that concerns a state or a transition. ``kind``: timeout, ask or rule."""

    kind: str
    rule: str
    label: str
    address: str


@dataclass(frozen=True)
class Remark:
    """What the check says of a part."""

    severity: str
    text: str


@dataclass(frozen=True)
class Stage:
    """A state. ``deliverables`` are the labels of the fields it must leave filled."""

    name: str
    label: str
    path: Path
    owner: str
    owner_name: str
    expected: str
    within: str
    deliverables: tuple[str, ...]
    colour: str
    initial: bool
    final: bool
    aside: bool
    badges: tuple[Badge, ...]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Arrow:
    """A transition, one arrow from each of ``sources``. ``guard`` is its condition in words."""

    name: str
    label: str
    path: Path
    sources: tuple[str, ...]
    target: str
    roles: tuple[str, ...]
    role_names: tuple[str, ...]
    guard: str
    asks: tuple[str, ...]
    style: str
    badges: tuple[Badge, ...]
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Flow:
    """The life of the records of a form. ``remarks`` are about the flow as a whole."""

    form: str
    label: str
    initial: str
    stages: tuple[Stage, ...]
    arrows: tuple[Arrow, ...]
    remarks: tuple[Remark, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def flow_of(workspace: Workspace, form: str) -> Flow | None:
    """The flow of a form; None where it has none, or where the draft cannot be understood that far."""
    definition = workspace.definition
    found = definition.forms.get(form) if definition is not None else None
    if definition is None or found is None or found.workflow is None:
        return None
    drawing = _Drawing(workspace, found)
    workflow = found.workflow
    stages = tuple(drawing.stage(name, state, name == workflow.initial) for name, state in workflow.states.items())
    arrows = tuple(drawing.arrow(name, one) for name, one in workflow.transitions.items())
    said = drawing.remarks(("forms", form, "workflow"), inner=False)
    return Flow(form, label_of(found, form, workspace.language), str(workflow.initial), stages, arrows, said)


class _Drawing:
    def __init__(self, workspace: Workspace, form: Form) -> None:
        assert workspace.definition is not None  # flow_of looked
        self.workspace, self.form, self.definition = workspace, form, workspace.definition
        self.language = workspace.language
        self.rules = [rule for rule in self.definition.rules.values() if rule.enabled]

    def stage(self, name: str, state: State, initial: bool) -> Stage:
        path = state_path(self.form.name, name)
        raw = self.workspace.at(path)
        within = length(state.within, self.language) if state.within else ""
        return Stage(
            name, label_of(state, name, self.language), path, self.role(state.owner), str(state.owner or ""), within,
            str(raw.get("within") or "") if isinstance(raw, dict) else "", self.fields(state.leave_with),
            state.colour, initial, state.final, state.aside, tuple(self._about_state(name)), self.remarks(path),
        )  # fmt: skip

    def arrow(self, name: str, one: Transition) -> Arrow:
        path = transition_path(self.form.name, name)
        return Arrow(
            name, label_of(one, name, self.language), path, tuple(map(str, one.from_)), str(one.to),
            tuple(self.role(role) for role in one.roles), tuple(map(str, one.roles)), self.guard(one),
            self.fields(one.ask), one.style, tuple(self._taking(name)), self.remarks(path),
        )  # fmt: skip

    def guard(self, one: Transition) -> str:
        """The condition in words; as it is written where no words are found for it."""
        if not one.when:
            return ""
        try:
            compiled = compile_expression(one.when, self.workspace.registry)
        except ExpressionRefused:  # a draft may say anything
            return str(one.when)
        return str(clause_text(compiled, self.form, self.definition).text(self.language))

    def role(self, name: str | None) -> str:
        if not name:
            return ""
        if name == ADMIN:
            return say("Administrator", self.language)
        role = self.definition.roles.get(name)
        return label_of(role, name, self.language) if role else str(name)

    def fields(self, names: Iterable[str]) -> tuple[str, ...]:
        known = self.form.fields
        return tuple(known[name].label_in(self.language) if name in known else str(name) for name in names)

    # --- rules

    def _about_state(self, state: str) -> Iterator[Badge]:
        for rule in self.rules:
            trigger: Any = rule.trigger
            if getattr(trigger, "form", None) != self.form.name or getattr(trigger, "state", None) != state:
                continue
            if isinstance(trigger, Timeout):
                yield self.badge("timeout", rule)
            elif isinstance(trigger, Entered) and any(isinstance(action, Ask | Approve) for _path, action, _of in rule.steps()):
                yield self.badge("ask", rule)

    def _taking(self, transition: str) -> Iterator[Badge]:
        for rule in self.rules:
            takes = (action for _path, action, of in rule.steps() if of == self.form.name)
            if any(isinstance(one, TakeTransition) and not one.of and one.transition == transition for one in takes):
                yield self.badge("rule", rule)

    def badge(self, kind: str, rule: Rule) -> Badge:
        address = f"/designer/{self.workspace.change.id}/rule/{quote(rule.name)}"
        return Badge(kind, rule.name, label_of(rule, rule.name, self.language), address)

    # --- the check

    def remarks(self, path: Path, *, inner: bool = True) -> tuple[Remark, ...]:
        """What the check says of the place; ``inner``: and of what stands in it."""
        found = self.workspace.findings_at(path, below=inner)
        return tuple(Remark(one.severity, say(one.message, self.language)) for one in found)


def worst(remarks: Iterable[Mapping[str, Any] | Remark]) -> str:
    """The gravest severity, empty where there is nothing."""
    severities = {one.severity if isinstance(one, Remark) else one["severity"] for one in remarks}
    return next((one for one in ("error", "warning", "note") if one in severities), "")


_UNITS: Mapping[str, Mapping[str, str]] = {
    "zh": {"s": "秒", "m": "分钟", "h": "小时", "d": "天", "w": "周", "wh": "个工时", "wd": "个工作日"},
    "en": {"s": " s", "m": " min", "h": " h", "d": " d", "w": " wk", "wh": " working hours", "wd": " working days"},
}


def length(time: Duration, language: str) -> str:
    """An expected time in words: ``2 d``, ``3 个工作日``."""
    unit = _UNITS["zh" if language == "zh" else "en"][time.unit]
    return f"{time.amount}{unit.removesuffix('s') if time.amount == 1 and time.unit in ('wd', 'wh') else unit}"
