"""Templates compiled once for each language, with everything that never changes worked out while compiling.

``{{ _("Save") }}`` and ``{{ icon("check") }}`` stand in the compiled template as the finished text, so that drawing a
page is mostly joining constants. Calls with other than constant arguments are made when the page is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from flask import Flask
from flask.templating import Environment as FlaskEnvironment
from jinja2 import nodes
from jinja2.visitor import NodeTransformer

Words = Mapping[str, Any]


class Environment(FlaskEnvironment):
    """Flask's environment; ``constant`` are the functions whose answer depends on their arguments alone."""

    constant: Mapping[str, Callable[..., Any]] = {}

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Every drawing copies the globals, and a plain dict is copied ten times as fast as a chain of them.
        return super().make_globals(d) if d else self.globals

    def _generate(self, source: nodes.Template, *rest: Any, **options: Any) -> str:
        if self.constant:
            _Folding(self.constant, source).visit(source)
        return super()._generate(source, *rest, **options)


class _Folding(NodeTransformer):
    def __init__(self, constant: Mapping[str, Callable[..., Any]], source: nodes.Template) -> None:
        own = {name.name for name in source.find_all(nodes.Name) if name.ctx != "load"}
        own |= {macro.name for macro in source.find_all(nodes.Macro)}
        own |= {
            each if isinstance(each, str) else each[1]
            for one in source.find_all(nodes.FromImport)
            for each in one.names
        }
        self.constant = {name: call for name, call in constant.items() if name not in own}

    def visit_Call(self, node: nodes.Call, *_rest: Any) -> nodes.Node:
        self.generic_visit(node)
        if not isinstance(node.node, nodes.Name) or node.node.name not in self.constant:
            return node
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not all(_plain(each) for each in node.args):
            return node
        values = [each.value for each in node.args if isinstance(each, nodes.Const)]
        return nodes.Const(self.constant[node.node.name](*values), lineno=node.lineno)


def _plain(node: nodes.Expr) -> bool:
    return isinstance(node, nodes.Const) and isinstance(node.value, str)


def in_language(flask: Flask, language: str, words_of: Callable[[str], tuple[Words, Words]]) -> Environment:
    """The environment of the language, made when it is first asked for.

    ``words_of(language)`` answers what templates call in that language: (the constant functions, the others).
    """
    made: dict[str, Environment] = flask.extensions.setdefault("appmill.languages", {})
    found = made.get(language)
    if found is None:
        constant, others = words_of(language)
        overlay = flask.jinja_env.overlay(cache_size=-1)
        assert isinstance(overlay, Environment)
        overlay.constant = constant
        overlay.globals = {**overlay.globals, **constant, **others}
        found = made[language] = overlay
    return found
