"""The tables of a definition: a real table per form, one per list of links, and the system tables."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from engine.definition import AppDefinition, Form
from engine.fields.base import Field
from engine.fields.columns import Moment
from engine.promises import MOMENTS
from engine.registry import Registry
from engine.storage import approving as _approving  # noqa: F401 - enters its tables
from engine.storage import automation as _automation  # noqa: F401 - enters its tables
from engine.storage import entries as _entries  # noqa: F401 - enters its tables
from engine.storage import feeds as _feeds  # noqa: F401 - enters its tables
from engine.storage import keeping as _keeping  # noqa: F401 - enters its tables
from engine.storage import pace as _pace  # noqa: F401 - enters its table
from engine.storage import portals as _portals  # noqa: F401 - enters its tables
from engine.storage import publishing as _publishing  # noqa: F401 - enters its tables
from engine.storage import reaching as _reaching  # noqa: F401 - enters its tables
from engine.storage import seals as _seals  # noqa: F401 - enters its tables
from engine.storage import timing as _timing  # noqa: F401 - enters its tables
from engine.storage import walls as _walls  # noqa: F401 - enters its tables
from engine.storage.columns import BigInt
from engine.storage.prepared import Statements
from engine.storage.system import MAKERS

NAMING = {
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "uq": "ux_%(table_name)s_%(column_0_name)s",
}
_of_every_application = sa.MetaData(naming_convention=NAMING)
# No definition changes them, so that all definitions share them.
SYSTEM: Mapping[str, sa.Table] = {name: make(_of_every_application) for name, make in MAKERS.items()}
ALWAYS_FILLED = frozenset({"id", "version", "state", "state_since", "created_at", "updated_at", "_title", "_position"})


@dataclass(frozen=True, eq=False, repr=False)
class Tables:
    """``form["order"]``, ``link["order", "tags"]`` and the system tables as attributes: ``tables.event`` for ``_event``
    and so on; ``_definition`` is ``tables.published``.

    A link table has the columns ``record_id``, ``target_id``, ``position``.
    """

    metadata: sa.MetaData
    form: dict[str, sa.Table]
    link: dict[tuple[str, str], sa.Table]
    system: Mapping[str, sa.Table]
    definition: AppDefinition  # what the tables were made of
    registry: Registry
    statements: Statements = field(default_factory=Statements)
    # Aliases that conditions over other tables use again and again; see engine.expressions.sql_parts.
    aliases: dict[tuple[str, int], Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)  # what storage works out once per definition

    def __repr__(self) -> str:
        return f"<tables of {self.definition.app}>"

    def all(self) -> list[sa.Table]:
        """Those of every application first."""
        return [*self.system.values(), *self.metadata.tables.values()]

    def create(self, conn: sa.Connection, tables: Sequence[sa.Table] | None = None) -> None:
        """Create these tables, or all of them, with their indexes; they must not be there yet."""
        self.metadata.create_all(conn, tables=self.all() if tables is None else tables, checkfirst=False)

    def __getattr__(self, name: str) -> sa.Table:
        try:
            return self.system[name]
        except KeyError:
            raise AttributeError(f"there is no system table {name!r}; there are {', '.join(self.system)}") from None


def build_tables(definition: AppDefinition, registry: Registry | None = None) -> Tables:
    """The tables with their constraints and indexes; nothing is read from or written to a database.

    ``registry`` knows the functions of the definition's expressions; without one, only the built-in ones are known.
    Asked again for one definition, as for a draft that is planned, tried and published, it answers the same tables.
    """
    from engine.builtin import default_registry

    registry = registry or default_registry()
    for made in tuple(_recent):
        if made.definition is definition and made.registry is registry:
            return made
    made = _build(definition, registry)
    _recent.append(made)
    return made


_recent: deque[Tables] = deque(maxlen=8)


def _build(definition: AppDefinition, registry: Registry) -> Tables:
    from engine.storage.indexes import add_indexes

    metadata = sa.MetaData(naming_convention=NAMING)
    forms = {name: _form_table(form, metadata) for name, form in definition.forms.items()}
    links = {
        (form.name, field.name): _link_table(form, field, metadata)
        for form in definition.forms.values()
        for field in form.fields.values()
        if stands_apart(field)
    }
    tables = Tables(metadata, forms, links, SYSTEM, definition, registry)
    add_indexes(tables)
    return tables


def stands_apart(field: Field) -> bool:
    """Whether the field's targets stand in a table of their own."""
    return field.kind in ("links", "users") and field.writable and field.column_type() is None


def link_target(field: Field) -> str:
    """The form (``_user`` for people) a field that stands apart points to."""
    return "_user" if field.kind == "users" else target_form(field)


def target_form(field: Field) -> str:
    """The name of the form a link, links or lines field points to."""
    found: Any = getattr(field, "like", field)
    return str(found.form)


def linked_form(field: Field) -> str | None:
    """The form (``_user`` for people) whose record the field's column names, None for any other column."""
    if field.column_type() is None or field.kind not in ("link", "user"):
        return None
    return "_user" if field.kind == "user" else target_form(field)


def stored_fields(form: Form) -> Iterator[tuple[Field, Any]]:
    """The fields with a column of their own, with its SQL type."""
    for each in form.fields.values():
        column_type = each.column_type()
        if column_type is not None:
            yield each, column_type


def short(name: str) -> str:
    """A name PostgreSQL does not cut off (63 bytes)."""
    return name if len(name) <= 60 else f"{name[:50]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def link_table_name(form: str, field: str) -> str:
    return short(f"{form}__{field}")


# --- columns ---------------------------------------------------------------------------------------------------------


def _form_table(form: Form, metadata: sa.MetaData) -> sa.Table:
    columns = [*_system_columns(form), *(_column(field, kind) for field, kind in stored_fields(form))]
    checks = [_boolean_check(form, field) for field, kind in stored_fields(form) if isinstance(kind, sa.Boolean)]
    return sa.Table(form.name, metadata, *columns, *checks, sqlite_autoincrement=True)


def _system_columns(form: Form) -> Iterator[sa.Column[Any]]:
    yield sa.Column("id", BigInt, primary_key=True, autoincrement=True)
    yield sa.Column("version", sa.Integer, nullable=False, server_default="1")
    if form.workflow:
        yield sa.Column("state", sa.Text, nullable=False, server_default=form.workflow.initial)
        yield sa.Column("state_since", Moment)
        yield sa.Column("state_due", Moment)
        yield sa.Column("forecast_at", Moment)
        yield from (sa.Column(name, Moment) for name in MOMENTS)
        yield sa.Column("_previous", sa.Text)
    if form.parent_form:
        parent = sa.ForeignKey(f"{form.parent_form}.id", ondelete="CASCADE")
        yield sa.Column("_parent", BigInt, parent, nullable=False)
        yield sa.Column("_position", sa.Integer, nullable=False, server_default="0")
    if form.workflow or not form.parent_form:
        yield _person_column("owner")
        yield sa.Column("owner_role", sa.Text)
    yield sa.Column("created_at", Moment, nullable=False)
    yield _person_column("created_by")
    yield sa.Column("updated_at", Moment, nullable=False)
    yield _person_column("updated_by")
    yield sa.Column("deleted_at", Moment)
    yield sa.Column("_title", sa.Text, nullable=False, server_default="")


def _person_column(name: str) -> sa.Column[int]:
    return sa.Column(name, BigInt, sa.ForeignKey(_id_of("_user")))


def _id_of(target: str) -> sa.Column[Any] | str:
    """What a foreign key to a form, or to people, points to."""
    return SYSTEM["user"].c.id if target == "_user" else f"{target}.id"


def _column(field: Field, kind: Any) -> sa.Column[Any]:
    target = linked_form(field)
    return sa.Column(field.name, kind, *([sa.ForeignKey(_id_of(target))] if target else []))


def _boolean_check(form: Form, field: Field) -> sa.CheckConstraint:
    column: sa.ColumnClause[Any] = sa.column(field.name)
    either = column.in_([sa.literal_column("0"), sa.literal_column("1")])
    check = sa.CheckConstraint(either, name=short(f"ck_{form.name}_{field.name}"))
    return check.ddl_if(dialect="sqlite")  # PostgreSQL has a type for it


def _link_table(form: Form, field: Field, metadata: sa.MetaData) -> sa.Table:
    name = link_table_name(form.name, field.name)
    target = link_target(field)
    return sa.Table(
        name,
        metadata,
        sa.Column("record_id", BigInt, sa.ForeignKey(f"{form.name}.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("target_id", BigInt, sa.ForeignKey(_id_of(target)), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False, server_default="0"),
        sa.Index(short(f"ix_{name}_target"), "target_id"),
    )
