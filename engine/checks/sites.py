"""Whether the extension can read what a definition says of pages, and whether a thing on them is known again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from zoneinfo import available_timezones

from engine.checks.review import Review, unknown
from engine.errors import message
from engine.sites import ADDRESS, LINES, PART, BrowserPagesConnection, PageValue, PartName, Site
from engine.yamlfile import Path

_MANY_OF_MANY = re.compile(r"[+*}]\)[+*{]")  # (a+)+ takes for ever on a page that is made for it


def check_sites(review: Review) -> None:
    for name, connection in review.definition.connections.items():
        if isinstance(connection, BrowserPagesConnection):
            path: Path = ("connections", name)
            if connection.timezone is not None and connection.timezone not in available_timezones():
                review.error((*path, "timezone"), message("There is no time zone {name}.", name=connection.timezone))
            for site in connection.sites.values():
                _site(review, site, (*path, "sites", site.name))


def _site(review: Review, site: Site, path: Path) -> None:
    for place, address in enumerate(site.match):
        if not ADDRESS.fullmatch(address):
            said = message("An address of pages reads like https://shop.example.com/list/*.")
            review.error((*path, "match", place), said)
    if site.key not in site.fields:
        said = message("'{name}' is none of the fields of the page", name=site.key)
        review.error((*path, "key"), unknown(said, site.key, site.fields))
    _fields(review, site.fields, (*path, "fields"))
    if site.lines is not None:
        _fields(review, site.lines.fields, (*path, "lines", "fields"))


def _fields(review: Review, fields: Mapping[PartName, PageValue], path: Path) -> None:
    around = {other[: found.start()] for other in fields for found in re.finditer(r"\.", other)}
    for name, field in fields.items():
        if not PART.fullmatch(name) or name.partition(".")[0] == LINES:
            said = message("A value is called like a field, or buyer.name; `lines` are the lines.")
            review.error((*path, name), said, at_key=True)
        elif name in around:
            said = message("'{name}' cannot be a value and have values in it.", name=name)
            review.error((*path, name), said, at_key=True)
        if field.pattern is not None:
            _pattern(review, field.pattern, (*path, name, "pattern"))


def _pattern(review: Review, pattern: str, path: Path) -> None:
    try:
        re.compile(pattern)
    except re.error as wrong:
        review.error(path, message("This is no regular expression: {reason}.", reason=str(wrong)))
        return
    if _MANY_OF_MANY.search(pattern):
        review.error(path, message("A repetition of a repetition, such as (a+)+, can take for ever."))
