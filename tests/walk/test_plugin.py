"""What a plugin may import is enough: a type of each kind, entered as the built-ins are."""

from dataclasses import dataclass
from typing import ClassVar

import engine.api as api
from engine.builtin import default_registry


def test_every_name_is_there_and_told():
    told = api.__doc__ or ""
    assert [name for name in api.__all__ if not hasattr(api, name)] == []
    spoken = {
        "Field",
        "OnRecord",
        "Trigger",
        "Action",
        "View",
        "Card",
        "save",
        "take",
        "adopt",
        "get",
        "find",
        "records",
        "message",
    }
    assert [name for name in sorted(spoken) if f"``{name}" not in told] == []


def register(registry: api.Registry) -> None:
    @registry.function
    def doubled(value: int) -> int:
        """The number twice."""
        return value * 2

    @registry.trigger
    @dataclass(frozen=True, kw_only=True)
    class BigChange(api.OnRecord):
        """A number grew a lot."""

        type: ClassVar[str] = "grew"
        wakes_on: ClassVar[tuple[str, ...]] = ("updated",)
        field: api.FieldName = api.option("The number.")
        by: int = api.option("By how much at least.")

        def matches(self, change):
            return change.after[self.field] - change.before[self.field] >= self.by

    @registry.action
    @dataclass(frozen=True, kw_only=True)
    class Halve(api.Action):
        """Take half of a number away again."""

        type: ClassVar[str] = "halve"
        field: api.FieldName = api.option("The number.")

        def effects(self, context):
            half = context.evaluate(f"record.{self.field} // 2")
            return [api.SetValues(context.form, context.id, {self.field: half})]


def test_a_trigger_an_action_and_a_function_of_a_plugin(make_app):
    registry = default_registry()
    register(registry)
    app = make_app(
        """
        app: heap
        label: Heap
        roles: {clerk: {label: Clerk}}
        demo_users: {cleo: {name: Cleo, roles: [clerk]}}
        forms:
          heap:
            label: Heap
            fields:
              stones: {type: integer, default: 0}
              twice: {type: computed, result: {type: integer}, value: doubled(record.stones)}
            permissions: {clerk: {create: true, read: true, update: true}}
        rules:
          too_fast:
            trigger: {type: grew, form: heap, field: stones, by: 10}
            actions: [{type: halve, field: stones}]
        """,
        registry=registry,
    )
    heap = app.create("heap", as_="cleo")
    app.update("heap", heap, stones=9, as_="cleo")
    assert app.get("heap", heap)["twice"] == 18
    saved = app.update("heap", heap, stones=50, as_="cleo")
    assert (saved.row["stones"], saved.row["twice"], saved.version) == (25, 50, 4)
