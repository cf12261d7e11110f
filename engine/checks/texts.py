"""Texts in every language the application offers, and the few values only the machine can judge."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from engine.checks.review import Leaf, Review
from engine.errors import message
from engine.language import Label
from engine.validate import guess


def check_texts(review: Review) -> None:
    for leaf in review.leaves:
        if isinstance(leaf.value, Label):
            _languages(review, leaf)
    _timezone(review)


def _languages(review: Review, leaf: Leaf) -> None:
    texts = leaf.value.texts
    if "" in texts or leaf.path not in review.source.values:
        return
    for language in review.definition.languages:
        if language not in texts:
            review.warning(leaf.path, message("The text in '{language}' is missing.", language=language))


@cache
def _timezones() -> frozenset[str]:
    """Looked for on the disk once, which takes longer than all other checks of texts."""
    return frozenset(available_timezones())


def _timezone(review: Review) -> None:
    name = review.definition.timezone
    if name in _timezones():
        return
    meant = guess(name, _timezones())
    if meant:
        said = message("Unknown time zone '{name}'; did you mean '{guess}'?", name=name, guess=meant)
    else:
        said = message("Unknown time zone '{name}'; expected an IANA name such as Asia/Shanghai.", name=name)
    review.error(("timezone",), said)
