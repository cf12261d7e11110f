"""Interfaces of REST, described in the definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from engine.connecting.declared import ANY_STATUS, MOST, DeclaredConnection
from engine.connecting.expressing import Expressing
from engine.connecting.paging import Place
from engine.connecting.parts import Does, Read, RestDoes, RestRead, RestTest
from engine.language import Expression, option

if TYPE_CHECKING:
    from engine.outside.http import Call


@dataclass(frozen=True, kw_only=True)
class RestConnection(DeclaredConnection):
    """Any shop or system with an interface of REST, described here."""

    type: ClassVar[str] = "rest"
    reads: Mapping[str, RestRead] = option("What feeds can read, by name.", {})
    does: Mapping[str, RestDoes] = option("What it does when it is called, by name.", {})
    test: RestTest | None = option("What the test of the connection looks at. Default: the first thing to read.", None)

    def described(self) -> Mapping[str, Read]:
        return self.reads

    def doing(self) -> Mapping[str, Does]:
        return self.does

    def is_pulled(self, read: Read) -> bool:
        assert isinstance(read, RestRead)
        return read.path is not None

    def asking(self, read: Read) -> Mapping[str, Expression]:
        assert isinstance(read, RestRead)
        return {**read.query, **read.json, **read.form}

    def changes(self, does: Does) -> bool:
        assert isinstance(does, RestDoes)
        return does.method != "GET"

    def asked_for(self, read: Read, at: Place, names: Mapping[str, Any], words: Expressing) -> Call:
        from engine.outside.http import Call

        assert isinstance(read, RestRead)
        if read.pages.by == "link" and at.next is not None:
            return Call(method=read.method, url=str(at.next), largest=MOST, reads=True, **_body(read, names, words))
        query = words.parameters(read.query, names)
        return Call(
            method=read.method, path=read.path or "", query=query, largest=MOST, reads=True, **_body(read, names, words)
        )

    def call_of(self, does: Does, names: Mapping[str, Any], words: Expressing) -> Call:
        from engine.outside.http import Call

        assert isinstance(does, RestDoes)
        return Call(
            method=does.method, path=words.path(does.path, names), query=words.parameters(does.query, names),
            expect=ANY_STATUS, largest=MOST, **_body(does, names, words),
        )  # fmt: skip

    def try_call(self) -> tuple[Call, Expression | None] | None:
        from engine.outside.http import Call

        return None if self.test is None else (Call(method="GET", path=self.test.path, largest=MOST), self.test.says)


def _body(asked: RestRead | RestDoes, names: Mapping[str, Any], words: Expressing) -> dict[str, Any]:
    if asked.json:
        return {"json": words.grouped(asked.json, names)}
    return {"form": words.parameters(asked.form, names)} if asked.form else {}
