"""What steps read of the answers of earlier steps: a result that is saved, an answer that can be given."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from engine.actions import Ask
from engine.approve import Approve
from engine.checks.review import Leaf, Review, unknown
from engine.definition import Rule
from engine.errors import message
from engine.expressions.template import split
from engine.language import Expression, Template

OUTCOME = ("answer", "by", "by_name", "comment", "at", "timed_out", "answers", "missing")
APPROVED = ("answer", "by", "by_name", "comment", "at", "timed_out", "rounds", "link", "steps")
ENDINGS = ("approved", "refused", "returned", "withdrawn", "timed_out")


def check_asking(review: Review) -> None:
    saved = {rule.name: _saved(rule) for rule in review.definition.rules.values()}
    for leaf in review.leaves:
        rule = leaf.inside(Rule)
        if rule is not None and not leaf.is_key:
            for source in _sources(leaf):
                _check(review, leaf, source, saved[rule.name])
    for rule in review.definition.rules.values():
        for path, action, _form in rule.steps():
            if isinstance(action, Ask) and action.needs == "any":
                _all_decide(review, action, ("rules", rule.name, *path))


def _saved(rule: Rule) -> Mapping[str, Any]:
    """Name → the action whose answer is kept under it."""
    return {name: action for _path, action, _form in rule.steps() if (name := getattr(action, "saved_as", None))}


def _sources(leaf: Leaf) -> Iterator[str]:
    if isinstance(leaf.value, Template):
        for text in leaf.value.texts.values():
            yield from (source for _words, source in split(text) if source is not None)
    elif leaf.hint is Expression:
        yield leaf.value


def _check(review: Review, leaf: Leaf, source: str, saved: Mapping[str, Any]) -> None:
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError:
        return  # told by the check of expressions
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_results(node.value):
            if node.attr not in saved:
                said = message("No step keeps its answer as '{name}'", name=node.attr)
                review.error(leaf.path, unknown(said, node.attr, saved))
        elif isinstance(node, ast.Attribute) and (asked := _asked(node.value, saved)):
            _outcome(review, leaf, node.attr, asked)
        elif isinstance(node, ast.Compare):
            _compared(review, leaf, node, saved)


def _outcome(review: Review, leaf: Leaf, name: str, asked: Ask | Approve) -> None:
    known = OUTCOME if isinstance(asked, Ask) else APPROVED
    if name not in known:
        said = message("The outcome of a question has no '{name}'", name=name)
        review.error(leaf.path, unknown(said, name, known))


def _is_results(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "results"


def _asked(node: ast.expr, saved: Mapping[str, Any]) -> Ask | Approve | None:
    """The question of ``results.<name>``."""
    found = saved.get(node.attr) if isinstance(node, ast.Attribute) and _is_results(node.value) else None
    return found if isinstance(found, Ask | Approve) else None


def _compared(review: Review, leaf: Leaf, node: ast.Compare, saved: Mapping[str, Any]) -> None:
    """``results.decision.answer == 'yes'`` and ``in ('yes', 'no')`` name answers that can be given."""
    sides = (node.left, *node.comparators)
    asked = next((found for one in sides if (found := _answer_of(one, saved))), None)
    if asked is None:
        return
    known = tuple(asked.answers) if isinstance(asked, Ask) else ENDINGS
    for one in sides:
        listed = one.elts if isinstance(one, ast.Tuple | ast.List) else (one,)
        for each in listed:
            if isinstance(each, ast.Constant) and isinstance(each.value, str) and each.value not in known:
                said = message("'{name}' is none of the answers", name=each.value)
                review.error(leaf.path, unknown(said, each.value, known))


def _answer_of(node: ast.expr, saved: Mapping[str, Any]) -> Ask | Approve | None:
    is_answer = isinstance(node, ast.Attribute) and node.attr == "answer"
    return _asked(node.value, saved) if is_answer else None  # type: ignore[attr-defined]


def _all_decide(review: Review, action: Ask, path: tuple[str | int, ...]) -> None:
    for name, one in action.answers.items():
        if one.decisive:
            said = message("With needs: any the first answer decides, whichever it is; leave `decisive` out.")
            review.warning((*path, "answers", name, "decisive"), said)
