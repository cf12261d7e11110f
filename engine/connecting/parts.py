"""What people write to describe an interface: what is read of it and in which pages, what it tells, what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.credentials import Secret
from engine.hooks import SIGNATURE, Signed, Style
from engine.language import Expression, Label, Template, option

LIST = "Where the list of things stands, such as answer.data; `answer` is what came, `headers` and `status` with it."
PARAMETERS = "Parameters of the address and what they become; what becomes nothing is left out."
BODY = "What is sent as JSON, by name; `about.note` puts it into a group, `lines.0.id` into a list."
FORM = "What is sent as a form, by name."


@dataclass(frozen=True, kw_only=True)
class Pages:
    """In which pages a list is read."""

    by: Literal["none", "page", "offset", "cursor", "link", "since"] = option(
        "How the next page is asked for: by its number, by how many things were read, by what the answer says (`next`),"
        " by the address in its header Link, or by `since`: from where the last page ended, oldest first. None: there "
        "is only one.",
        "none",
    )
    first: int = option("The number of the first page.", 1, minimum=0, maximum=1)
    size: int | None = option(
        "How many things a full page holds; `size` in the parameters.", None, minimum=1, maximum=10_000
    )
    next: Expression | None = option("What the answer says the next page begins at; `cursor` in the parameters.", None)
    more: Expression | None = option("Whether there are more pages, where the answer says it.", None)


@dataclass(frozen=True, kw_only=True)
class PushedBy(Signed):
    """How the other side tells of a change by webhook, to /feeds/<feed>/<connection>."""

    secret: Secret = option("What the other side signs with, or the token it sends.")
    signature: Style = option(SIGNATURE, "hex")
    items: Expression = option("The list of things it tells of, such as [payload.thing].")
    when: Expression | None = option("Only messages for which this holds.", None)
    ping: Expression | None = option(
        "Messages for which this holds are a first try and tell nothing, signed or not.", None
    )


@dataclass(frozen=True, kw_only=True)
class Read:
    """Something that is read, for feeds."""

    label: Label | None = option("What people call it.", None)
    items: Expression = option(LIST)
    key: Expression = option("What names a thing over there, such as item.id.")
    version: Expression | None = option("What grows whenever the thing changes, such as item.updated_at.", None)
    pages: Pages = option("In which pages it is read.", Pages())
    failed: Expression | None = option(
        "An answer for which this holds is a failure, although it says 200; a text is its reason.", None
    )
    total: Expression | None = option(
        "How many things all pages hold together; when there were fewer, they are read once more.", None
    )
    webhook: PushedBy | None = option("How the other side tells of a change itself.", None)


@dataclass(frozen=True, kw_only=True)
class RestRead(Read):
    """A list that is read by HTTP."""

    path: str | None = option("The path below base_url. None: it is only told by webhook.", None)
    method: Literal["GET", "POST"] = option("The method; POST for interfaces that search with it.", "GET")
    query: Mapping[str, Expression] = option(PARAMETERS, {})
    json: Mapping[str, Expression] = option(BODY, {})
    form: Mapping[str, Expression] = option(FORM, {})


@dataclass(frozen=True, kw_only=True)
class GraphqlRead(Read):
    """A list that is read by GraphQL."""

    query: str | None = option("The query, as GraphQL. None: it is only told by webhook.", None, maxLength=20_000)
    variables: Mapping[str, Expression] = option("Variables of the query and what they become.", {})


@dataclass(frozen=True, kw_only=True)
class Does:
    """Something the other side does when it is called. Its expressions name what it takes, and `key`: the same text
    at every attempt of one call, by which the other side can know a repetition."""

    label: Label | None = option("What people call it.", None)
    takes: tuple[str, ...] = option("What must be given, by name.", ())
    optional: tuple[str, ...] = option("What may be given as well.", ())
    answers: Mapping[str, Expression] = option(
        "What later steps read of the answer, by name. Default: `answer`, all of it.", {}
    )
    failed: Expression | None = option(
        "An answer for which this holds is a failure, although it says 200; a text is its reason.", None
    )
    done_already: Expression | None = option(
        "A refusal for which this holds means that it was done before, and counts as done.", None
    )


@dataclass(frozen=True, kw_only=True)
class RestDoes(Does):
    """A call by HTTP."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = option("The method.", "POST")
    path: Template = option("The path below base_url; what is filled in stays one part of it.")
    query: Mapping[str, Expression] = option(PARAMETERS, {})
    json: Mapping[str, Expression] = option(BODY, {})
    form: Mapping[str, Expression] = option(FORM, {})


@dataclass(frozen=True, kw_only=True)
class GraphqlDoes(Does):
    """A call by GraphQL."""

    query: str = option("The query or mutation, as GraphQL.", minLength=2, maxLength=20_000)
    variables: Mapping[str, Expression] = option("Variables of the query and what they become.", {})


@dataclass(frozen=True, kw_only=True)
class RestTest:
    """Something harmless that shows whether the connection works."""

    path: str = option("The path below base_url that is read.")
    says: Expression | None = option("What of the answer is shown, such as answer.name.", None)


@dataclass(frozen=True, kw_only=True)
class GraphqlTest:
    """Something harmless that shows whether the connection works."""

    query: str = option("The query, as GraphQL.", minLength=2, maxLength=20_000)
    says: Expression | None = option("What of the answer is shown, such as answer.data.shop.name.", None)


# --- what their expressions may name: class → (place of the option in the path of a leaf, option → names)

ASKING = ("since", "until", "page", "offset", "cursor", "size")
ANSWER = ("answer", "headers", "status")
_READ = {
    **dict.fromkeys(("query", "json", "form", "variables"), ASKING),
    **dict.fromkeys(("items", "failed", "total"), ANSWER),
    "key": ("item",), "version": ("item",),
}  # fmt: skip
_DOES = dict.fromkeys(("answers", "failed", "done_already"), ANSWER)
_HOOK = dict.fromkeys(("items", "when", "ping"), ("payload", "headers"))


def names_at(owner: object, path: tuple[str | int, ...]) -> tuple[str, ...]:
    """What an expression may name that stands at ``path`` of a definition, in ``owner``."""
    if isinstance(owner, Read):
        return _READ.get(str(path[4]), ())
    if isinstance(owner, Does):
        return _DOES.get(str(path[4]), (*owner.takes, *owner.optional, "key"))
    return _HOOK.get(str(path[5]), ()) if isinstance(owner, PushedBy) else ANSWER
