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

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine.web.context import actor, application, reader
from engine.web.render import asset, go, icon, label, render, toast, translate

__all__ = [
    "Blueprint", "Response", "actor", "application", "asset", "go", "icon", "label", "reader", "render", "request",
    "toast", "translate",
]  # fmt: skip
