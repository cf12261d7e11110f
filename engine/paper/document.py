"""The print page of a record as one self-contained document: its style and its pictures stand in it, so that nobody
has to fetch anything to show it."""

from __future__ import annotations

import base64
import contextlib
import html
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from markupsafe import Markup
from PIL import Image

from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, DeliveryFailed, Missing, message
from engine.paper import formats
from engine.paper.page import page_of
from engine.people import Actor
from engine.texts import say, translator
from engine.web.render import label_in, plural_in
from engine.web.seen import Seen, see_as
from engine.web.showing import Showing
from engine.web.statics import FOLDER
from engine.web.uploads import PICTURES, find
from engine.web.widgets import Widgets

TEMPLATES = Path(__file__).parents[1] / "web" / "templates"
WIDEST = 900  # pixels: 300 per inch for the 40 mm a picture has at most, and some to spare
MOST_PICTURES = 200
LARGEST = 16 * 1024 * 1024  # of the document, in characters
_PICTURE = re.compile(r'(<img [^>]*?src=")/files/(\d{1,18})(")')
_MISSING = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="


@dataclass(frozen=True)
class Document:
    text: str
    title: str


def document_of(app: Application, who: Actor, form: str, record_id: int, language: str, by: str | None) -> Document:
    """The HTML of the record as ``who`` may see it. Raises DeliveryFailed where they may not, or it is too much."""
    known = app.definition.forms.get(form)
    if known is None:
        raise DeliveryFailed(message("There is no form '{name}'", name=form), again=False)
    who = replace(who, language=language, timezone=app.definition.timezone)
    widgets = _widgets(app, language)
    with app.database.read() as conn:
        try:
            seen = see_as(conn, app, who, known, record_id)
        except Missing:
            said = message("{form} {id} is gone, or {name} may not see it; so it is not printed.",
                           form=known.label, id=record_id, name=who.name)  # fmt: skip
            raise DeliveryFailed(said, again=False) from None
        page = page_of(app, who, seen, Showing(conn, app, who, seen, drawn_by=lambda: widgets), by)
        template = widgets.environment.get_template("paper.html")
        drawn = template.render(page=page, language=language, style=style())
        drawn = _with_pictures(conn, app, who, drawn)
    return _fitting(drawn, page.title)


def documents_of(
    app: Application,
    who: Actor,
    form: str,
    ids: Sequence[int],
    wanted: str,
    language: str | None = None,
    told: Callable[[int], None] = lambda count: None,
) -> Document:
    """The HTML of records on a paper format, as ``who`` may see them; those they may not see are left out. Raises
    DeliveryFailed where there is no such format, nothing is left, or it is too much."""
    known = app.definition.forms.get(form)
    paper = known.prints.get(wanted) if known else None
    if known is None or paper is None:
        raise DeliveryFailed(message("There is no paper format '{name}'", name=wanted), again=False)
    language = language or (paper.language if paper.language in ("zh", "en") else None) or who.language
    who = replace(who, language=language, timezone=app.definition.timezone)
    widgets = _widgets(app, language)
    with app.database.read() as conn:
        seen = list(_seen(conn, app, who, known, ids))
        if not seen:
            said = message("There is no record to print that {name} may see.", name=who.name)
            raise DeliveryFailed(said, again=False)
        try:
            page = formats.paper_of(conn, app, who, paper, seen, lambda: widgets, told)
        except Missing as missing:
            raise DeliveryFailed(missing.reason, again=False) from None
        template = widgets.environment.get_template("paper_formats.html")
        own = Markup(formats.css_of(paper))  # noqa: S704 - numbers of our own
        drawn = _with_pictures(
            conn, app, who, template.render(paper=page, language=language, style=style(), own_style=own)
        )
    return _fitting(drawn, page.title)


def _seen(conn: sa.Connection, app: Application, who: Actor, form: Form, ids: Sequence[int]) -> Iterator[Seen]:
    for id in ids:
        with contextlib.suppress(Missing):
            yield see_as(conn, app, who, form, id)


def _fitting(drawn: str, title: str) -> Document:
    if len(drawn) > LARGEST:
        most = f"{LARGEST // 1024 // 1024}"
        raise DeliveryFailed(message("The page has more than {most} MB; print less of it.", most=most), again=False)
    return Document(drawn, title)


@cache
def style() -> Markup:
    """Our own style sheet, read once."""
    return Markup((FOLDER / "css" / "print.css").read_text(encoding="utf-8"))  # noqa: S704 - a file of ours


# --- words and widgets without a request -----------------------------------------------------------------------------


def _widgets(app: Application, language: str) -> Widgets:
    kept, key = app.plans.kept, ("widgets on paper", language)
    found: Widgets | None = kept.get(key)
    if found is None:
        roles = tuple(app.definition.roles.values())
        found = kept[key] = Widgets(environment(app, language), lambda: roles, on_paper=True)
    return found


def environment(app: Application, language: str) -> Environment:
    """The templates in a language, for documents that are drawn without a request; made once."""
    kept, key = app.plans.kept, ("templates on paper", language)
    found: Environment | None = kept.get(key)
    if found is None:
        found = kept[key] = _environment(app, language)
    return found


def _environment(app: Application, language: str) -> Environment:
    loaders = [FileSystemLoader(TEMPLATES), FileSystemLoader(app.registry.template_folders)]
    made = Environment(loader=ChoiceLoader(loaders), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    words: dict[str, Any] = {
        "_": translator(language), "icon": _no_icon, "asset": _no_address, "say": lambda text: say(text, language),
        "label": partial(label_in, language=language), "plural": partial(plural_in, language=language),
    }  # fmt: skip
    made.globals.update(words)
    return made


def _no_icon(_name: str, _extra: str = "") -> Markup:
    return Markup("")  # icons stand beside words, which are enough on paper


def _no_address(_path: str) -> str:
    return ""


# --- pictures --------------------------------------------------------------------------------------------------------


def _with_pictures(conn: sa.Connection, app: Application, who: Actor, drawn: str) -> str:
    """Every picture as data, if ``who`` may read that file now; an empty one in its place otherwise."""
    made: dict[int, str] = {}

    def shown(match: re.Match[str]) -> str:
        id = int(match[2])
        if id not in made:
            made[id] = _picture(conn, app, who, id) if len(made) < MOST_PICTURES else _MISSING
        return f"{match[1]}{html.escape(made[id])}{match[3]}"

    return _PICTURE.sub(shown, drawn)


def _picture(conn: sa.Connection, app: Application, who: Actor, id: int) -> str:
    try:
        file = find(conn, app, who, id)
        if file.media_type not in PICTURES:
            return _MISSING
        with app.files.open(file.sha256) as stored:
            return _as_data(stored.read())
    except (AppmillError, OSError):  # a picture that is gone leaves its place empty, as it does on the page
        return _MISSING


def _as_data(content: bytes) -> str:
    """No larger than paper shows it."""
    with Image.open(io.BytesIO(content)) as picture:
        picture.thumbnail((WIDEST, WIDEST))
        clear = picture.mode in ("P", "RGBA", "LA")
        out = io.BytesIO()
        if clear:
            picture.convert("RGBA").save(out, "PNG", optimize=True)
        else:
            picture.convert("RGB").save(out, "JPEG", quality=85)
    kind = "png" if clear else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
