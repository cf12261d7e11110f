"""The three ways an expression says no."""

from __future__ import annotations

from engine.errors import AppmillError, Message


class ExpressionRefused(AppmillError):
    """The text is no expression of the language; ``column`` counts its characters from 0."""

    status = 422
    code = "expression"

    def __init__(self, reason: Message, column: int = 0) -> None:
        super().__init__(reason)
        self.column = column


class EvaluationFailed(AppmillError):
    """A checked expression met values it cannot work with, such as a text added to a number."""

    status = 422
    code = "evaluation"


class NotInSql(AppmillError):
    """The expression cannot be answered by the database; it can only be evaluated record by record."""

    status = 422
    code = "not_in_sql"
