"""What the code tables of feeds name where no type says it: options of the fields their values go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.checks.review import Review
from engine.definition import Form
from engine.expressions import ExpressionRefused, compile_expression, mentions_in_value
from engine.expressions.kinds import field_kind
from engine.feeds import Feed
from engine.language import Expression, FieldName
from engine.uses.stories import Named
from engine.uses.things import Thing
from engine.yamlfile import Path


def named_in_codes(review: Review) -> Named:
    for name, feed in review.definition.feeds.items():
        for form_name, field_name, table in dict.fromkeys(_decoded(review, feed)):
            form = review.definition.forms[form_name]
            kind = field_kind(form, form.fields[field_name], review.definition)
            for code, text in feed.codes[table].items():
                path: Path = ("feeds", name, "codes", table, code)
                for one in mentions_in_value(text, kind):
                    yield Thing(one.kind, one.names), path, False, one.start, one.end


def _decoded(review: Review, feed: Feed) -> Iterator[tuple[str, str, str]]:
    """(form, field, code table) wherever a field is filled by one."""
    form = review.form(feed.form)
    if form is None:
        return
    for values in (feed.match, feed.values):
        yield from _read(review, feed, form, values)
    for name, lines in feed.lines.items():
        line_form = review.form(getattr(form.fields.get(name), "form", None))
        if line_form is not None:
            yield from _read(review, feed, line_form, lines.values)


def _read(
    review: Review, feed: Feed, form: Form, values: Mapping[FieldName, Expression]
) -> Iterator[tuple[str, str, str]]:
    for name, source in values.items():
        try:
            paths = compile_expression(source, review.registry).paths if name in form.fields else ()
        except ExpressionRefused:
            continue  # said by the checks
        for first, *more in paths:
            if first == "codes" and more and more[0] in feed.codes:
                yield form.name, str(name), more[0]
