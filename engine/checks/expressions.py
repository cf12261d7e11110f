"""Every expression and every template: its names, fields and functions, in the scope of the place it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.actions import CopyLines, CreateRecord, ForEach, UpdateMatching
from engine.approve import Approve
from engine.cards import Formula
from engine.checks.feeds import feed_names
from engine.checks.names import copied_form, is_role, linked_form
from engine.checks.review import Leaf, Review, unknown
from engine.connecting.expressing import FUNCTIONS
from engine.connecting.parts import names_at
from engine.connectors import Connection
from engine.definition import Form, Rule
from engine.errors import message
from engine.expressions import Scope, check_expression, check_template
from engine.expressions.syntax import words_in
from engine.feeds import Feed
from engine.fields.base import Field
from engine.language import ADMIN, Condition, Expression, Receiver, Template
from engine.reach import TEXT_NAMES, ReachText
from engine.registry import Registry
from engine.yamlfile import Path


def check_expressions(review: Review) -> None:
    for leaf in review.leaves:
        if isinstance(leaf.value, Template):
            _templates(review, leaf)
        elif leaf.hint is Receiver:
            _receiver(review, leaf)
        elif leaf.hint is Expression:
            _check(review, leaf.path, leaf.value, scope_of(review, leaf), _functions(review, leaf))
        elif isinstance(leaf.value, Condition) and leaf.value.expression is not None:
            _check(review, leaf.path, leaf.value.expression, scope_of(review, leaf))


def _templates(review: Review, leaf: Leaf) -> None:
    if any(_names_lost(review, text) for text in leaf.value.texts.values()):
        return
    for language, (said, column) in check_template(leaf.value, scope_of(review, leaf), _functions(review, leaf)):
        review.error((*leaf.path, language) if language else leaf.path, said, offset=column)


def _functions(review: Review, leaf: Leaf) -> Registry:
    """Where its functions come from: connections know those of Appmill only."""
    return review.registry if leaf.inside(Connection) is None else FUNCTIONS


def _check(review: Review, path: Path, source: str, scope: Scope, functions: Registry | None = None) -> None:
    if not _names_lost(review, source):
        for said, column in check_expression(source, scope, functions or review.registry):
            review.error(path, said, offset=column)


def _names_lost(review: Review, text: str) -> bool:
    """Whether it names something that is wrong itself, so that its own mistakes cannot be told."""
    return not review.lost.isdisjoint(words_in(text))


def _receiver(review: Review, leaf: Leaf) -> None:
    """A single word that is no name here was meant as a role."""
    path, text, scope = leaf.path, leaf.value, scope_of(review, leaf)
    if is_role(review, text) or review.is_lost(text):
        return
    if text.isidentifier() and text not in scope.known:
        known = (*review.definition.roles, ADMIN)
        review.error(path, unknown(message("There is no role '{name}'", name=text), text, known))
    else:
        _check(review, path, text, scope)


# --- scopes


def scope_of(review: Review, leaf: Leaf) -> Scope:
    """What an expression may name at its place."""
    rule = leaf.inside(Rule)
    if rule is not None:
        return _rule_scope(review, rule, _more_names(review, rule, leaf))
    feed = leaf.inside(Feed)
    if feed is not None:
        return Scope(review.definition, None, feed_names(review, feed, leaf.owner, str(leaf.path[-1])))
    if isinstance(leaf.owner, Formula):
        return Scope(review.definition, None, dict.fromkeys(leaf.owner.figures, "number"))
    if isinstance(leaf.owner, ReachText):
        return Scope(review.definition, None, dict.fromkeys(TEXT_NAMES, "text"))
    if leaf.inside(Connection) is not None:
        return Scope(review.definition, None, dict.fromkeys(names_at(leaf.owner, leaf.path), "any"))
    form = review.form(leaf.form)
    field = leaf.inside(Field)
    if field is not None and form is not None:
        return _field_scope(review, form, field, str(leaf.path[-1]))
    return Scope(review.definition, form, {})


def _rule_scope(review: Review, rule: Rule, names: Mapping[str, Any]) -> Scope:
    form = review.form(rule.form)
    woken = {"record": form or "any", "old": form or "any"} if rule.form else {}
    return Scope(review.definition, form, {**woken, "results": "any", **rule.trigger.gives, **names})


def _more_names(review: Review, rule: Rule, leaf: Leaf) -> Mapping[str, Any]:
    woken = {"source": review.form(rule.form) or "any"} if rule.form else {}
    around: ForEach | None = leaf.inside(ForEach)
    if isinstance(leaf.owner, UpdateMatching):
        source = {"source": review.form(around.form) or "any"} if around else woken
        return {"record": review.form(leaf.owner.form) or "any", **source}
    here = {"record": review.form(around.form) or "any", **woken} if around else {}
    if isinstance(leaf.owner, Approve) and isinstance(leaf.value, Template):
        return {**here, "link": "text"}
    if isinstance(leaf.owner, CopyLines):
        return {**here, "line": copied_form(review, rule, leaf.owner) or "any"}
    if isinstance(leaf.owner, CreateRecord) and leaf.owner.each is not None and leaf.path[-1] != "each":
        start = review.form(around.form if around else rule.form)
        return {**here, "line": _gone_through(review, leaf.owner.each, start)}
    return here


def _gone_through(review: Review, each: str, form: Form | None) -> Any:
    """The form of what ``record.steps`` or ``record.part.steps`` leads to; anything where it is no such path."""
    start, *names = each.strip().split(".")
    if start != "record" or not names:
        return "any"
    for name in names:
        form = linked_form(review, form.fields.get(name)) if form else None
    return form or "any"


def _field_scope(review: Review, form: Form, field: Field, option: str) -> Scope:
    """`where` of a link looks at the records to choose from, `when` of a rollup at the records rolled up."""
    if option == "where":
        return Scope(review.definition, None, {"record": linked_form(review, field) or "any", "source": form})
    if option == "when" and field.type == "rollup":
        return Scope(review.definition, None, {"record": review.form(field.source_form) or "any"})  # type: ignore[attr-defined]
    return Scope(review.definition, form, {})
