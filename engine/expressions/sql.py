"""An expression as an SQL condition that is true of exactly the records of which `evaluate` is true.

What the definition alone says stands in the text as literals, what user and time say is bound. What cannot be asked of
the database raises NotInSql with a sentence; such an expression can still be evaluated record by record.
"""

from __future__ import annotations

import ast
import datetime as dt
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.errors import message
from engine.expressions import guards, kinds, syntax
from engine.expressions.compile import Compiled, compile_expression
from engine.expressions.errors import NotInSql
from engine.expressions.sql_compare import equal, ordered
from engine.expressions.sql_functions import CALLS, FOLDS
from engine.expressions.sql_operators import ARITHMETIC, case, in_known, in_text, one_of, plain_side
from engine.expressions.sql_parts import PARTS, Aliases, settled_scale
from engine.expressions.sql_values import Clause, Known, Many, Sql, Value, as_value, cannot, truth
from engine.expressions.view import names_for, target_of
from engine.fields.columns import KEPT_SCALE, Exact
from engine.formats import Reader
from engine.worktime import calendars_of

_SIGNS: Mapping[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_COMPARE: Mapping[type, Callable[[Any, Any], bool]] = {
    ast.Lt: guards.less, ast.LtE: guards.at_most, ast.Gt: guards.more, ast.GtE: guards.at_least,
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip
_DEEPEST = 8  # computed fields of computed fields


@dataclass(frozen=True)
class Row:
    """A record of a form, as a row of this table or alias; ``id`` stands for it where the table is not joined."""

    form: Any
    table: Any


Names = Mapping[str, Row]


def to_sql(
    compiled: Compiled,
    form: Any,
    tables: Any,
    actor: Any,
    clock: Callable[[], dt.datetime],
    *,
    names: Mapping[str, Any] | None = None,
    table: Any = None,
) -> Clause:
    """The condition over ``tables.form[form.name]`` (or ``table``, an alias of it); raises NotInSql.

    ``actor`` is `user`, in whose time zone `today()` is meant; None where no user is known. ``names``: more values that
    are known before the query, such as `source` (a View).
    """
    definition = tables.definition
    reader = Reader() if actor is None else Reader(actor.language, actor.timezone, definition.currency)
    known = {**names_for(clock(), reader, actor, times=calendars_of(definition)), **(names or {})}
    known.pop("record", None)
    row = Row(form, tables.form[form.name] if table is None else table)
    aliases = Aliases(getattr(tables, "aliases", {}))  # tables drawn for a check alone keep none
    writing = _Writing(syntax.one_line(compiled.source), compiled, tables, definition, known, aliases)
    return writing.condition(compiled.tree.body, {"record": row}, strict=False)


def no_time() -> dt.datetime:
    """The clock of what does not read the time."""
    return dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class _Writing:
    """One walk over a tree that writes SQL."""

    def __init__(
        self,
        line: str,
        compiled: Compiled,
        tables: Any,
        definition: Any,
        known: Mapping[str, Any],
        aliases: Aliases,
        depth: int = 0,
    ) -> None:
        self.line = line
        self.registry = compiled.registry
        self.tables = tables
        self.definition = definition
        self.known = known
        self.aliases = aliases
        self.depth = depth

    @property
    def zone(self) -> dt.tzinfo:
        zone: dt.tzinfo = self.known["reader"].zone
        return zone

    # --- conditions

    def condition(self, node: ast.expr, rows: Names, strict: bool) -> Clause:
        known = self._known(node, rows)
        if known is not None:
            return truth(known, strict)
        if isinstance(node, ast.BoolOp):
            join = sa.and_ if isinstance(node.op, ast.And) else sa.or_
            return join(*[self.condition(part, rows, strict) for part in node.values])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return sa.not_(self.condition(node.operand, rows, strict=True))
        if isinstance(node, ast.Compare):
            return self._comparison(node, rows, strict)
        if isinstance(node, ast.IfExp):
            test = self.condition(node.test, rows, strict=True)
            return sa.or_(
                sa.and_(test, self.condition(node.body, rows, strict)),
                sa.and_(sa.not_(test), self.condition(node.orelse, rows, strict)),
            )
        return truth(self.value(node, rows), strict)

    def _comparison(self, node: ast.Compare, rows: Names, strict: bool) -> Clause:
        sides = [node.left, *node.comparators]
        parts = [
            self._compared(sides[index], sign, sides[index + 1], rows, strict) for index, sign in enumerate(node.ops)
        ]
        return parts[0] if len(parts) == 1 else sa.and_(*parts)

    def _compared(self, left: ast.expr, sign: ast.cmpop, right: ast.expr, rows: Names, strict: bool) -> Clause:
        if isinstance(sign, ast.In):
            return self._member(left, right, rows, strict)
        if isinstance(sign, ast.NotIn):
            return sa.not_(self._member(left, right, rows, strict=True))
        pair = self.value(left, rows), self.value(right, rows)
        if isinstance(pair[0], Known) and isinstance(pair[1], Known):  # in a chain such as 1 < 2 < record.count
            return sa.true() if _COMPARE[type(sign)](pair[0].value, pair[1].value) else sa.false()
        order = _SIGNS.get(type(sign))
        if order:
            return ordered(pair[0], order, pair[1], strict)
        return equal(*pair, strict, negated=isinstance(sign, (ast.NotEq, ast.IsNot)))

    def _member(self, left: ast.expr, right: ast.expr, rows: Names, strict: bool) -> Clause:
        item = self.value(left, rows)
        if isinstance(right, (ast.Tuple, ast.List)):
            return one_of(item, [self.value(element, rows) for element in right.elts], strict)
        whole = self.value(right, rows)
        if isinstance(whole, Known):
            return in_known(item, whole, strict)
        if isinstance(whole, Many):
            if isinstance(item, Known) and item.value is None:
                return sa.false()
            target = Sql(whole.table.c.id, "record", False, form=whole.form.name)
            found = sa.and_(whole.condition, equal(target, item, strict=False))
            return sa.exists().where(found).correlate_except(whole.table)
        return in_text(item, whole, strict)

    # --- values

    def _known(self, node: ast.expr, rows: Names) -> Known | None:
        """The value of a part that reads no record of the query."""
        if isinstance(node, (ast.GeneratorExp, ast.Tuple, ast.List)):
            return None
        if any(isinstance(name, ast.Name) and name.id in rows for name in ast.walk(node)):
            return None
        part = compile_expression(syntax.text_of(self.line, node), self.registry)
        if any(name not in self.known for name in part.variables):
            return None
        return Known(part.run(self.known), constant=not part.variables)

    def value(self, node: ast.expr, rows: Names) -> Value:
        known = self._known(node, rows)
        if known is not None:
            return known
        write = _WRITERS.get(type(node))
        if write is None:
            raise self._cannot(node)
        return write(self, node, rows)

    def scalar(self, node: ast.expr, rows: Names) -> Known | Sql:
        value = self.value(node, rows)
        if isinstance(value, Many):
            raise self._cannot(node)
        return value

    def _cannot(self, node: ast.expr) -> NotInSql:
        return cannot(syntax.text_of(self.line, node))

    def predicate(self, node: Any, rows: Names) -> Value:
        return Sql(self.condition(node, rows, strict=True), "boolean", nullable=False, predicate=True)

    def name(self, node: Any, rows: Names) -> Value:
        row = rows.get(node.id)
        if row is None:
            raise cannot(message("{name} is not known here", name=node.id))
        return Sql(row.table.c.id, "record", False, form=row.form.name)

    def attribute(self, node: Any, rows: Names) -> Value:
        if isinstance(node.value, ast.Name) and node.value.id in rows:
            return self.member(rows[node.value.id], node.attr)
        base = self.value(node.value, rows)
        if isinstance(base, Sql) and base.kind == "record":
            return self._linked(base, node.attr)
        if isinstance(base, Sql) and base.kind in PARTS:
            found = PARTS[base.kind](self, base, node.attr)
            if found is not None:
                return found
        raise self._cannot(node)

    def _linked(self, base: Sql, name: str) -> Value:
        """A field of a linked record: a subquery by its id."""
        if name == "id":
            return replace(base, kind="number", form=None)
        form = self.definition.forms[base.form]
        table = self.aliases.of(self.tables.form[form.name])
        found = self.member(Row(form, table), name)
        if isinstance(found, Known):
            return found
        tie = table.c.id == base.element
        if isinstance(found, Many):
            parent = sa.exists().where(tie, found.condition).correlate_except(table)
            return replace(found, condition=parent)
        found = as_value(found)
        query = sa.select(found.element).where(tie).correlate_except(table).scalar_subquery()
        return replace(found, element=query, nullable=True)

    def member(self, row: Row, name: str) -> Value:
        """A field or system field of a row."""
        field = row.form.fields.get(name)
        if field is not None and field.kind in ("links", "lines"):
            return self._many(row, field)
        if field is not None and name not in row.table.c:
            return self._derived(row, field)
        return self._column(row, name)

    def _column(self, row: Row, name: str) -> Value:
        if name == "parent" and row.form.parent_form and name not in row.form.fields:
            return Sql(row.table.c["_parent"], "record", False, form=row.form.parent_form)
        kind = kinds.member_kind(row.form, name, self.definition)
        if kind is None or name not in row.table.c:
            raise cannot(message("{form} has no field {name}", form=row.form.name, name=name))
        column = row.table.c[name]
        scale = KEPT_SCALE if isinstance(column.type, Exact) else 0
        zone = self.zone if kind.name == "datetime" else None
        form = kind.form if kind.name in ("record", "state") else None
        return Sql(column, kind.name, bool(column.nullable), scale, form, zone=zone)

    def _many(self, row: Row, field: Any) -> Many:
        if field.type not in ("links", "lines"):
            raise cannot(field.name)
        form = self.definition.forms[target_of(row.form, field, self.definition)]
        table = self.aliases.of(self.tables.form[form.name])
        if field.kind == "lines":
            alive = table.c.deleted_at.is_(None)
            return Many(form, table, sa.and_(table.c["_parent"] == row.table.c.id, alive))
        link = self.aliases.of(self.tables.link[row.form.name, field.name])
        tie = sa.select(link.c.target_id).where(link.c.record_id == row.table.c.id).correlate_except(link)
        return Many(form, table, table.c.id.in_(tie))

    def _derived(self, row: Row, field: Any) -> Value:
        """A field without a column: what it is worked out from stands in its place."""
        if self.depth >= _DEEPEST or field.type not in ("computed", "lookup"):
            raise cannot(field.name)
        if field.type == "lookup":
            base = self.member(row, field.via)
            if not isinstance(base, Sql):
                raise cannot(field.name)
            return self._linked(base, field.field)
        compiled = compile_expression(field.value, self.registry)
        known = {name: value for name, value in self.known.items() if name in ("today", "now", "reader")}
        inner = _Writing(
            syntax.one_line(field.value), compiled, self.tables, self.definition, known, self.aliases, self.depth + 1
        )
        return settled_scale(inner.value(compiled.tree.body, {"record": row}), field.result)

    # --- arithmetic

    def unary(self, node: Any, rows: Names) -> Value:
        if isinstance(node.op, ast.Not):
            return self.predicate(node, rows)
        operand = self.scalar(node.operand, rows)
        if not isinstance(operand, Sql) or operand.kind != "number":
            raise self._cannot(node)
        return operand if isinstance(node.op, ast.UAdd) else replace(operand, element=-operand.element)

    def arithmetic(self, node: Any, rows: Names) -> Value:
        left, right = self.scalar(node.left, rows), self.scalar(node.right, rows)
        for side in (left, right):
            if isinstance(side, Known) and side.value is None:
                return Known(None, side.constant)
        for work_out in ARITHMETIC.get(type(node.op), ()):
            found = work_out(plain_side(left), plain_side(right))
            if found is not None:
                return found
        if isinstance(node.op, ast.Div):
            raise cannot(message("A division cannot be asked of the database; multiply the other side instead"))
        raise self._cannot(node)

    def either(self, node: Any, rows: Names) -> Value:
        """``a or b`` as a value: the first that is true, else the last."""
        *heads, last = node.values
        found: Known | Sql = self.scalar(last, rows)
        for head in reversed(heads):
            value = self.scalar(head, rows)
            test = truth(value, strict=True)
            found = case(test, value, found) if isinstance(node.op, ast.Or) else case(test, found, value)
        return found

    def choice(self, node: Any, rows: Names) -> Value:
        test = self.condition(node.test, rows, strict=True)
        return case(test, self.scalar(node.body, rows), self.scalar(node.orelse, rows))

    def call(self, node: Any, rows: Names) -> Value:
        name = node.func.id
        if name in FOLDS and len(node.args) == 1:
            argument = node.args[0]
            if isinstance(argument, ast.GeneratorExp):
                return self._fold(name, argument, rows)
            many = self.value(argument, rows)
            if isinstance(many, Many):
                return FOLDS[name](many, None, sa.true())
        if name not in CALLS:
            raise self._cannot(node)
        if name == "if_else":
            test = self.condition(node.args[0], rows, strict=True)
            rest = [self.scalar(argument, rows) for argument in node.args[1:]]
            return case(test, rest[0], rest[1] if len(rest) > 1 else Known(None, True))
        found = CALLS[name](*[self.scalar(argument, rows) for argument in node.args])
        if found is None:
            raise self._cannot(node)
        return found

    def _fold(self, name: str, node: ast.GeneratorExp, rows: Names) -> Value:
        loop = node.generators[0]
        many = self.value(loop.iter, rows)
        if not isinstance(many, Many) or not isinstance(loop.target, ast.Name):
            raise self._cannot(loop.iter)
        inside = {**rows, loop.target.id: Row(many.form, many.table)}
        clauses = [self.condition(test, inside, strict=False) for test in loop.ifs]
        many = replace(many, condition=sa.and_(many.condition, *clauses))
        if name in ("any", "all"):
            element: Any = self.condition(node.elt, inside, strict=name == "all")
            return FOLDS[name](many, None, element)
        return FOLDS[name](many, self.scalar(node.elt, inside), sa.true())


_WRITERS: Mapping[type, Callable[[_Writing, Any, Names], Value]] = {
    ast.Name: _Writing.name,
    ast.Attribute: _Writing.attribute,
    ast.BinOp: _Writing.arithmetic,
    ast.UnaryOp: _Writing.unary,
    ast.BoolOp: _Writing.either,
    ast.IfExp: _Writing.choice,
    ast.Compare: _Writing.predicate,
    ast.Call: _Writing.call,
}
