"""Which fields an input may name, for one actor: read from the grants once, before the transaction begins."""

from __future__ import annotations

from engine.application import Application
from engine.intake import Everything, Offer
from engine.people import Actor
from engine.permissions import readable_fields, updatable_fields
from engine.plans import FormPlan


def offer(
    app: Application,
    actor: Actor,
    plan: FormPlan,
    *,
    creating: bool,
    asked: frozenset[str] = frozenset(),
    importing: bool = False,
) -> Offer:
    """What may be set when creating or changing; ``asked``: by a transition; ``importing``: numbers too."""
    lines = {
        name: offer(app, actor, lines.plan, creating=creating, importing=importing)
        for name, lines in plan.lines.items()
    }
    everything = Everything()
    if actor.boundless or importing:
        return Offer(everything, everything, lines, asked, importing)
    return Offer(
        updatable_fields(app, actor, plan.form, creating=creating),
        readable_fields(app, actor, plan.form),
        {name: _whole(one) if name in asked else one for name, one in lines.items()},
        asked,
    )


def _whole(lines: Offer) -> Offer:
    """Lines a transition asks for may be filled in whole."""
    return Offer(lines.readable, lines.readable, lines.lines, lines.extra, lines.derived)
