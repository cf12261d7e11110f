"""Which column of a table goes where: guessed from its heading, said by a person, checked against the form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.application import Application
from engine.columns import system_columns
from engine.definition import Form
from engine.errors import Message, message
from engine.fields.base import Field
from engine.fields.reading import narrow
from engine.grants import rights_of
from engine.language import Label
from engine.people import Actor
from engine.permissions import may, updatable_fields
from engine.plans import FormPlan

Mode = Literal["create", "update", "both"]
MODES: tuple[Mode, ...] = ("create", "update", "both")
STATE, SINCE, ID = "state", "state_since", "id"
BESIDE = frozenset({STATE, SINCE, ID})  # kept by the system, and yet a file may say them
_NEVER = frozenset({"files", "lines"})
_IN_BRACKETS = re.compile(r"\(.*?\)|\[.*?\]")
_NOISE = re.compile(r"[\s_*:：]+")


@dataclass(frozen=True)
class Target:
    """Where the texts of a column go: a field, one of a line, or the id or state of the record.

    ``lines`` names the lines field, if it is one of a line. ``history``: only records that are brought in with their
    past take it.
    """

    name: str
    field: Field
    lines: Field | None = None
    history: bool = False

    def label_in(self, language: str) -> str:
        own = self.field.label_in(language)
        return f"{self.lines.label_in(language)} / {own}" if self.lines else own

    @property
    def title(self) -> Label:
        languages = {*(self.field.title.texts), *(self.lines.title.texts if self.lines else ())}
        return Label({language: self.label_in(language) for language in languages or {""}})


Targets = Mapping[str, Target]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a person said about a table. ``columns``: the target of each column, None: it is left out.

    ``heading``: the number of the row with the headings. ``key``: the target records are recognised by. ``ways``: by
    which field of the other form a link is recognised, per target; without one by title or a unique field. ``group``:
    the target whose value holds the rows of one record together, None: all of them do. ``clear``: an empty cell
    empties the field.
    """

    columns: tuple[str | None, ...]
    headings: tuple[str, ...]
    heading: int = 1
    mode: Mode = "create"
    key: str | None = None
    group: str | None = None
    clear: bool = False
    ways: Mapping[str, str] = field(default_factory=dict)

    @property
    def used(self) -> frozenset[str]:
        return frozenset(name for name in self.columns if name)

    @property
    def with_lines(self) -> bool:
        return any("." in name for name in self.used)

    def column_of(self, target: str) -> int | None:
        return self.columns.index(target) if target in self.columns else None

    def dump(self) -> dict[str, Any]:
        return {**self.__dict__, "columns": list(self.columns), "headings": list(self.headings),
                "ways": dict(self.ways)}  # fmt: skip

    @classmethod
    def load(cls, stored: Mapping[str, Any]) -> Settings:
        return cls(**{**stored, "columns": tuple(stored["columns"]), "headings": tuple(stored["headings"])})


# --- what there is to fill -------------------------------------------------------------------------------------------


def targets_of(app: Application, actor: Actor, form: Form) -> dict[str, Target]:
    """Everything of the form this person may bring in, by name; what belongs to a line is ``lines.product``."""
    plan = app.plans.form(form)
    own = {target.name: target for target in _of_form(app, actor, plan, None)}
    for name, lines in plan.lines.items():
        if name in _settable(app, actor, plan):
            own.update((target.name, target) for target in _of_form(app, actor, lines.plan, lines.field))
    beside = system_columns(form)
    own[ID] = Target(ID, beside[ID])
    if form.workflow and may_adopt(app, actor, form):
        own[STATE] = Target(STATE, beside[STATE], history=True)
        own[SINCE] = Target(SINCE, beside[SINCE], history=True)
    return own


def _of_form(app: Application, actor: Actor, plan: FormPlan, lines: Field | None) -> Iterator[Target]:
    settable = _settable(app, actor, plan)
    around = f"{lines.name}." if lines else ""
    adopting = lines is None and may_adopt(app, actor, plan.form)
    for name, one in plan.fields.items():
        if one.type == "series" and adopting:
            yield Target(name, one, history=True)
        elif name in settable and one.kind not in _NEVER and not one.readonly and one.type != "signature":
            yield Target(around + name, one, lines)


def _settable(app: Application, actor: Actor, plan: FormPlan) -> frozenset[str]:
    creating = updatable_fields(app, actor, plan.form, creating=True)
    changing = updatable_fields(app, actor, plan.form)
    return frozenset(name for name in plan.fields if creating.ever(name) or changing.ever(name))


def may_adopt(app: Application, actor: Actor, form: Form) -> bool:
    """Bring records in with their state and numbers: who may import, and create whatever record it is."""
    if not may(app, actor, "import", form) or not may(app, actor, "create", form):
        return False
    return actor.boundless or () in rights_of(app, actor, form).verbs["create"]


def keys_of(app: Application, form: Form, targets: Targets) -> list[Target]:
    """The targets a record can be recognised by: unique by themselves, and the id."""
    unique = {group[0] for group in app.plans.form(form).unique if len(group) == 1}
    found = [target for name, target in targets.items() if name in unique]
    return [*found, *(targets[name] for name in (ID,) if name in targets)]


def ways_of(app: Application, target: Target) -> list[Field]:
    """The fields of the other form a link can be recognised by, beside its title."""
    form = linked_form(app, target)
    if form is None:
        return []
    unique = {group[0] for group in app.plans.form(form).unique if len(group) == 1}
    return [one for name, one in form.fields.items() if name in unique and not one.sensitive]


def linked_form(app: Application, target: Target) -> Form | None:
    return app.definition.forms[target.field.form] if target.field.kind in ("link", "links") else None  # type: ignore[attr-defined]


# --- guessing --------------------------------------------------------------------------------------------------------


def folded(text: str) -> str:
    """What two headings have in common that mean the same: no case, space, asterisk or full-width form."""
    return _NOISE.sub("", narrow(text).casefold())


def guess(headings: Sequence[str], targets: Targets, remembered: Mapping[str, str | None]) -> tuple[str | None, ...]:
    """The target of each column, each at most once: as the person said the last time, else by its heading."""
    names = _names(targets)
    taken: set[str] = set()
    found: list[str | None] = []
    for heading in headings:
        key = folded(heading)
        known = remembered[key] if key in remembered else _meant(key, names)
        usable = known if known in targets and known not in taken else None
        found.append(usable)
        taken.update({usable} if usable else ())
    return tuple(found)


def _meant(heading: str, names: Mapping[str, str]) -> str | None:
    if not heading:
        return None
    return names.get(heading) or names.get(_IN_BRACKETS.sub("", heading))


def _names(targets: Targets) -> dict[str, str]:
    """Every text that means a target; what the record itself has wins over what its lines have."""
    names: dict[str, str] = {}
    ordered = sorted(targets.values(), key=lambda target: (target.lines is not None, target.name in BESIDE))
    for target in ordered:
        for text in _texts(target):
            names.setdefault(folded(text), target.name)
    return names


def _texts(target: Target) -> Iterator[str]:
    own = [*target.field.title.texts.values(), target.field.name]
    if target.lines:
        around = [*target.lines.title.texts.values(), target.lines.name]
        yield from (f"{outer}{mark}{inner}" for outer in around for inner in own for mark in (".", ":", "/", "-", " "))
    yield from own


def heading_row(rows: Iterable[Any], targets: Targets) -> Any:
    """Of the first rows, the one most cells of which mean a target; the first, if none does."""
    names = _names(targets)
    best, most = None, 0
    for row in rows:
        score = sum(1 for cell in row.cells if _meant(folded(cell), names))
        if best is None or score > most:
            best, most = row, score
    return best


def usual(app: Application, form: Form, targets: Targets, settings: Settings) -> Settings:
    """What is likely meant: the rows of one record are held together by its key, where there is one."""
    key = next((target.name for target in keys_of(app, form, targets) if target.name in settings.used), None)
    return replace(settings, group=key if settings.with_lines else None, key=settings.key or key)


# --- what stands in the way ------------------------------------------------------------------------------------------


def missing(app: Application, form: Form, targets: Targets, settings: Settings) -> list[Target]:
    """Required fields without a column, nor a value a new record has by itself."""
    if settings.mode == "update":
        return []
    plan = app.plans.form(form)
    found = [targets[name] for name in _demanded(plan) if name in targets and name not in settings.used]
    for lines in plan.lines.values():
        named = any(name.startswith(f"{lines.name}.") for name in settings.used)
        if named or lines.least or lines.name in plan.required:
            own = [f"{lines.name}.{name}" for name in _demanded(lines.plan)]
            found += [targets[name] for name in own if name in targets and name not in settings.used]
    return found


def _demanded(plan: FormPlan) -> Iterator[str]:
    for name in plan.required:
        filled = plan.constants.get(name) is not None or name in plan.defaults or name in plan.visible_when
        if not filled and name not in plan.lines:
            yield name


def obstacles(app: Application, form: Form, targets: Targets, settings: Settings) -> list[Message]:
    """Why this cannot be checked yet."""
    found = [message("{label} is required and has no column.", label=one.title)
             for one in missing(app, form, targets, settings)]  # fmt: skip
    if not settings.used - {ID}:
        found.append(message("No column has been given a field."))
    twice = {name for name in settings.used if settings.columns.count(name) > 1}
    found += [message("{label} has been given to two columns.", label=targets[name].title) for name in sorted(twice)]
    if settings.mode != "create" and settings.key not in settings.used:
        found.append(message("To change records, say by which column they are recognised."))
    keys = keys_of(app, form, targets)
    if settings.mode != "create" and settings.key in settings.used and settings.key not in [one.name for one in keys]:
        known = [one.title for one in keys]
        label = targets[settings.key or ""].title
        found.append(message("{label} is not unique; records are recognised by {known}.", label=label, known=known))
    return found


def allowed_modes(app: Application, actor: Actor, form: Form) -> tuple[Mode, ...]:
    """What this person may do with a file."""
    creating, changing = may(app, actor, "create", form).allowed, may(app, actor, "update", form).allowed
    wanted = {"create": creating, "update": changing, "both": creating and changing}
    return tuple(mode for mode in MODES if wanted[mode])
