"""Expressions: Python's expression syntax over declared names, safe to run and the same in memory and in SQL."""

from engine.expressions.check import check_expression, examine
from engine.expressions.compile import Compiled, compile_expression, signatures
from engine.expressions.errors import EvaluationFailed, ExpressionRefused, NotInSql
from engine.expressions.functions import register
from engine.expressions.kinds import Kind, Scope
from engine.expressions.mentions import Mention, mentions, mentions_in_template, mentions_in_value
from engine.expressions.shown import shown
from engine.expressions.sql import no_time, to_sql
from engine.expressions.template import check_template, fill, fill_all
from engine.expressions.view import Loader, StateText, UserView, View, names_for, plain

__all__ = [
    "Compiled",
    "EvaluationFailed",
    "ExpressionRefused",
    "Kind",
    "Loader",
    "Mention",
    "NotInSql",
    "Scope",
    "StateText",
    "UserView",
    "View",
    "check_expression",
    "check_template",
    "compile_expression",
    "examine",
    "fill",
    "fill_all",
    "mentions",
    "mentions_in_template",
    "mentions_in_value",
    "names_for",
    "no_time",
    "plain",
    "register",
    "shown",
    "signatures",
    "to_sql",
]
