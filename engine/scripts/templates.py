"""Templates of mails and letters: Jinja2 in its sandbox, cut down to data, tests, loops and an allow-list of filters.

Nothing of Python can be reached: an attribute is an entry of a group or a part of a date, nothing but the template's
own macros can be called, and what grows is bounded. A template is only compiled where it is rendered, in the process
that scripts run in, because compiling works out what is constant in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from engine.errors import Message, message
from engine.expressions.errors import EvaluationFailed
from engine.scripts import guards
from engine.scripts.errors import SourceProblem

MAX_LENGTH = 50_000
MAX_PROBLEMS = 20

FILTERS = frozenset({
    "abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "forceescape", "indent", "int",
    "items", "join", "last", "length", "list", "lower", "max", "min", "replace", "reverse", "round", "sort",
    "striptags", "sum", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount",
})  # fmt: skip
TESTS = frozenset({
    "boolean", "defined", "divisibleby", "eq", "equalto", "even", "ge", "gt", "greaterthan", "in", "le", "lessthan",
    "lower", "lt", "mapping", "ne", "none", "number", "odd", "sequence", "string", "undefined", "upper",
    "==", "!=", ">", ">=", "<", "<=",
})  # fmt: skip
_LENGTHENING = ("indent", "truncate", "round")
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": guards.add,
    "-": guards.subtract,
    "*": guards.multiply,
    "/": guards.OPERATORS["_divide_"],
    "//": guards.OPERATORS["_floor_divide_"],
    "%": guards.OPERATORS["_modulo_"],
    "**": guards.OPERATORS["_power_"],
}
_REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
    nodes.Block: "block",
    nodes.CallBlock: "call",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_LOOP = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "previtem", "nextitem"}
)


class Absent(StrictUndefined):
    """Something that is not there: it may be asked whether it is, and stands for no value."""

    @property
    def _undefined_message(self) -> str:
        return str(self._undefined_name)[:80]


class TemplateData(ImmutableSandboxedEnvironment):
    """The sandbox in which only data answers."""

    intercepted_binops = frozenset(_OPERATORS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._part(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (list, tuple, str)) and type(argument) is int:
            return obj[argument] if -len(obj) <= argument < len(obj) else self.undefined(obj=obj, name=str(argument))
        if isinstance(obj, (list, tuple, str)) and type(argument) is slice:
            return obj[argument]
        return self._part(obj, argument)

    def _part(self, thing: Any, name: Any) -> Any:
        if isinstance(thing, LoopContext) and name in _LOOP:
            return getattr(thing, name)
        if isinstance(thing, (dict, guards.Given)) and name in thing:
            return thing[name]
        if isinstance(thing, Undefined) or type(name) is not str:
            return self.undefined(obj=thing, name=name)
        try:
            return guards.part(thing, name)
        except EvaluationFailed:
            return self.undefined(obj=thing, name=name)

    def is_safe_callable(self, obj: Any) -> bool:
        return isinstance(obj, Macro)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        for side in (left, right):
            if isinstance(side, Undefined):
                str(side)  # raises: what is not there is not reckoned with
        return _OPERATORS[operator](_exact(left), _exact(right))


def _exact(value: Any) -> Any:
    """Numbers of the template are exact, escaped texts are texts."""
    if type(value) is float:
        return Decimal(repr(value))
    return str(value) if isinstance(value, Markup) else value


def _shown(value: Any) -> Any:
    if isinstance(value, (str, Undefined)):
        return value
    return guards.text(_exact(value))


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose number makes its result long."""

    def bounded(value: Any, *values: Any, **named: Any) -> Any:
        for number in (*values, *named.values()):
            if isinstance(number, (int, float)) and not -guards.MAX_TEXT <= number <= guards.MAX_TEXT:
                raise EvaluationFailed(message("{number} is too much for {name}", number=str(number)[:40], name=name))
        return function(value, *values, **named)

    return bounded


def _environment(html: bool) -> TemplateData:
    made = TemplateData(
        undefined=Absent, autoescape=html, finalize=_shown, trim_blocks=True, lstrip_blocks=True,
        extensions=["jinja2.ext.loopcontrols"],
    )  # fmt: skip
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.filters |= {name: _bounded(name, made.filters[name]) for name in _LENGTHENING}
    made.tests = {name: made.tests[name] for name in TESTS}
    return made


_ENVIRONMENTS = {html: _environment(html) for html in (False, True)}


def check_template_source(text: str, names: Iterable[str] | None = None) -> list[SourceProblem]:
    """What is wrong with a template; nothing of it is run. ``names``: what it will be given, where that is known."""
    return list(_checked(text, None if names is None else frozenset(names)))


@lru_cache(1000)
def _checked(text: str, names: frozenset[str] | None) -> list[SourceProblem]:
    if len(text) > MAX_LENGTH:
        found = message("A template has at most {limit} characters, this one has {length}",
                        limit=MAX_LENGTH, length=len(text))  # fmt: skip
        return [SourceProblem(found, 1)]
    try:
        tree = _ENVIRONMENTS[True].parse(text)
        return list(_problems(tree, names))[:MAX_PROBLEMS]
    except TemplateSyntaxError as error:
        return [SourceProblem(message("This is no template: {cause}", cause=(error.message or "")[:200]), error.lineno)]
    except (RecursionError, MemoryError, ValueError, OverflowError):
        return [SourceProblem(message("The template is too complicated"), 1)]


def _problems(tree: nodes.Template, names: Iterable[str] | None) -> Iterable[SourceProblem]:
    macros = {macro.name for macro in tree.find_all(nodes.Macro)}
    for node in tree.find_all(nodes.Node):
        found = _problem(node, macros)
        if found:
            yield SourceProblem(found, node.lineno)
    if names is not None:
        yield from _unknown(tree, {*names, *macros, "loop"})


def _unknown(tree: nodes.Template, given: set[str]) -> Iterable[SourceProblem]:
    given |= {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    for node in tree.find_all(nodes.Name):
        if node.name not in given:
            yield SourceProblem(message("There is no {name} here", name=node.name), node.lineno)


def _problem(node: nodes.Node, macros: set[str]) -> Message | None:
    if isinstance(node, nodes.Call):
        own = isinstance(node.node, nodes.Name) and node.node.name in macros
        return None if own else message("Only macros of the template itself can be called; use a filter")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        return message("There is no filter {name}", name=str(node.name)[:80])
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        return message("There is no test {name}", name=str(node.name)[:80])
    if isinstance(node, (nodes.Getattr, nodes.Name)):
        name = node.attr if isinstance(node, nodes.Getattr) else node.name
        return message("{name} is no name a template may use", name=name[:80]) if name.startswith("_") else None
    word = _REFUSED.get(type(node))
    return message("{thing} cannot be used in a template", thing=word) if word else None


@lru_cache(200)
def _compiled(text: str, html: bool) -> Template:
    return _ENVIRONMENTS[html].from_string(text)


def render(text: str, names: Mapping[str, Any], *, html: bool) -> str:
    """The text filled in; raises TemplateFailed. Only in the process that scripts run in."""
    template = _compiled(text, html)
    return "".join(template.root_render_func(template.new_context(dict(names))))


def line_in(text: str, html: bool, line: int) -> int:
    """The line of the template a line of its code comes from."""
    return _compiled(text, html).get_corresponding_lineno(line)


def cause_in(error: TemplateError) -> Message:
    """What a person is told of a template's failure."""
    if isinstance(error, SecurityError):
        return message("This cannot be used in a template")
    if isinstance(error, UndefinedError):
        return message("There is no {name} here", name=error.message or "?")
    return message("This is no template: {cause}", cause=(error.message or "")[:160])
