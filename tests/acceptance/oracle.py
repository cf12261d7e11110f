"""What the grants of a YAML file allow, said again in plain Python: nothing of the engine's own permissions is asked.

A person has one role here. Conditions are Python already; they are evaluated over the test's own rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DERIVED = ("computed", "rollup", "lookup", "series")


class Row:
    """A stored row under dots: a link is the row it points to, ``id`` its number; comparing with a person is by id."""

    def __init__(self, oracle: Oracle, form: str, values: Mapping[str, Any]) -> None:
        self._oracle, self._form, self._values = oracle, form, values

    def __getattr__(self, name: str) -> Any:
        value = self._values[name]
        field = self._oracle.fields(self._form).get(name, {})
        if field.get("type") == "link" and value is not None:
            return Row(self._oracle, field["form"], self._oracle.rows[field["form"]][value])
        return value


@dataclass
class Oracle:
    """``rows``: form → id → stored values; filled by the test."""

    yaml: Mapping[str, Any]
    rows: dict[str, dict[int, Mapping[str, Any]]]

    @staticmethod
    def of(file: Path) -> Oracle:
        return Oracle(yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader), {})

    @property
    def forms(self) -> list[str]:
        """Forms with records of their own."""
        lines = {field["form"] for form in self.yaml["forms"].values() for field in form["fields"].values()
                 if field["type"] == "lines"}  # fmt: skip
        return [name for name in self.yaml["forms"] if name not in lines]

    def fields(self, form: str) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.yaml["forms"][form]["fields"]
        return found

    def lines_of(self, form: str) -> dict[str, str]:
        """lines field → its line form."""
        return {name: field["form"] for name, field in self.fields(form).items() if field["type"] == "lines"}

    def grant(self, role: str, form: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.yaml["forms"][form].get("permissions", {}).get(role, {})
        return found

    def may(self, role: str, verb: str, form: str, row: Mapping[str, Any] | None = None, user: int = 0) -> bool:
        """On this row, or on some row at least when none is given."""
        grant = self.grant(role, form)
        ways = [grant.get(verb, False)]
        if verb == "update":
            ways += [one["update"] for one in grant.get("fields", {}).values() if "update" in one]
        return any(self._holds(way, form, row, user) for way in ways)

    def _holds(self, way: bool | str, form: str, row: Mapping[str, Any] | None, user: int) -> bool:
        if isinstance(way, bool) or row is None:
            return bool(way)
        return bool(eval(way, {}, {"record": Row(self, form, row), "user": user}))

    def readable(self, role: str, form: str, around: str = "") -> set[str]:
        """The fields of rows the role may read. No field grant of these files has a condition on reading."""
        if not self.may(role, "read", around or form):
            return set()
        overrides = self.grant(role, form).get("fields", {})
        return {name for name in self.fields(form) if overrides.get(name, {}).get("read", True)}

    def updatable(self, role: str, form: str, row: Mapping[str, Any], user: int) -> set[str]:
        grant = self.grant(role, form)
        general = self._holds(grant.get("update", False), form, row, user)
        overrides = grant.get("fields", {})
        return {
            name
            for name in self.readable(role, form)
            if self.fields(form)[name]["type"] not in DERIVED
            and self._holds(overrides.get(name, {}).get("update", general), form, row, user)
        }

    def transitions(self, form: str, state: str | None) -> dict[str, list[str]]:
        """transition out of the state → roles."""
        steps = self.yaml["forms"][form].get("workflow", {}).get("transitions", {})
        return {name: step.get("roles", []) for name, step in steps.items() if state in step["from"]}
