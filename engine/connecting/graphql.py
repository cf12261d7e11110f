"""Interfaces of GraphQL, described in the definition: one address, and errors that come with HTTP 200."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from engine.connecting.declared import ANY_STATUS, MOST, DeclaredConnection
from engine.connecting.expressing import Expressing
from engine.connecting.paging import Place
from engine.connecting.parts import Does, GraphqlDoes, GraphqlRead, GraphqlTest, Read
from engine.connecting.told import USUAL_WAIT, Came
from engine.errors import DeliveryFailed, message
from engine.language import Expression, option

if TYPE_CHECKING:
    from engine.outside.http import Call

_COMMENTS_AND_TEXTS = re.compile(r'"""(?:\\"""|[\s\S])*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*')
_TOO_OFTEN = frozenset({"THROTTLED", "RATE_LIMITED", "TOO_MANY_REQUESTS", "MAX_COST_EXCEEDED"})
_BROKEN = frozenset({"INTERNAL_SERVER_ERROR", "INTERNAL_ERROR", "INTERNAL", "TIMEOUT", "SERVICE_UNAVAILABLE"})


@dataclass(frozen=True, kw_only=True)
class GraphqlConnection(DeclaredConnection):
    """Any shop or system with an interface of GraphQL, described here; base_url is its one address."""

    type: ClassVar[str] = "graphql"
    reads: Mapping[str, GraphqlRead] = option("What feeds can read, by name.", {})
    does: Mapping[str, GraphqlDoes] = option("What it does when it is called, by name.", {})
    test: GraphqlTest | None = option(
        "What the test of the connection looks at. Default: the first thing to read.", None
    )

    def described(self) -> Mapping[str, Read]:
        return self.reads

    def doing(self) -> Mapping[str, Does]:
        return self.does

    def is_pulled(self, read: Read) -> bool:
        assert isinstance(read, GraphqlRead)
        return read.query is not None

    def asking(self, read: Read) -> Mapping[str, Expression]:
        assert isinstance(read, GraphqlRead)
        return read.variables

    def changes(self, does: Does) -> bool:
        assert isinstance(does, GraphqlDoes)
        return is_mutation(does.query)

    def asked_for(self, read: Read, at: Place, names: Mapping[str, Any], words: Expressing) -> Call:
        from engine.outside.http import Call

        assert isinstance(read, GraphqlRead)
        return Call(json=_asking(read.query or "", words.grouped(read.variables, names)), largest=MOST, reads=True)

    def call_of(self, does: Does, names: Mapping[str, Any], words: Expressing) -> Call:
        from engine.outside.http import Call

        assert isinstance(does, GraphqlDoes)
        json = _asking(does.query, words.grouped(does.variables, names))
        return Call(json=json, expect=ANY_STATUS, largest=MOST, reads=not self.changes(does))

    def try_call(self) -> tuple[Call, Expression | None] | None:
        from engine.outside.http import Call

        return None if self.test is None else (Call(json=_asking(self.test.query, {}), reads=True), self.test.says)

    def own_failure(self, said: Came, *, reads: bool) -> None:
        """``errors`` of an answer are a failure, whatever data came with them: half of a list is no list."""
        errors = said.answer.get("errors") if isinstance(said.answer, dict) else None
        if not errors:
            return
        listed = errors if isinstance(errors, list) else [errors]
        codes = {_code(one) for one in listed}
        reason = "; ".join(_words(one) for one in listed[:3])[:300]
        if codes & _TOO_OFTEN:
            raise DeliveryFailed(
                message("{place} asks to wait: {text}", place=said.place, text=reason), after=_wait(said.answer)
            )
        broken = bool(codes & _BROKEN)
        raise DeliveryFailed(
            message("{place} failed: {text}", place=said.place, text=reason), again=reads or broken,
            unsure=broken and not reads,
        )  # fmt: skip


def is_mutation(query: str) -> bool:
    """Whether it may change something (GraphQL, October 2021, section 2.3)."""
    return re.search(r"\bmutation\b\s*[\w({@]", _COMMENTS_AND_TEXTS.sub(" ", query)) is not None


def _asking(query: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    return {"query": query, "variables": dict(variables)} if variables else {"query": query}


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str(extensions.get("code", "")).upper() if isinstance(extensions, dict) else ""


def _words(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)


def _wait(answer: Mapping[str, Any]) -> float:
    """Seconds until there is room, where the answer tells what the query cost and how fast its room comes back."""
    try:
        cost = answer["extensions"]["cost"]
        room = cost["throttleStatus"]
        missing = float(cost["requestedQueryCost"]) - float(room["currentlyAvailable"])
        return min(max(missing / float(room["restoreRate"]), 1.0), 600.0)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return USUAL_WAIT
