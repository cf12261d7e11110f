"""Pages and fragments: the same template with or without the frame around it.

``render("list.html", rows=…)`` answers a page; an htmx request gets the fragment. Toasts said with ``toast(…)`` reach
the reader either way: with this answer, or with the page a redirect leads to.
"""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import Any, cast

from flask import Flask, current_app, g, redirect, request, session, url_for
from markupsafe import Markup, escape
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response

from engine.errors import Message, message
from engine.fields.people import initials
from engine.language import ADMIN, Label
from engine.texts import say, translator
from engine.web import folding, statics
from engine.web.context import fragment_wanted, reader, site
from engine.web.frame import frame_part, here
from engine.web.menu import place, shell_menu, sidebar

TOASTS = "_toasts"
MOST_TOASTS = 5  # they wait in the session's cookie, and browsers drop one of more than 4 kB
STYLES = tuple(
    name
    for name in ("app", "lists", "pages", "forms", "widgets", "imports", "tower", "approvals", "phone")
    if (statics.FOLDER / f"css/{name}.css").is_file()
)
MODULES = tuple(
    name for name in ("app", "lists", "forms", "widgets", "live", "phone") if (statics.FOLDER / f"js/{name}.js").is_file()
)


def render(template: str, /, **context: Any) -> str:
    """The page, or its content alone for htmx; ``layout`` in the context overrules."""
    context.setdefault("layout", "fragment.html" if fragment_wanted() else "base.html")
    context.update(actor=g.actor, app=g.application.definition, reader=g.reader)
    return templates().get_template(template).render(context)


def templates() -> folding.Environment:
    """The templates in the reader's language."""
    return folding.in_language(current_app, g.reader.language, _words)


def translate(pattern: str, /, **values: Any) -> str:
    return say(message(pattern, **values) if values else pattern, reader().language)


def label(thing: Any) -> str:
    """The text of a Label, or the label (else the name) of whatever carries one, in the reader's language."""
    return label_in(thing, reader().language)


def label_in(thing: Any, language: str) -> str:
    if isinstance(thing, Label):
        return thing.text(language)
    if hasattr(thing, "label_in"):
        return str(thing.label_in(language))
    own = getattr(thing, "label", None)
    return own.text(language) if isinstance(own, Label) else str(getattr(thing, "name", thing))


def role_label(name: str) -> str:
    """What a role is called; the built-in administrator has no entry in the definition."""
    role = g.application.definition.roles.get(name)
    return label(role) if role else translate("Administrator") if name == ADMIN else name


def plural(form: Any) -> str:
    return plural_in(form, reader().language)


def plural_in(form: Any, language: str) -> str:
    return label_in(form.plural or form.label, language)


@lru_cache(maxsize=2048)
def _icon(prefix: str, name: str, extra: str) -> Markup:
    classes = f"icon {extra}".strip()
    return Markup('<svg class="{}" aria-hidden="true"><use href="{}/icons.svg#{}"/></svg>').format(
        classes, prefix, name
    )


def _drawn_icon(prefix: str, name: str, extra: str = "") -> Markup:
    return _icon(prefix, name, extra)


def icon(name: str, extra: str = "") -> Markup:
    """An icon of the sprite, drawn in the colour of the text around it."""
    return _icon(current_app.extensions["appmill.assets"], name, extra)


def asset(path: str) -> str:
    """The lasting address of a file in ``static/``."""
    return statics.asset_url(current_app.extensions["appmill.assets"], path)


# --- toasts


def toast(text: Message | str, kind: str = "success", *, undo: str | None = None) -> None:
    """Say something in passing. ``kind``: success, info, warning or danger; ``undo``: an address to POST to."""
    shown = say(text, reader().language) if isinstance(text, Message) else text
    told = {"text": shown, "kind": kind, **({"undo": undo} if undo else {})}
    session[TOASTS] = [*session.get(TOASTS, ()), told][-MOST_TOASTS:]


def take_toasts() -> list[dict[str, str]]:
    """What is to be said now; each is said once."""
    return list(session.pop(TOASTS, ()))


def send_toasts(response: Response) -> Response:
    """Hand waiting toasts to htmx, which raises them as an event; a redirect keeps them for the page it leads to."""
    if "HX-Request" not in request.headers or 300 <= response.status_code < 400 or TOASTS not in session:
        return response
    told = json.loads(response.headers.get("HX-Trigger", "{}"))
    told["toast"] = {"toasts": take_toasts()}
    response.headers["HX-Trigger"] = json.dumps(told)
    return response


# --- moving on


def go(address: str) -> Response:
    """After a POST: to another page. htmx follows it as a whole navigation."""
    if "HX-Request" in request.headers and "HX-Boosted" not in request.headers:
        return current_app.response_class(status=204, headers={"HX-Redirect": address})
    return redirect(address, 303)


def local_address(address: str | None) -> str | None:
    """The address if it leads into this site and nowhere else; browsers read ``//``, ``/\\`` and control characters
    as another host."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return None
    plain = all(character > " " and character not in "\\\x7f" for character in address)
    return address if plain else None


def _in_automation() -> bool:
    from engine.web.automation.access import may_enter  # its room stands above this one

    return may_enter()


def _phone_head() -> Markup:
    from engine.web.phone import phone_head  # its room stands above this one

    return phone_head()


def _tasks_shown() -> tuple[object, ...]:
    from engine.web.phone import tasks_shown  # its room stands above this one

    return tasks_shown()


def unread_badge() -> Markup:
    """The number on the bell; nothing when everything is read."""
    if not g.unread:
        return Markup("")
    count = "99+" if g.unread > 99 else str(g.unread)
    words = translate("{count} unread", count=count)
    return Markup('<span class="bell-count" title="{}">{}</span>').format(words, count)


class CsrfToken:
    """The token as text, also when a template calls it."""

    def __call__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return str(g.csrf_token)

    def __html__(self) -> str:
        return str(escape(g.csrf_token))


def part(template: str) -> Markup:
    """A part of the frame that depends on the language alone, drawn once for each."""
    kept, key = g.application.plans.kept, ("part", template, reader().language)
    drawn = kept.get(key)
    if drawn is None:
        drawn = kept[key] = Markup(templates().get_template(template).render())  # noqa: S704 - our own
    return cast(Markup, drawn)


def csrf_field() -> Markup:
    return _csrf_field(g.csrf_token)


@lru_cache(maxsize=256)
def _csrf_field(token: str) -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(token)


def _words(language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What templates call: the functions whose answer is constant in one language, and the others."""
    prefix = current_app.extensions["appmill.assets"]
    constant = {
        "_": translator(language),
        "icon": partial(_drawn_icon, prefix),
        "asset": partial(statics.asset_url, prefix),
    }
    others = {
        "label": lambda thing: label_in(thing, language),
        "plural": lambda form: plural_in(form, language),
        "say": lambda text: say(text, language),
    }
    return constant, others


def equip(flask: Flask, assets: str) -> None:
    """Give every template its words."""
    flask.extensions["appmill.assets"] = assets
    environment = flask.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(
        _=translate,
        frame=lambda template: frame_part(templates(), template, csrf_field(), here(), unread_badge()),
        here=here,
        in_automation=_in_automation,
        initials=initials,
        is_admin=lambda: g.is_admin,
        live_at=lambda: g.last_event,
        modules=lambda: MODULES,
        page_theme=lambda: g.theme,
        part=part,
        phone_head=_phone_head,
        place=place,
        request_id=lambda: g.request_id,
        role_label=role_label,
        side_bar=lambda: sidebar(templates().get_template("shell/sidebar.html")),
        small_bar=lambda: request.cookies.get("bar") == "small",
        styles=lambda: STYLES,
        unread_badge=unread_badge,
        view_as=lambda: g.view_as,
        actor=LocalProxy(lambda: g.actor),
        app=LocalProxy(lambda: g.application.definition),
        reader=LocalProxy(lambda: g.reader),
        asset=asset,
        csrf_field=csrf_field,
        csrf_token=CsrfToken(),
        icon=icon,
        label=label,
        plural=plural,
        say=lambda text: say(text, reader().language),
        shell_menu=shell_menu,
        site=site,
        take_toasts=take_toasts,
        tasks_shown=_tasks_shown,
        url_for=url_for,
    )
