"""Connectors that are described in the definition alone: any shop or system with an interface of REST or GraphQL."""

from __future__ import annotations

from engine.connecting.graphql import GraphqlConnection
from engine.connecting.rest import RestConnection
from engine.registry import Registry


def register(registry: Registry) -> None:
    for connector in (RestConnection, GraphqlConnection):
        registry.connector(connector)
