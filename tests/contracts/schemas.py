"""Compares the hand-written schemas of the contract servers with the vendors' own, which are fetched and not committed:

    npm pack @shopify/dev-mcp@1.16.0 && tar xzf shopify-dev-mcp-1.16.0.tgz
    PYTHONPATH=tests python -m contracts.schemas shopify package/dist/data/admin_2026-10.json.gz

    (Vendure: post graphql.get_introspection_query() to /admin-api of one that runs, keep the answer as vendure.json)
    PYTHONPATH=tests python -m contracts.schemas vendure vendure.json

The second argument is an introspection result as JSON, gzipped or not. Every type, field, argument, enum value and
directive of ours must be there with the same type, and nothing the vendor requires may be missing. Prints what differs;
the exit code is 1 when anything does.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import graphql

HERE = Path(__file__).parent
SCHEMAS = {"shopify": HERE / "shopify_admin.graphql", "vendure": HERE / "vendure_admin.graphql"}


def differences(ours: Any, real: Any) -> list[str]:
    """What is in our schema and not, or not so, in the real one."""
    return [*_directives(ours, real), *(said for name, kind in ours.type_map.items() if not name.startswith("__") for said in _type(name, kind, real.type_map.get(name)))]


def _directives(ours: Any, real: Any) -> Iterator[str]:
    for mine in ours.directives:
        theirs = real.get_directive(mine.name)
        if graphql.is_specified_directive(mine):
            continue
        if theirs is None:
            yield f"@{mine.name}: not there"
            continue
        yield from _inputs(f"@{mine.name}", mine.args, theirs.args)
        if not set(mine.locations) <= set(theirs.locations):
            yield f"@{mine.name}: not allowed at {sorted(place.value for place in mine.locations)}"


def _type(name: str, mine: Any, theirs: Any) -> Iterator[str]:
    if type(mine) is not type(theirs):
        yield f"{name}: {type(theirs).__name__}, not {type(mine).__name__}"
    elif graphql.is_enum_type(mine):
        yield from (f"{name}.{value}: no such value" for value in mine.values if value not in theirs.values)
    elif graphql.is_union_type(mine):
        known = {each.name for each in theirs.types}
        yield from (f"{name}: {each.name} is no member" for each in mine.types if each.name not in known)
    elif graphql.is_input_object_type(mine):
        yield from _inputs(name, mine.fields, theirs.fields)
    elif graphql.is_object_type(mine) or graphql.is_interface_type(mine):
        known = {each.name for each in theirs.interfaces}
        yield from (f"{name}: does not implement {each.name}" for each in mine.interfaces if each.name not in known)
        yield from (said for field, each in mine.fields.items() for said in _field(f"{name}.{field}", each, theirs.fields.get(field)))


def _field(place: str, mine: Any, theirs: Any) -> Iterator[str]:
    if theirs is None:
        yield f"{place}: no such field"
        return
    if str(mine.type) != str(theirs.type):
        yield f"{place}: {theirs.type}, not {mine.type}"
    if theirs.deprecation_reason and not mine.deprecation_reason:
        yield f"{place}: deprecated, {theirs.deprecation_reason}"
    yield from _inputs(place, mine.args, theirs.args)


def _inputs(place: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    """Arguments or input fields: ours are theirs, and all they require is ours."""
    for name, each in mine.items():
        if name not in theirs:
            yield f"{place}({name}): no such argument"
        elif str(each.type) != str(theirs[name].type):
            yield f"{place}({name}): {theirs[name].type}, not {each.type}"
    for name, each in theirs.items():
        if name not in mine and (graphql.is_required_argument(each) if isinstance(each, graphql.GraphQLArgument) else graphql.is_required_input_field(each)):
            yield f"{place}({name}): required, and missing in ours"


def real_schema(path: Path) -> Any:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    told = json.loads(text)
    return graphql.build_client_schema(told.get("data", told), assume_valid=True)


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in SCHEMAS:
        print(__doc__)
        return 2
    wrong = differences(graphql.build_schema(SCHEMAS[arguments[0]].read_text(encoding="utf-8")), real_schema(Path(arguments[1])))
    print("\n".join(wrong) or f"{SCHEMAS[arguments[0]].name}: all of it is in the vendor's schema")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
