"""Columns and indexes as the tables that every application has write them down."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from engine.fields.columns import Moment

BigInt = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key() -> sa.Column[int]:
    return sa.Column("id", BigInt, primary_key=True, autoincrement=True)


def user_column(name: str, **options: Any) -> sa.Column[int]:
    return sa.Column(name, BigInt, sa.ForeignKey("_user.id", name=None), **options)


def text(name: str, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=options.pop("nullable", False), **options)


def moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Moment, nullable=nullable)


def count(name: str) -> sa.Column[int]:
    return sa.Column(name, BigInt, nullable=False, server_default="0")


def flag(name: str, default: bool) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.true() if default else sa.false())


def record_columns(*, saved: bool = True) -> tuple[sa.Column[Any], sa.Column[Any]]:
    return text("form"), sa.Column("record_id", BigInt, nullable=not saved)


def partial(name: str, *columns: str, where: str) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
