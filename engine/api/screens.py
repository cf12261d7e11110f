"""What a plugin's screens may import.

    from engine.api.screens import Blueprint, actor, application, render

    def make_blueprint(application: Application) -> Blueprint:
        blueprint = Blueprint("stars", __name__, url_prefix="/stars")

        @blueprint.get("/<int:id>")
        def show(id: int) -> str:
            return render("stars.html", …)

        return blueprint

    def register(registry: Registry) -> None:
        registry.screen(make_blueprint)
        registry.template_folders.append(…)          # where stars.html is; it extends `layout`
        registry.place("/stars", "Stars", "star", shown)   # in the side bar
        registry.panel("ticket", "/stars/{id}")      # a part of the page of every ticket

Every view runs for a person who is signed in; ``actor()`` says who, and reads go through their rights. Forms carry
``{{ csrf_field() }}``; styles and scripts come from ``static/`` by ``{{ asset("css/stars.css") }}``, as nothing else is
allowed in a page.
"""

import datetime as dt
from decimal import Decimal

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine import formats
from engine.web.context import actor, application, reader
from engine.web.render import asset, go, icon, label, render, toast, translate

__all__ = [
    "Blueprint", "Response", "actor", "application", "asset", "go", "icon", "label", "reader", "render", "request",
    "shown_moment", "shown_money", "toast", "translate",
]  # fmt: skip


def shown_moment(at: dt.datetime) -> str:
    """As the reader writes it, where the reader is."""
    return formats.moment(at, reader())


def shown_money(amount: Decimal) -> str:
    """In the currency of the application."""
    person = reader()
    return formats.money(amount, person.currency, person.language)
