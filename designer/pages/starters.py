"""What a new card begins with, so that it shows figures at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from designer.blank import blank
from designer.forms.steps import Steps, languages
from designer.naming import label_value, unique
from designer.text import EditRefused, Insert
from designer.workspace import Workspace
from engine.cards import Card, Formula
from engine.definition import Form
from engine.errors import Message, message
from engine.fields.base import Field
from engine.schema import keys_of
from engine.texts import say
from engine.views import GanttView, KanbanView, ListView, View

WIDTHS: Mapping[str, int] = {
    "formula": 4, "before_after": 6, "ageing": 12, "cycle": 6, "dwell": 12, "process": 12,
    "trend": 6, "breakdown": 6, "table": 6, "records": 6, "board": 12, "gantt": 12, "text": 12,
}  # fmt: skip
Starter = Callable[[Steps, Form], dict[str, Any]]


def card_data(steps: Steps, kind: str, form: str, siblings: list[Any]) -> dict[str, Any]:
    """A card of a kind over a form, with what it needs; a view it shows is made where there is none."""
    workspace = steps.workspace
    cls: Any = workspace.registry.cards.get(kind)
    if cls is None:
        raise EditRefused(message("There is no card type {name}.", name=kind))
    starter = _STARTERS.get(kind)
    over_form = any(key.name == "form" for key in keys_of(cls))
    over = _form(workspace, form) if over_form or issubclass(cls, Formula) else None
    texts = _texts(workspace, _LABELS.get(kind, message("{form}")), over, cls)
    label = label_value(texts, siblings, languages(workspace))
    named = {"form": over.name} if over is not None and over_form else {}
    data: dict[str, Any] = {"type": kind, "label": label} | named
    if starter is not None and over is not None:
        data |= starter(steps, over)
    elif starter is None and kind != "text":
        data = blank(workspace, Card, form=over.name if over else None, kind=kind) | data
    return data | ({"width": WIDTHS[kind]} if kind in WIDTHS else {})


def _form(workspace: Workspace, name: str) -> Form:
    definition = workspace.loaded.definition
    if name and name in definition.forms:
        return definition.forms[name]
    if name:
        raise EditRefused(message("There is no form {name}.", name=name))
    shown = [form for form in definition.forms.values() if not form.parent_form]
    found = next((form for form in shown if form.workflow), None) or next(iter(shown), None)
    if found is None:
        raise EditRefused(message("A card shows records: add a form first."))
    return found


def _texts(workspace: Workspace, pattern: Message, form: Form | None, cls: Any) -> dict[str, str]:
    called: Any = (form.plural or form.label) if form is not None else message(words_of(cls))
    return {language: say(message(pattern.pattern, form=called), language) for language in languages(workspace)}


def words_of(cls: Any) -> str:
    """What the palette calls a card."""
    return CARD_WORDS.get(cls.type, cls.type.replace("_", " ").capitalize())


CARD_WORDS: Mapping[str, str] = {
    "number": message("Number").pattern,
    "trend": message("Trend").pattern,
    "breakdown": message("Breakdown").pattern,
    "table": message("Summary table").pattern,
    "records": message("List").pattern,
    "board": message("Board").pattern,
    "gantt": message("Time line").pattern,
    "text": message("Heading or text").pattern,
    "formula": message("Formula").pattern,
    "before_after": message("Before and after").pattern,
    "ageing": message("Ages").pattern,
    "cycle": message("Lead time").pattern,
    "dwell": message("Where time is lost").pattern,
    "process": message("Process map").pattern,
}
_LABELS: Mapping[str, Message] = {
    "trend": message("{form} by month"),
    "breakdown": message("{form} by group"),
    "table": message("{form} in figures"),
    "ageing": message("{form} by age"),
    "cycle": message("Lead time of {form}"),
    "dwell": message("Where {form} wait"),
    "process": message("Paths of {form}"),
    "text": message("Heading"),
}


# --- what each needs -------------------------------------------------------------------------------------------------


def _number(steps: Steps, form: Form) -> dict[str, Any]:
    return {}


def _trend(steps: Steps, form: Form) -> dict[str, Any]:
    return {"date": "created_at", "by": "month"}


def _breakdown(steps: Steps, form: Form) -> dict[str, Any]:
    return {"group": next(groups(form))}


def _table(steps: Steps, form: Form) -> dict[str, Any]:
    money = next((name for name, field in form.fields.items() if _is_figure(field)), None)
    figures = [{"fold": "count"}, *([{"fold": "sum", "field": money}] if money else [])]
    return {"rows": next(groups(form)), "figures": figures}


def _formula(steps: Steps, form: Form) -> dict[str, Any]:
    """How many there are of what began in the period: a formula to go on from."""
    return {"figures": {"made": {"form": form.name, "date": "created_at"}}, "value": "made", "digits": 0}


def _ageing(steps: Steps, form: Form) -> dict[str, Any]:
    days = [name for name, field in form.fields.items()
            if field.kind in ("date", "datetime") and field.column_type() is not None]  # fmt: skip
    money = next((name for name, field in form.fields.items() if _is_figure(field)), None)
    return {"date": days[0] if days else "created_at"} | ({"fold": "sum", "field": money} if money else {})


def _cycle(steps: Steps, form: Form) -> dict[str, Any]:
    if form.workflow is None:
        return {"from": {"field": "created_at"}, "to": {"field": "updated_at"}}
    final = next((name for name, state in form.workflow.states.items() if state.final), None)
    return {"from": {"field": "created_at"}, "to": {"state": final or list(form.workflow.states)[-1]}}


def _dwell(steps: Steps, form: Form) -> dict[str, Any]:
    if form.workflow is None:
        raise EditRefused(message("This card needs states: {form} has none.", form=form.label))
    return {}


def _records(steps: Steps, form: Form) -> dict[str, Any]:
    view = next(view for view in form.views.values() if isinstance(view, ListView))
    return {"columns": list(view.columns[:4])} | ({"sort": list(view.sort)} if view.sort else {})


def _board(steps: Steps, form: Form) -> dict[str, Any]:
    found = _view(form, KanbanView)
    if found is None:
        group = next((name for name in groups(form) if name in _makes_columns(form)), None)
        if group is None:
            raise EditRefused(message("A board needs states or a choice: {form} has neither.", form=form.label))
        found = _new_view(steps, form, "board", {"type": "kanban", "group": group, "card": _first_columns(form)})
    return {"view": found}


def _gantt(steps: Steps, form: Form) -> dict[str, Any]:
    found = _view(form, GanttView)
    if found is None:
        days = [name for name, field in form.fields.items() if field.kind in ("date", "datetime")]
        if not days:
            raise EditRefused(message("A time line needs a date: {form} has none.", form=form.label))
        start = days[0] if len(days) > 1 else "created_at"
        found = _new_view(steps, form, "time_line", {"type": "gantt", "start": start, "end": days[-1]})
    return {"view": found}


_STARTERS: Mapping[str, Starter] = {
    "number": _number, "trend": _trend, "breakdown": _breakdown, "table": _table, "records": _records,
    "board": _board, "gantt": _gantt, "formula": _formula, "before_after": _formula, "ageing": _ageing,
    "cycle": _cycle, "dwell": _dwell, "process": _dwell,
}  # fmt: skip


def groups(form: Form) -> Iterator[str]:
    """What records can be grouped by: the state first, at last who made them."""
    if form.workflow:
        yield "state"
    for kinds in (("choice",), ("link", "user"), ("boolean",)):
        for name, field in form.fields.items():
            if (field.type in kinds or field.kind in kinds) and field.column_type() is not None:
                yield name
    yield "created_by"


def _makes_columns(form: Form) -> set[str]:
    return {"state", *(name for name, field in form.fields.items() if field.type == "choice")}


def _is_figure(field: Field) -> bool:
    return field.kind in ("number", "duration") and field.column_type() is not None


def _view(form: Form, cls: type[View]) -> str | None:
    return next((view.name for view in form.views.values() if isinstance(view, cls)), None)


def _first_columns(form: Form) -> list[str]:
    view = next(view for view in form.views.values() if isinstance(view, ListView))
    return [str(name) for name in view.columns if name != "state"][:3] or [str(name) for name in view.columns[:3]]


def _new_view(steps: Steps, form: Form, name: str, data: Mapping[str, Any]) -> str:
    """The form gets the view the card shows."""
    called = unique(name, form.views)
    if not steps.at(("forms", form.name, "views")):
        first = next(view for view in form.views.values() if isinstance(view, ListView))
        steps.set(("forms", form.name, "views"), {first.name: {"type": "list", "columns": list(first.columns)}})
    steps.do(Insert(("forms", form.name, "views"), called, dict(data)))
    return called
