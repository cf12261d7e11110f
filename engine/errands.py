"""Actions that leave the process. Each answers an ``Outside`` effect with everything worked out; it is delivered after
the change is saved, once, in the order of the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from engine import effects
from engine.actions import Action, Context
from engine.language import (
    ConnectionName,
    Expression,
    FieldName,
    PageName,
    PortalName,
    PrintFormatName,
    Receiver,
    RoleName,
    Script,
    Template,
    option,
)
from engine.registry import Registry

RESULT = "The name under which the steps after it read the answer, as results.<name>; they wait for it."


@dataclass(frozen=True, kw_only=True)
class Mail(Action):
    """Send an e-mail."""

    type: ClassVar[str] = "mail"
    connection: ConnectionName = option("The mail connection it is sent with.")
    to: tuple[Receiver, ...] = option(
        "Roles, expressions that give users such as record.owner, or addresses in quotes.", minItems=1
    )
    cc: tuple[Receiver, ...] = option("Who gets a copy.", ())
    subject: Template = option("The subject.")
    message: Template = option("The text.")
    attach: tuple[FieldName, ...] = option("File fields of the record to attach.", ())
    portal: PortalName | None = option(
        "A link to the record in this portal stands below the text: whoever has the mail opens it without an account.",
        None,
    )
    language: Literal["zh", "en"] | None = option("The language it is written in. Default: the application's.", None)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        subject, text = context.fill(self.subject), context.fill(self.message)
        data = {
            "to": context.receivers(self.to), "cc": context.receivers(self.cc),
            "subject": _in(subject, self.language), "text": _in(text, self.language),
            "attachments": [id for name in self.attach for id in context.ids_of(f"record.{name}")],
            **({"portal": self.portal} if self.portal else {}),
        }  # fmt: skip
        return [effects.Outside("mail", data, self.connection)]


@dataclass(frozen=True, kw_only=True)
class Http(Action):
    """Call a web address."""

    type: ClassVar[str] = "http"
    connection: ConnectionName = option("The connection whose address, headers and secrets are used.")
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = option("The method.", "POST")
    path: Template = option("The path under the connection's address.", Template({"": ""}))
    query: Mapping[str, Expression] = option("Parameters of the query.", {})
    json: Mapping[str, Expression] = option("What is sent, by name.", {})
    saved_as: str | None = option(RESULT, None, alias="as", pattern="^[a-z][a-z0-9_]{0,40}$")

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        data = {
            "method": self.method, "path": _in(context.fill(self.path), None),
            "query": _values(self.query, context), "json": _values(self.json, context) if self.json else None,
        }  # fmt: skip
        return [effects.Outside("http", data, self.connection, self.saved_as)]


@dataclass(frozen=True, kw_only=True)
class Call(Action):
    """Ask a connected system to do something."""

    type: ClassVar[str] = "call"
    connection: ConnectionName = option("The connection.")
    operation: str = option("What it is asked to do.")
    values: Mapping[str, Expression] = option("What the operation needs, by name.", {})
    saved_as: str | None = option(RESULT, None, alias="as", pattern="^[a-z][a-z0-9_]{0,40}$")

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        data = {"operation": self.operation, "values": _values(self.values, context)}
        return [effects.Outside("call", data, self.connection, self.saved_as)]


@dataclass(frozen=True, kw_only=True)
class RunScript(Action):
    """Run a script, with the rights of whoever caused it."""

    type: ClassVar[str] = "script"
    source: Script = option("The script; what it writes is saved together when it has ended.", maxLength=20000)
    values: Mapping[str, Expression] = option("What it reads as values.<name>.", {})
    saved_as: str | None = option(RESULT, None, alias="as", pattern="^[a-z][a-z0-9_]{0,40}$")

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        data = {"source": self.source, "values": _values(self.values, context)}
        return [effects.Outside("script", data, None, self.saved_as)]


@dataclass(frozen=True, kw_only=True)
class Print(Action):
    """Print the record to a file."""

    type: ClassVar[str] = "print"
    into: FieldName = option("The attachment field of the record that the file goes to.")
    format: Literal["pdf", "html"] = option("The kind of file.", "pdf")
    print: PrintFormatName | None = option("The paper format. Default: the plain sheet of the record.", None)
    name: Template | None = option("The name of the file, without its ending. Default: the record's title.", None)
    language: Literal["zh", "en"] | None = option("The language it is printed in. Default: the application's.", None)
    role: RoleName | None = option("Print what this role may see. Default: what whoever caused it may see.", None)
    replace: bool = option("The file takes the place of those that are in the field.", False)
    saved_as: str | None = option(RESULT, None, alias="as", pattern="^[a-z][a-z0-9_]{0,40}$")

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        data = {
            "into": self.into, "format": self.format, "print": self.print,
            "name": _in(context.fill(self.name), self.language) if self.name else None,
            "language": self.language, "role": self.role, "replace": self.replace,
        }  # fmt: skip
        return [effects.Outside("print", data, None, self.saved_as)]


@dataclass(frozen=True, kw_only=True)
class Report(Action):
    """Mail a page of cards as PDF."""

    type: ClassVar[str] = "report"
    icon: ClassVar[str] = "report-analytics"
    page: PageName = option("The page.")
    connection: ConnectionName = option("The mail connection it is sent with.")
    to: tuple[Receiver, ...] = option(
        "Roles, expressions that give users such as record.owner, or addresses in quotes.", minItems=1
    )
    subject: Template = option("The subject.")
    message: Template = option("The text of the mail.", Template({"": ""}))
    role: RoleName | None = option("Draw what this role may see; either a role or a person is named.", None)
    person: str | None = option("Draw what this person may see, by the sign-in name.", None)
    period: Literal["present", "last"] = option(
        "Where the page offers a span of time: the present one, or the one before.", "present"
    )
    language: Literal["zh", "en"] | None = option("The language it is written in. Default: the application's.", None)

    def effects(self, context: Context) -> Sequence[effects.Effect]:
        data = {
            "page": self.page, "role": self.role, "person": self.person, "period": self.period,
            "language": self.language, "to": context.receivers(self.to),
            "subject": _in(context.fill(self.subject), self.language),
            "text": _in(context.fill(self.message), self.language),
        }  # fmt: skip
        return [effects.Outside("report", data, self.connection)]


def _in(texts: Mapping[str, str], language: str | None) -> str:
    return texts.get(language or "") or next(iter(texts.values()), "")


def _values(values: Mapping[Any, Expression], context: Context) -> dict[str, Any]:
    return {name: context.json(source) for name, source in values.items()}


def register(registry: Registry) -> None:
    for action in (Mail, Report, Http, Call, Print, RunScript):
        registry.action(action)
