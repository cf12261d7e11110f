"""Conditions the database has to answer: which rows a role may see, which records a view, a card or a choice holds.

Whatever is filtered after fetching would leak through counts, pages and exports, so such a condition must become SQL.
It is written here against a sketch of the tables: their column names and types, without keys and indexes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from engine.actions import ForEach, UpdateMatching
from engine.cards import Card, Part
from engine.checks.names import linked_form
from engine.checks.review import Leaf, Review
from engine.definition import AppDefinition, Form, Grant, Rule
from engine.errors import message
from engine.expressions import EvaluationFailed, ExpressionRefused, NotInSql, View, compile_expression, to_sql
from engine.expressions.syntax import words_in
from engine.fields.base import Field
from engine.fields.columns import Moment
from engine.language import Condition
from engine.registry import Registry
from engine.task import Task
from engine.views import View as FormView

_NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def check_queries(review: Review) -> None:
    sketch = _Sketch(review)
    for leaf in review.leaves:
        asked = _asked(review, leaf)
        if asked is not None and not review.findings_at(leaf.path) and not _leads_nowhere(review, str(leaf.value)):
            _check(review, leaf, asked[0], asked[1], sketch)


def _leads_nowhere(review: Review, text: str) -> bool:
    """Whether it reads a field that leads to a form that is not there, which is said at that field."""
    return not review.dangling.isdisjoint(words_in(text))


def _check(review: Review, leaf: Leaf, form: Form, source: Form | None, sketch: _Sketch) -> None:
    text = str(leaf.value.expression if isinstance(leaf.value, Condition) else leaf.value)
    names = {} if source is None else {"source": View(source, {"id": 1}, _NoRecords(review))}
    try:
        compiled = compile_expression(text, review.registry)
        to_sql(compiled, form, sketch, _SOMEBODY, lambda: _NOW, names=names)
    except NotInSql as refused:
        said = message("The database cannot answer this condition: {reason}.", reason=refused.reason)
        review.error(leaf.path, said)
    except (ExpressionRefused, EvaluationFailed):
        return  # reported with all expressions


def _asked(review: Review, leaf: Leaf) -> tuple[Form, Form | None] | None:
    """The form whose records a condition picks, and the form of `source` where there is one."""
    form = review.form(leaf.form)
    if form is None or leaf.value is None:
        return None
    if isinstance(leaf.value, Condition):
        rows = isinstance(leaf.owner, Grant) and leaf.path[-1] not in ("create", "import")
        return (form, None) if rows and leaf.value.expression and not form.parent_form else None
    option = leaf.path[-1]
    if isinstance(leaf.owner, FormView | Card | Task | Part) and option == "where":
        return form, None
    if isinstance(leaf.owner, Field) and option == "where" and (other := linked_form(review, leaf.owner)):
        return other, form
    if isinstance(leaf.owner, UpdateMatching) and option == "where":
        rule: Rule = leaf.inside(Rule)
        matched = review.form(leaf.owner.form)
        return (matched, review.form(rule.form)) if matched else None
    if isinstance(leaf.owner, ForEach) and option == "where" and (each := review.form(leaf.owner.form)):
        return each, review.form(leaf.inside(Rule).form)
    return None


@dataclass(frozen=True)
class _Somebody:
    id: int = 1
    login: str = "somebody"
    name: str = "Somebody"
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    stands_for: int | None = 1
    language: str = "en"
    timezone: str = "UTC"


_SOMEBODY = _Somebody()


@dataclass(frozen=True)
class _NoRecords:
    """What `source` leads to while nothing is stored: nothing."""

    review: Review
    names: Mapping[str, Any] = field(default_factory=dict)

    @property
    def definition(self) -> AppDefinition:
        return self.review.definition

    @property
    def registry(self) -> Registry:
        return self.review.registry

    def load(self, form: str, id: int) -> None:
        return None

    def lines(self, form: str, parent_id: int) -> tuple[()]:
        return ()

    def linked(self, form: str, field: str, id: int) -> tuple[()]:
        return ()

    def user(self, id: int) -> None:
        return None

    def rollup(self, form: str, field: str, id: int) -> None:
        return None


@dataclass
class _Sketch:
    """The tables of a definition as far as conditions see them; each is drawn when it is first asked for."""

    review: Review
    metadata: sa.MetaData = field(default_factory=sa.MetaData)
    aliases: dict[tuple[str, int], Any] = field(default_factory=dict)

    @property
    def definition(self) -> AppDefinition:
        return self.review.definition

    @cached_property
    def form(self) -> Mapping[str, sa.Table]:
        return {form.name: sa.Table(form.name, self.metadata, *_columns(form)) for form in self.review.forms}

    @cached_property
    def link(self) -> Mapping[tuple[str, str], sa.Table]:
        return {
            (form.name, each.name): _ids(f"{form.name}__{each.name}", self.metadata, "record_id", "target_id")
            for form in self.review.forms
            for each in form.fields.values()
            if each.kind in ("links", "users")
        }

    @cached_property
    def system(self) -> Mapping[str, sa.Table]:
        names = (sa.Column(name, sa.Text) for name in ("name", "login"))
        return {"user": sa.Table("_user", self.metadata, sa.Column("id", sa.BigInteger), *names)}


def _ids(name: str, metadata: sa.MetaData, *columns: str) -> sa.Table:
    return sa.Table(name, metadata, *(sa.Column(column, sa.BigInteger) for column in columns))


_SYSTEM: Mapping[str, Any] = {
    "id": sa.BigInteger, "version": sa.Integer, "state": sa.Text, "state_since": Moment, "state_due": Moment,
    "forecast_at": Moment, "_previous": sa.Text, "_parent": sa.BigInteger, "_position": sa.Integer,
    "owner": sa.BigInteger, "owner_role": sa.Text, "created_at": Moment, "created_by": sa.BigInteger,
    "updated_at": Moment, "updated_by": sa.BigInteger, "deleted_at": Moment, "_title": sa.Text,
}  # fmt: skip


def _columns(form: Form) -> Iterator[sa.Column[Any]]:
    for name, kind in _SYSTEM.items():
        if name not in form.fields:
            yield sa.Column(name, kind)
    for each in form.fields.values():
        kind = each.column_type()
        if kind is not None:
            yield sa.Column(each.name, kind)
