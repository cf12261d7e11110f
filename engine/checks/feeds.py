"""Whether feeds can read what they name, find their records, and write what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.calendars import seconds_of
from engine.checks.review import Review, unknown
from engine.connectors import Reading
from engine.definition import Form
from engine.errors import message
from engine.expressions import ExpressionRefused, compile_expression
from engine.feeds import Feed, FeedLines, FeedStamp
from engine.fields.base import Field
from engine.language import Expression, FieldName
from engine.validate import guess
from engine.yamlfile import Path

SOONEST = 10  # seconds: of every length of time of a feed


def check_feeds(review: Review) -> None:
    for name, feed in review.definition.feeds.items():
        path: Path = ("feeds", name)
        readings = list(_readings(review, feed, path))
        form = review.form(feed.form)
        if form is not None:
            _match(review, feed, form, path)
            _written(review, form, feed.values, (*path, "values"))
            _lines(review, feed, form, path)
        _stamp(review, feed, path)
        _lengths(review, feed, path)
        _names(review, feed, readings, path)


def _readings(review: Review, feed: Feed, path: Path) -> Iterator[Reading]:
    for place, name in enumerate(feed.from_):
        connection = review.definition.connections.get(name)
        if connection is None:
            continue  # said by the reference check
        if name in feed.from_[:place]:
            review.error((*path, "from", place), message("'{connection}' is named twice.", connection=name))
        offered = connection.readings()
        found = offered.get(feed.read)
        if found is not None:
            yield found
        elif offered:
            said = message("'{connection}' has nothing called '{name}' to read", connection=name, name=feed.read)
            review.error((*path, "read"), unknown(said, feed.read, offered))
        else:
            said = message("'{connection}' is a connection of type {type}, of which nothing can be read.",
                           connection=name, type=connection.type)  # fmt: skip
            review.error((*path, "from", place), said)


def _match(review: Review, feed: Feed, form: Form, path: Path) -> None:
    _written(review, form, feed.match, (*path, "match"))
    names = frozenset(str(name) for name in feed.match)
    if not names <= form.fields.keys():
        return  # said by the reference check
    single = any(getattr(form.fields[name], "unique", False) for name in names)
    grouped = any(frozenset(map(str, group)) <= names for group in form.unique)
    if not single and not grouped:
        said = message(
            "Two records of '{form}' may have the same in {fields}, so a thing could become two records; write"
            " `unique: [[{fields}]]` at the form.",
            form=form.name, fields=", ".join(feed.match),
        )  # fmt: skip
        review.error((*path, "match"), said)


def _written(review: Review, form: Form, values: Mapping[FieldName, Expression], path: Path) -> None:
    for name in values:
        field = form.fields.get(name)
        if field is None:
            continue  # said by the reference check
        if not field.writable:
            review.error((*path, name), message("'{field}' is worked out by itself and cannot be set.", field=name),
                         at_key=True)  # fmt: skip
        elif field.kind == "lines":
            review.error((*path, name), message("'{field}' holds lines; write it under `lines`.", field=name),
                         at_key=True)  # fmt: skip


def _lines(review: Review, feed: Feed, form: Form, path: Path) -> None:
    for name, lines in feed.lines.items():
        field: Field | None = form.fields.get(name)
        if field is None:
            continue
        here = (*path, "lines", name)
        if field.kind != "lines":
            review.error(here, message("'{field}' is no lines field.", field=name), at_key=True)
            continue
        line_form = review.form(getattr(field, "form", None))
        if line_form is not None:
            _written(review, line_form, lines.values, (*here, "values"))


def _stamp(review: Review, feed: Feed, path: Path) -> None:
    if feed.stamp is None:
        return
    form = review.form(feed.stamp.form)
    field = form.fields.get(feed.stamp.field) if form is not None else None
    if field is not None and (field.type != "datetime" or not field.writable):
        said = message("'{field}' is no field for a moment; its type has to be datetime.", field=feed.stamp.field)
        review.error((*path, "stamp", "field"), said)
    if form is not None:
        _written(review, form, feed.stamp.match, (*path, "stamp", "match"))


def _lengths(review: Review, feed: Feed, path: Path) -> None:
    for option in ("every", "since", "waits"):
        if seconds_of(getattr(feed, option)) < SOONEST:
            review.error((*path, option), message("10 seconds (10s) at least."))


def _names(review: Review, feed: Feed, readings: list[Reading], path: Path) -> None:
    given = {name for reading in readings for name in reading.gives}
    for here, source in _expressions(feed, path):
        try:
            paths = compile_expression(source, review.registry).paths
        except ExpressionRefused:
            continue  # reported with all expressions
        for first, *more in paths:
            if first == "codes" and more and more[0] not in feed.codes:
                said = message("There is no code table '{name}'", name=more[0])
                review.error(here, unknown(said, more[0], feed.codes))
            if first == "item" and more and given and more[0] not in given and (meant := guess(more[0], given)):
                said = message("Nothing that is read is called '{name}'; did you mean '{guess}'?",
                               name=more[0], guess=meant)  # fmt: skip
                review.warning(here, said)


def _expressions(feed: Feed, path: Path) -> Iterator[tuple[Path, str]]:
    for part in ("match", "values"):
        for name, source in getattr(feed, part).items():
            yield (*path, part, name), source
    for name, lines in feed.lines.items():
        yield (*path, "lines", name, "of"), lines.of
        for field, source in lines.values.items():
            yield (*path, "lines", name, "values", field), source
    for part in ("when", "ready"):
        if (source := getattr(feed, part)) is not None:
            yield (*path, part), source


def feed_names(review: Review, feed: Feed, owner: object, option: str) -> Mapping[str, object]:
    """What an expression of a feed may name beside what all may."""
    if isinstance(owner, FeedStamp):
        return {"source": "text"}
    names: dict[str, object] = {"item": "any", "source": "text", "codes": "any"}
    if isinstance(owner, FeedLines) and option != "of":
        names["line"] = "any"
    if option in ("when", "ready"):
        names["record"] = review.form(feed.form) or "any"
    return names
