"""Expressions: Python's expression syntax over declared names, safe to run and the same in memory and in SQL."""

from engine.expressions.compile import Compiled, compile_expression
from engine.expressions.errors import EvaluationFailed, ExpressionRefused, NotInSql
from engine.expressions.functions import register
from engine.expressions.view import Loader, StateText, UserView, View, names_for, plain

__all__ = [
    "Compiled",
    "EvaluationFailed",
    "ExpressionRefused",
    "Loader",
    "NotInSql",
    "StateText",
    "UserView",
    "View",
    "compile_expression",
    "names_for",
    "plain",
    "register",
]
