"""The stock of 金蝶 K/3 WISE, which its interface does not tell: four tables of its SQL Server, read and never written.

Every statement is made here, of tables and columns that are named here; whoever asks gives values only. The session is
told that it reads, where the database knows such a thing; the account should be allowed nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from engine.api import DeliveryFailed, message

DRIVERS = ("mssql", "sqlite")
TABLES = sa.MetaData()
INVENTORY = sa.Table(
    "ICInventory", TABLES, sa.Column("FItemID", sa.Integer), sa.Column("FStockID", sa.Integer),
    sa.Column("FBatchNo", sa.String), sa.Column("FQty"),
)  # fmt: skip
ARTICLES = sa.Table(
    "t_ICItem", TABLES, sa.Column("FItemID", sa.Integer), sa.Column("FNumber", sa.String),
    sa.Column("FName", sa.String), sa.Column("FUnitID", sa.Integer), sa.Column("FDeleted", sa.Integer),
)  # fmt: skip
STORES = sa.Table("t_Stock", TABLES, sa.Column("FItemID", sa.Integer), sa.Column("FNumber", sa.String))
UNITS = sa.Table("t_MeasureUnit", TABLES, sa.Column("FItemID", sa.Integer), sa.Column("FName", sa.String))


@contextmanager
def reading(address: str | sa.URL, seconds: float) -> Iterator[sa.Connection]:
    """A connection that reads. Raises DeliveryFailed in the words of the database, never with its address."""
    url = sa.make_url(address)
    if url.get_backend_name() not in DRIVERS:
        raise DeliveryFailed(message("The database of K/3 WISE is an SQL Server."), again=False)
    engine = None
    try:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_told(url, seconds))
        with engine.connect() as conn:
            if url.get_backend_name() == "sqlite":
                conn.execute(sa.text("PRAGMA query_only = ON"))
            yield conn
    except ImportError:
        said = message("The driver of SQL Server is not installed: pip install 'appmill[erp]'.")
        raise DeliveryFailed(said, again=False) from None
    except sa.exc.SQLAlchemyError as error:
        words = str(getattr(error, "orig", None) or type(error).__name__)
        raise DeliveryFailed(message("The database of K/3 WISE answered: {text}", text=words[:300])) from None
    finally:
        if engine is not None:
            engine.dispose()


def _told(url: sa.URL, seconds: float) -> dict[str, Any]:
    """How long it may take, and that nothing will be written."""
    whole = max(int(seconds), 1)
    if url.get_backend_name() == "sqlite":
        return {"timeout": whole}
    return {"login_timeout": whole, "timeout": whole, "read_only": True, "charset": "UTF-8"}


def articles(conn: sa.Connection, after: int, most: int) -> list[int]:
    """The numbers of articles behind one, in order."""
    return [int(number) for number in conn.scalars(articles_after(after, most))]


def articles_after(after: int, most: int) -> sa.Select[tuple[int]]:
    this = ARTICLES.c
    return sa.select(this.FItemID).where(this.FItemID > after, this.FDeleted == 0).order_by(this.FItemID).limit(most)


def of_articles(conn: sa.Connection, first: int, last: int) -> Sequence[Mapping[str, Any]]:
    return _rows(conn, ARTICLES.c.FItemID.between(first, last))


def of_article(conn: sa.Connection, number: str) -> Sequence[Mapping[str, Any]] | None:
    """None where the article is not known."""
    this = ARTICLES.c
    known = conn.scalar(sa.select(sa.func.count()).where(this.FNumber == number, this.FDeleted == 0))
    return _rows(conn, this.FNumber == number) if known else None


def _rows(conn: sa.Connection, which: sa.ColumnElement[bool]) -> Sequence[Mapping[str, Any]]:
    """sku, name, place, lot, quantity, unit; what several branches (FBrNo) keep in one place is one."""
    here = (ARTICLES.c.FNumber, ARTICLES.c.FName, STORES.c.FNumber, INVENTORY.c.FBatchNo, UNITS.c.FName)
    wanted = (
        sa.select(
            *(column.label(name) for column, name in zip(here, ("sku", "name", "place", "lot", "unit"), strict=True)),
            sa.func.sum(INVENTORY.c.FQty).label("quantity"),
        )
        .join_from(INVENTORY, ARTICLES, INVENTORY.c.FItemID == ARTICLES.c.FItemID)
        .join(STORES, INVENTORY.c.FStockID == STORES.c.FItemID)
        .outerjoin(UNITS, ARTICLES.c.FUnitID == UNITS.c.FItemID)
        .where(which, ARTICLES.c.FDeleted == 0)
        .group_by(*here)
        .order_by(*here[:1], *here[2:4])
    )
    return conn.execute(wanted).mappings().all()
