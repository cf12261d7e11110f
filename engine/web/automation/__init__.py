"""The machine room: rules and their runs, what is still to be delivered, schedules, webhooks, connections and feeds.

Administrators see and do everything here; owners of rules see theirs (``access``). ``ledger`` reads, ``words`` and
``telling`` put it into words, ``flow`` draws rules; the other modules are the pages.
"""

from __future__ import annotations

from flask import Blueprint, current_app, request

from engine.web.automation import connections, exchanges, feeds, feedtrials, queue, rules, runs, schedules, trials
from engine.web.automation.access import demand_entry

blueprint = Blueprint("automation", __name__, url_prefix="/admin/automation")
for part in (rules, runs, queue, schedules, connections, exchanges, feeds, feedtrials, trials):
    blueprint.register_blueprint(part.blueprint)


@blueprint.before_request
def enter() -> None:
    demand_entry(current_app.view_functions.get(request.endpoint or ""))
