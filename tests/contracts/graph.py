"""GraphQL as vendors serve it: every document is parsed and validated against the vendor's schema by graphql-core, and
answered from plain trees of dicts: thousands of orders have no time for a resolver of each field.

A value is a scalar, a list, or a dict with ``__typename`` and the schema's field names; a callable in a dict is asked
with the field's arguments as keywords, or with none where it stands for something costly."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graphql
from graphql.execution.values import get_argument_values, get_directive_values, get_variable_values
from graphql.language import ast

Tree = dict[str, Any]


class Wrong(Exception):
    """The answer is an error: ``code`` goes to ``extensions.code``."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.error: Tree = {"message": message, "extensions": {"code": code}}


@dataclass(frozen=True)
class Field:
    """One selected field: ``arguments`` coerced, ``directives`` of those named in Graph.directives."""

    name: str
    arguments: Mapping[str, Any]
    directives: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Ready:
    """A document that is valid; ``errors`` when it is not, as dicts."""

    document: Any = None
    errors: tuple[dict[str, Any], ...] = ()

    def operation(self, name: str | None) -> Any:
        """The operation of this name, or the only one; None when it is not clear which."""
        defined = [node for node in self.document.definitions if isinstance(node, ast.OperationDefinitionNode)]
        named = [node for node in defined if node.name and node.name.value == name] if name else defined
        return named[0] if len(named) == 1 else None


class Graph:
    """A schema read from a file of definitions; documents that were seen are not read again."""

    def __init__(self, path: Path, directives: tuple[str, ...] = ()) -> None:
        self.schema = graphql.build_schema(path.read_text(encoding="utf-8"))
        self.directives = directives
        self.ready = functools.lru_cache(256)(self._ready)

    def _ready(self, text: str) -> Ready:
        try:
            document = graphql.parse(text)
        except graphql.GraphQLError as error:
            return Ready(errors=({**error.formatted, "at": "parse"},))
        return Ready(document, tuple({**error.formatted, "at": "validate"} for error in graphql.validate(self.schema, document)))

    def variables(self, operation: Any, given: Mapping[str, Any]) -> Any:
        """The variables coerced. Raises Wrong with the first that does not fit."""
        values = get_variable_values(self.schema, operation.variable_definitions or (), dict(given))
        if isinstance(values, list):
            raise Wrong(values[0].message, "BAD_USER_INPUT")
        return values

    def answer(self, ready: Ready, operation: Any, variables: Any, roots: Mapping[str, Callable[[Field], Any]]) -> tuple[Tree | None, list[Tree]]:
        """``data`` and ``errors``. ``roots`` are the fields of Query and Mutation; one that raises Wrong is null, and so
        is all of ``data`` when it may not be null."""
        top = self.schema.mutation_type if operation.operation.value == "mutation" else self.schema.query_type
        reader = _Reader(self.schema, self._fragments(ready), variables)
        data: Tree = {}
        errors: list[Tree] = []
        for key, node in reader.fields(top, operation.selection_set):
            if node.name.value == "__typename":
                data[key] = top.name
                continue
            defined = top.fields[node.name.value]
            try:
                data[key] = reader.tree(roots[node.name.value](self._field(defined, node, variables)), node)
            except Wrong as wrong:
                errors.append({**wrong.error, "path": [key]})
                data[key] = None
                if graphql.is_non_null_type(defined.type):
                    return None, errors
        return data, errors

    def _fragments(self, ready: Ready) -> dict[str, Any]:
        return {node.name.value: node for node in ready.document.definitions if isinstance(node, ast.FragmentDefinitionNode)}

    def _field(self, definition: Any, node: Any, variables: Any) -> Field:
        said = {name: get_directive_values(self.schema.get_directive(name), node, variables) for name in self.directives}
        return Field(node.name.value, get_argument_values(definition, node, variables), {name: values for name, values in said.items() if values is not None})


class _Reader:
    def __init__(self, schema: Any, fragments: Mapping[str, Any], variables: Any) -> None:
        self.schema, self.fragments, self.variables = schema, fragments, variables
        self.plans: dict[tuple[int, str], list[tuple[str, Any]]] = {}

    def fields(self, kind: Any, selections: Any) -> list[tuple[str, Any]]:
        """(answer's key, field node) for a type, fragments opened; worked out once for each place in the document."""
        place = (id(selections), kind.name)
        if place not in self.plans:
            self.plans[place] = list(self._open(kind, selections))
        return self.plans[place]

    def _open(self, kind: Any, selections: Any) -> Iterator[tuple[str, Any]]:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, ast.FieldNode):
                yield (node.alias or node.name).value, node
                continue
            fragment = self.fragments[node.name.value] if isinstance(node, ast.FragmentSpreadNode) else node
            if fragment.type_condition is None or self._is(kind, fragment.type_condition.name.value):
                yield from self._open(kind, fragment.selection_set)

    def _is(self, kind: Any, name: str) -> bool:
        other = self.schema.type_map[name]
        return kind is other or (graphql.is_abstract_type(other) and self.schema.is_sub_type(other, kind))

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(graphql.GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(graphql.GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def tree(self, value: Any, node: Any) -> Any:
        if value is None or node.selection_set is None:
            return value
        if isinstance(value, list):
            return [self.tree(each, node) for each in value]
        kind = self.schema.type_map[value["__typename"]]
        said: dict[str, Any] = {}
        for key, child in self.fields(kind, node.selection_set):
            inner = self.tree(self._value(kind, value, child), child)
            said[key] = _merged(said[key], inner) if key in said else inner
        return said

    def _value(self, kind: Any, value: Mapping[str, Any], node: Any) -> Any:
        name = node.name.value
        found = value[name]
        if not callable(found):
            return found
        if name == "__typename" or not kind.fields[name].args:
            return found()
        return found(**get_argument_values(kind.fields[name], node, self.variables))


def _merged(one: Any, other: Any) -> Any:
    """The same field selected twice: what both ask for."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one[key], value) if key in one else value for key, value in other.items()}}
    if isinstance(one, list) and isinstance(other, list):
        return [_merged(left, right) for left, right in zip(one, other, strict=True)]
    return other
