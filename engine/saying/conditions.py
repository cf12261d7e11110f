"""Expressions in whole words: ``record.amount > 1000 and record.client.level == 'a'`` is “Amount is greater than
1,000 and Client's Level is A”.

A condition is said clause by clause; a clause that has no words stands as its expression, with labels for names.
"""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from engine import formats
from engine.errors import Invalid, Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.fields.base import Field
from engine.formats import Reader
from engine.language import Duration, Label
from engine.saying.expressions import SYSTEM
from engine.saying.words import Words

TIMES = ("date", "datetime", "time")
ORDER: Mapping[type[ast.cmpop], tuple[Message, Message]] = {  # for what is counted, for what has a time
    ast.Gt: (message("{one} is greater than {other}"), message("{one} is after {other}")),
    ast.GtE: (message("{one} is at least {other}"), message("{one} is on or after {other}")),
    ast.Lt: (message("{one} is less than {other}"), message("{one} is before {other}")),
    ast.LtE: (message("{one} is at most {other}"), message("{one} is on or before {other}")),
}
IS, IS_NOT = message("{one} is {other}"), message("{one} is not {other}")
FILLED, EMPTY = message("{one} is filled in"), message("{one} is empty")
YES, NO = message("{one}: yes"), message("{one}: no")
TEXT_TESTS: Mapping[str, tuple[Message, Message]] = {
    "contains": (message("{one} contains {other}"), message("{one} does not contain {other}")),
    "starts_with": (message("{one} starts with {other}"), message("{one} does not start with {other}")),
    "ends_with": (message("{one} ends with {other}"), message("{one} does not end with {other}")),
}
OPPOSITE: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
SIGNS: Mapping[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷", ast.Mod: "mod"}
LENGTHS: Mapping[str, str] = {"days": "d", "hours": "h", "minutes": "m"}
ROOTS = ("record", "old", "source", "line")


class NoWords(Exception):
    """This part has no words; it stands as it is written."""


@dataclass(frozen=True)
class Thing:
    """What a path leads to: its words, and the field or the system column it is."""

    text: str
    field: Field | None = None
    name: str = ""
    form: str | None = None

    @property
    def kind(self) -> str:
        if self.field is not None:
            return self.field.kind
        return "datetime" if self.name.endswith(("_at", "_since", "_due")) else ""


@dataclass(frozen=True)
class Saying:
    """``form``: of ``record``; ``around``: of ``source``, where one record is looked at beside another; ``answers``:
    name of a question's result → its answers and their labels."""

    words: Words
    form: str | None
    around: str | None = None
    answers: Mapping[str, Mapping[str, Label]] | None = None

    # --- conditions

    def condition(self, source: str) -> str:
        """The whole condition. What cannot be read stands as it is written."""
        tree = self._read(source)
        return source if tree is None else self._joined(tree, source.strip())

    def clauses(self, source: str) -> tuple[str, ...]:
        """The parts joined by a top-level ``and``, each in words."""
        tree = self._read(source)
        if tree is None:
            return (source,)
        parts = tree.values if isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.And) else [tree]
        return tuple(self._joined(part, source.strip()) for part in parts)

    def _read(self, source: str) -> ast.expr | None:
        """None for what the language of expressions refuses."""
        try:
            compile_expression(source, self.words.registry)
        except ExpressionRefused:
            return None
        return ast.parse(source.strip(), mode="eval").body

    def _joined(self, node: ast.expr, source: str, inside: type[ast.boolop] | None = None) -> str:
        if not isinstance(node, ast.BoolOp):
            return self._clause(node, source)
        parts = [self._joined(part, source, type(node.op)) for part in node.values]
        pattern = "{one} and {other}" if isinstance(node.op, ast.And) else "{one} or {other}"
        text = parts[0]
        for part in parts[1:]:
            text = self._say(Message(pattern, {"one": text, "other": part}))
        return self._bracketed(text) if inside not in (None, type(node.op)) else text

    def _bracketed(self, text: str) -> str:
        return f"（{text}）" if self.words.language == "zh" else f"({text})"

    def _clause(self, node: ast.expr, source: str) -> str:
        try:
            return self._say(self._said(node, source))
        except NoWords:
            return self._as_written(node, source)

    def _as_written(self, node: ast.expr, source: str) -> str:
        return self.words.expression(ast.get_source_segment(source, node) or source, self.form)

    def _said(self, node: ast.expr, source: str) -> Message | str:
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            return self._compared(node.left, node.ops[0], node.comparators[0])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._denied(node.operand, source)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return message("always") if node.value else message("never")
        if isinstance(node, ast.Call):
            return self._tested(node, 0)
        return self._holds(self._thing(node), True)

    def _denied(self, node: ast.expr, source: str) -> Message | str:
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPPOSITE:
            return self._compared(node.left, OPPOSITE[type(node.ops[0])](), node.comparators[0])
        if isinstance(node, ast.Call):
            return self._tested(node, 1)
        if isinstance(node, ast.Attribute):
            return self._holds(self._thing(node), False)
        return message("it is not so that {condition}", condition=self._joined(node, source, ast.And))

    def _holds(self, thing: Thing, yes: bool) -> Message:
        """``record.urgent`` alone: a tick, or whether something is filled in."""
        if thing.name in ("final", "aside"):
            return FLAGS[thing.name, yes]
        pattern = (YES if yes else NO) if thing.kind == "boolean" else FILLED if yes else EMPTY
        return Message(pattern.pattern, {"one": thing.text})

    def _tested(self, node: ast.Call, denied: int) -> Message:
        """``contains(record.name, 'x')``."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in TEXT_TESTS or len(node.args) != 2 or node.keywords:
            raise NoWords
        thing = self._thing(node.args[0])
        return self._filled(TEXT_TESTS[name][denied], thing.text, self._term(node.args[1], thing))

    def _compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Message:
        if isinstance(op, ast.In | ast.NotIn):
            return self._among(left, isinstance(op, ast.In), right)
        thing = self._thing_or_none(left)
        if _is_none(right) and isinstance(op, ast.Is | ast.Eq | ast.IsNot | ast.NotEq):
            return self._filled(EMPTY if isinstance(op, ast.Is | ast.Eq) else FILLED, self._term(left, None))
        one, other = self._term(left, self._thing_or_none(right)), self._term(right, thing)
        if isinstance(op, ast.Eq | ast.NotEq):
            return self._equal(thing, isinstance(op, ast.Eq), right, one, other)
        if type(op) not in ORDER:
            raise NoWords
        return self._filled(ORDER[type(op)][self._is_time(thing, left, right)], one, other)

    def _equal(self, thing: Thing | None, yes: bool, right: ast.expr, one: str, other: str) -> Message:
        if thing is not None and thing.kind == "boolean" and isinstance(right, ast.Constant):
            return self._filled(YES if bool(right.value) is yes else NO, thing.text)
        return self._filled(IS if yes else IS_NOT, one, other)

    def _among(self, left: ast.expr, yes: bool, right: ast.expr) -> Message:
        if isinstance(right, ast.Tuple | ast.List):
            thing = self._thing_or_none(left)
            others = self.words.listed([self._term(each, thing) for each in right.elts])
            pattern = message("{one} is one of {other}") if yes else message("{one} is none of {other}")
            return self._filled(pattern, self._term(left, None), others)
        if _path(right) == ("user", "roles") and isinstance(left, ast.Constant) and isinstance(left.value, str):
            role = self.words.role_label(left.value)
            pattern = message("the person is {other}") if yes else message("the person is not {other}")
            return self._filled(pattern, "", role)
        thing = self._thing(right)
        pattern = message("{one} contains {other}") if yes else message("{one} does not contain {other}")
        return self._filled(pattern, thing.text, self._term(left, thing))

    def _is_time(self, thing: Thing | None, *nodes: ast.expr) -> bool:
        calls = [call.func for node in nodes for call in ast.walk(node) if isinstance(call, ast.Call)]
        return (thing is not None and thing.kind in TIMES) or any(
            isinstance(call, ast.Name) and call.id in ("today", "now", "date") for call in calls
        )

    def _filled(self, pattern: Message, one: str, other: str = "") -> Message:
        return Message(pattern.pattern, {"one": one, "other": other})

    def _say(self, text: Message | str) -> str:
        return self.words.say(text) if isinstance(text, Message) else text

    # --- values

    def value(self, source: str, field: Field | None = None) -> str:
        """A value worked out; ``field``: what it becomes."""
        tree = self._read(source)
        try:
            return source if tree is None else self._term(tree, Thing("", field) if field else None)
        except NoWords:
            return self.words.expression(source, self.form)

    def _term(self, node: ast.expr, beside: Thing | None) -> str:
        if isinstance(node, ast.Constant):
            return self._literal(node.value, beside)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant):
            return self._literal(-node.operand.value, beside)  # type: ignore[operator]
        if isinstance(node, ast.BinOp):
            return self._reckoned(node, beside)
        if isinstance(node, ast.Call):
            return self._called(node)
        return self._thing(node).text

    def _reckoned(self, node: ast.BinOp, beside: Thing | None) -> str:
        if moment := self._around_a_day(node):
            return moment
        if type(node.op) not in SIGNS:
            raise NoWords
        same = beside if isinstance(node.op, ast.Add | ast.Sub) else None  # an amount times two is no amount of money
        parts = [self._term(side, same) for side in (node.left, node.right)]
        shown = [self._bracketed(text) if isinstance(side, ast.BinOp) and not isinstance(node.op, ast.Add) else text
                 for side, text in zip((node.left, node.right), parts, strict=True)]  # fmt: skip
        return f" {SIGNS[type(node.op)]} ".join(shown)

    def _around_a_day(self, node: ast.BinOp) -> str:
        """``today() + days(3)``, ``record.due_on - days(2)``."""
        call = node.right
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in LENGTHS):
            return ""
        if not (len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, int)):
            return ""
        length = self.words.length(Duration(call.args[0].value, LENGTHS[call.func.id]))  # type: ignore[arg-type]
        after, before = message("{length} after {moment}"), message("{length} before {moment}")
        pattern = after if isinstance(node.op, ast.Add) else before
        return self._say(Message(pattern.pattern, {"length": length, "moment": self._term(node.left, None)}))

    def _called(self, node: ast.Call) -> str:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in CALLS and not node.args:
            return self._say(CALLS[name])
        if name in ("str", "text") and len(node.args) == 1:
            return self._term(node.args[0], None)
        raise NoWords

    def _literal(self, value: Any, beside: Thing | None) -> str:
        if value is None:
            return self._say(message("nothing"))
        if beside is not None and isinstance(value, str) and (named := self._named(value, beside)):
            return named
        if isinstance(value, bool):
            return self._say(message("yes")) if value else self._say(message("no"))
        if isinstance(value, int | float | Decimal):
            return self._number(value, beside)
        return f"“{value}”"

    def _number(self, value: Any, beside: Thing | None) -> str:
        try:
            if beside is not None and beside.field is not None and beside.kind == "number":
                exact = beside.field.parse(str(value), Reader())
                return beside.field.format(exact, self._reader())
            return formats.decimal(Decimal(str(value)))
        except (Invalid, InvalidOperation, NotImplementedError):
            return str(value)

    def _reader(self) -> Reader:
        definition = self.words.definition
        return Reader(self.words.language, definition.timezone, definition.currency)

    def _named(self, value: str, beside: Thing) -> str:
        """A text that is the name of an option, a state, an answer or a date."""
        if beside.field is None and beside.name == "state":
            return f"“{self.words.state_label(beside.form, value)}”"
        if beside.field is None and beside.name == "owner_role":
            return self.words.role_label(value)
        options = getattr(beside.field, "options", None) or (self.answers or {}).get(beside.name, {})
        label = options.get(value) if isinstance(options, Mapping) else None
        if isinstance(label, Label):
            return f"“{label.text(self.words.language)}”"
        if label is not None:
            return f"“{label.label.text(self.words.language)}”" if getattr(label, "label", None) else f"“{value}”"
        return self._day(value) if beside.kind in ("date", "datetime") else ""

    def _day(self, value: str) -> str:
        try:
            return formats.date(dt.date.fromisoformat(value), self.words.language)
        except ValueError:
            return ""

    # --- paths

    def _thing_or_none(self, node: ast.expr) -> Thing | None:
        try:
            return self._thing(node)
        except NoWords:
            return None

    def _thing(self, node: ast.expr) -> Thing:
        path = _path(node)
        if not path:
            raise NoWords
        if path[0] in ("user", "results"):
            return self._person(path) if path[0] == "user" else self._result(path)
        if path[0] not in ROOTS or (path[0] == "line" and self.form is None):
            raise NoWords
        form = self.around if path[0] == "source" and self.around else self.form
        if len(path) == 1:
            return Thing(self._say(WAKING if path[0] == "source" else ITSELF), None, "", form)
        found, where = self._along(form, path[1:]), WHERE.get(path[0])
        return found if where is None else Thing(self._say(Message(where.pattern, {"field": found.text})),
                                                 found.field, found.name, found.form)  # fmt: skip

    def _along(self, form: str | None, names: Sequence[str]) -> Thing:
        """``project.budget`` → Project's Budget."""
        text, field, name, at = "", None, "", form
        for name in names:
            field = self.words.field(at, name)
            known = self.words.form(at)
            if field is None and name in ("final", "aside") and text:
                return Thing(text, None, name, at)
            label = self._label(field, name)
            text = label if not text else self._say(message("{thing}'s {part}", thing=text, part=label))
            here, at = at, getattr(field, "form", None) or (known.parent_form if known and name == "parent" else None)
        return Thing(text, field, name, here)

    def _label(self, field: Field | None, name: str) -> str:
        if field is not None:
            return field.label_in(self.words.language)
        if name in SYSTEM:
            return SYSTEM[name][self.words.language]
        raise NoWords

    def _person(self, path: tuple[str, ...]) -> Thing:
        if len(path) == 1 or path[1:] == ("id",):
            return Thing(self._say(message("the person")))
        raise NoWords

    def _result(self, path: tuple[str, ...]) -> Thing:
        """``results.decision.answer``: the answer of an earlier question."""
        if len(path) == 3 and path[1] in (self.answers or {}) and path[2] in RESULTS:
            return Thing(self._say(Message(RESULTS[path[2]].pattern, {"name": path[1]})), None, path[1])
        raise NoWords


ITSELF, WAKING = message("the record"), message("the record that woke the rule")
CALLS: Mapping[str, Message] = {"today": message("today"), "now": message("now")}
WHERE: Mapping[str, Message] = {
    "old": message("{field} before the change"),
    "source": message("{field} of the record that woke the rule"),
}
FLAGS: Mapping[tuple[str, bool], Message] = {
    ("final", True): message("the record is finished"),
    ("final", False): message("the record is not finished"),
    ("aside", True): message("the record stands aside"),
    ("aside", False): message("the record does not stand aside"),
}
RESULTS: Mapping[str, Message] = {
    "answer": message("the answer to “{name}”"),
    "comment": message("the comment on “{name}”"),
    "timed_out": message("the time for “{name}” being over"),
}


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _path(node: ast.expr) -> tuple[str, ...]:
    """``record.project.budget`` → its names; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else ()


def condition(words: Words, source: str, form: str | None, around: str | None = None) -> str:
    """The condition in words; ``around``: the form of ``source``."""
    return Saying(words, form, around).condition(source)


def value_text(words: Words, source: str, form: str | None, field: Field | None = None) -> str:
    """The value an expression gives, in words; ``field``: the one it is given to or compared with."""
    return Saying(words, form).value(source, field)
