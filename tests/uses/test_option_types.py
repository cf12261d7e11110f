"""Whoever adds an option that can hold a name must say so by its type: nothing else finds the name again."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NewType, get_args, get_origin

import pytest

from engine.actions import Action, ForEach
from engine.builtin import default_registry
from engine.cards import Card
from engine.checks.review import OF_FORM
from engine.definition import AppDefinition
from engine.fields.base import Field
from engine.language import (
    EntryName,
    Expression,
    FieldName,
    FormName,
    Named,
    PersonName,
    Receiver,
    Script,
    SortKey,
    option,
)
from engine.scenario import Expected, Given, Step
from engine.schema import is_choice, keys_of, kinds_of
from engine.triggers import OnRecord
from engine.uses.things import kind_named
from plugins import order_hub, planning

# Texts that name nothing in the file.
PLAIN = frozenset({
    "AppDefinition.timezone", "AppDefinition.currency", "Form.icon", "Page.icon", "AppDefinition.icon", "Task.icon", "DemoUser.name",
    "TextField.pattern", "SeriesField.pattern", "MoneyField.currency", "QuantityField.unit", "DateField.min",
    "DateField.max", "JsonField.schema", "SmtpConnection.host", "SmtpConnection.user", "SmtpConnection.sender",
    "SmtpConnection.reply_to", "ImapConnection.host", "ImapConnection.user", "ImapConnection.folder",
    "HttpConnection.base_url", "HttpConnection.headers", "HttpConnection.hosts", "BasicCredential.user",
    "HmacCredential.prefix", "HmacCredential.over", "DateReached.at", "Schedule.cron", "Schedule.at", "Schedule.timezone", "Webhook.path",
    "Webhook.header", "Webhook.timestamp", "Webhook.delivery", "Ask.needs", "Ask.as", "Approve.as", "ApprovalStep.needs", "ApprovalPart.needs", "Http.query", "Http.json",
    "Http.as", "Call.operation", "Call.values", "Call.as", "Print.as", "RunScript.values", "RunScript.as",
    "Calendar.shifts", "Calendar.closed", "Calendar.open", "Calendar.timezone",
    "BeforeAfterCard.day", "Baseline.from", "Baseline.until", "Report.person",
    "QuietHours.from", "QuietHours.to", "Reach.digest_at",
    "Portal.address", "PrintFormat.size", "PrintFormat.margin", "CodePart.height", "PicturesPart.height",
    "BrowserPagesConnection.reading", "BrowserPagesConnection.timezone", "Site.match", "Site.item", "Site.next",
    "PageLines.item", "PageValue.css", "PageValue.attr", "PageValue.pattern", "PageValue.codes", "PageValue.default",
    # what a description of an interface calls things over there
    *(f"{kind}Connection.{name}" for kind in ("Rest", "Graphql") for name in ("base_url", "headers", "hosts", "timezone")),
    *(f"RestDoes.{name}" for name in ("query", "json", "form", "takes", "optional", "answers")),
    *(f"GraphqlDoes.{name}" for name in ("query", "variables", "takes", "optional", "answers")),
    *(f"RestRead.{name}" for name in ("path", "query", "json", "form")),
    "GraphqlRead.query", "GraphqlRead.variables", "RestTest.path", "GraphqlTest.query",
    *(f"PushedBy.{name}" for name in ("header", "timestamp", "delivery")),
    *(f"OAuthClientCredential.{name}" for name in ("client", "parameters", "prefix", "scope", "token_url")),
    # names a story gives its records, and words it looks for
    "Given.as", "Step.as", "Step.update", "Step.delete", "Step.restore", "Step.of", "Step.answer", "Step.reason",
    "Step.withdraw", "Step.remind",
    "Step.comment", "Step.refused", "Expected.of", "Expected.contains", "Expected.sent", "Scenario.at",
    "Scenario.answers", "Step.item",
    # what a connector calls what it reads, and what another system writes
    "Feed.read", "Feed.codes",
})  # fmt: skip
# Texts that ``Field.references`` tells the names of.
REFERENCES = frozenset(["LinesField.totals", "RollupField.of", "RollupField.via", "LookupField.field"])
# Values of records in stories: ``engine.uses.stories`` finds what they name.
STORIES = frozenset(["Given.values", "Step.values", "Expected.values"])
# The name of the application, and the options every kind of thing or field has.
OWN = frozenset({"app", "id", "renamed_from", "default"})
PLAIN_NAMES = frozenset({"UnitName", "SchemaWord", "SecretName", "HeaderName", "ParameterName", "PartName"})
NAMING = frozenset({Expression, SortKey, EntryName, PersonName, Receiver, Script})


def hints(hint: Any) -> Iterator[Any]:
    if isinstance(hint, NewType) or dataclasses.is_dataclass(hint) or get_origin(hint) is Literal:
        yield hint
    elif get_origin(hint) is Mapping and dataclasses.is_dataclass(get_args(hint)[1]) and get_args(hint)[0] is str:
        yield get_args(hint)[1]  # the key is the name of the thing itself
    elif get_args(hint):
        for one in get_args(hint):
            yield from hints(one)
    else:
        yield hint


def classes(registry: Any) -> list[Any]:
    found: dict[Any, None] = {}
    waiting: list[Any] = [AppDefinition, *registry.fields.values(), *registry.connectors.values()]
    while waiting:
        cls = waiting.pop()
        if is_choice(cls):
            waiting += kinds_of(cls, registry).values()
        elif cls not in found and cls.__module__ != "engine.language":
            found[cls] = None
            waiting += [one for key in keys_of(cls) for one in hints(key.hint) if dataclasses.is_dataclass(one)]
    return list(found)


def uncovered(registry: Any) -> set[str]:
    """Options that may hold a name nobody would find."""
    found = set()
    for cls in classes(registry):
        for key in keys_of(cls):
            place = f"{cls.__name__}.{key.name}"
            for hint in hints(key.hint):
                if hint in (str, Any) and place not in PLAIN | REFERENCES | STORIES and key.name not in OWN:
                    found.add(f"{place}: a text; say what it names by its type, or add it to PLAIN")
                if isinstance(hint, NewType) and not is_known(hint):
                    found.add(f"{place}: {hint.__name__} names no kind of thing")
            if without_form(cls, key):
                found.add(f"{place}: of which form? Say of=… beside the option that names one")
    return found


def is_known(hint: Any) -> bool:
    return hint in NAMING or kind_named(hint) is not None or hint.__name__ in PLAIN_NAMES


def without_form(cls: Any, key: Any) -> bool:
    """Names of fields beside an option that names a form, where nothing says which form is meant."""
    names = any(hint in OF_FORM for hint in hints(key.hint))
    beside = any(hint is FormName for other in keys_of(cls) for hint in hints(other.hint))
    return names and beside and key.of is None and not issubclass(cls, (OnRecord, Card, ForEach, Field, Given, Step, Expected))


def test_every_option_that_can_hold_a_name_is_covered():
    registry = default_registry()
    order_hub.register(registry)
    planning.register(registry)
    assert uncovered(registry) == set()


def test_nothing_is_excused_that_is_not_there():
    places = {f"{cls.__name__}.{key.name}" for cls in classes(default_registry()) for key in keys_of(cls)}
    assert places >= PLAIN | REFERENCES | STORIES


@dataclass(frozen=True, kw_only=True)
class Copied(Action):
    """Copy a field of another form."""

    type: ClassVar[str] = "copied"
    form: FormName = option("The form.")
    field: FieldName = option("The field.")
    template: str = option("Some text.")


@dataclass(frozen=True, kw_only=True)
class CopiedWell(Action):
    """Copy a field of another form."""

    type: ClassVar[str] = "copied"
    form: FormName = option("The form.")
    field: FieldName = option("The field.", of="form")


@pytest.mark.parametrize(("action", "said"), [
    (Copied, {"Copied.field: of which form? Say of=… beside the option that names one",
              "Copied.template: a text; say what it names by its type, or add it to PLAIN"}),
    (CopiedWell, set()),
])  # fmt: skip
def test_an_option_of_a_plugin_that_hides_a_name_is_told(action, said):
    registry = default_registry()
    registry.action(action)
    assert uncovered(registry) == said


def test_every_named_class_is_a_kind_of_thing():
    """A class that can be renamed stands under a key of its own."""
    from engine.uses.things import kind_of, kinds

    for cls in classes(default_registry()):
        for key in keys_of(cls):
            args = get_args(key.hint)
            if get_origin(key.hint) is Mapping and isinstance(args[1], type) and issubclass(args[1], Named):
                assert args[0] is str
                assert kind_of(args[1]) in kinds(), f"{cls.__name__}.{key.name}"
