"""The rules: how each stands, and the page of one with its drawing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from flask import Blueprint
from werkzeug.wrappers import Response

from engine.definition import Rule
from engine.errors import message
from engine.jobs import mending
from engine.rules import name_of
from engine.saying.occasions import occasion
from engine.saying.words import Words
from engine.web.automation import ledger
from engine.web.automation.access import demand_rule, for_owners, seen_rules
from engine.web.automation.flow import draw
from engine.web.automation.frame import ROOT, show, words_of
from engine.web.automation.runlines import lines_of
from engine.web.automation.words import MODES, STANDINGS, Badge, standing
from engine.web.context import actor, application
from engine.web.render import go, toast

blueprint = Blueprint("rules", __name__)
DAY = dt.timedelta(days=1)
SHOWN_RUNS = 10


@dataclass(frozen=True)
class RuleLine:
    """A rule as the list shows it. ``tally`` is of the last 24 hours."""

    rule: Rule
    key: str
    label: str
    trigger: str
    form: str
    mode: str
    standing: str
    badge: Badge
    reason: str
    since: dt.datetime | None
    tally: ledger.Tally
    last: ledger.Row | None

    @property
    def href(self) -> str:
        return f"{ROOT}/rules/{self.key}"


def rule_lines() -> list[RuleLine]:
    """The rules the reader may look at; how they fared is read in a fixed number of statements."""
    app, rules = application(), seen_rules()
    with app.database.read() as conn:
        tallies = ledger.tallies(conn, app, app.clock() - DAY)
        last = ledger.last_runs(conn, app, rules)
        kept = ledger.paused(conn, app)
    return [
        rule_line(words_of(), plan.rule, kept.get(key), tallies.get(key, ledger.Tally({})), last.get(key))
        for key, plan in rules.items()
    ]


def rule_line(
    words: Words, rule: Rule, kept: ledger.Row | None, tally: ledger.Tally, last: ledger.Row | None
) -> RuleLine:
    paused = kept is not None and kept["paused_at"] is not None
    state = standing(rule, paused)
    return RuleLine(
        rule=rule, key=rule.stable_id, label=words.rule_label(rule), trigger=occasion(words, rule.trigger).text,
        form=words.form_label(rule.form), mode=words.say(MODES[rule.mode]), standing=state, badge=STANDINGS[state],
        reason=(kept["reason"] or "") if kept and paused else "", since=kept["paused_at"] if kept else None,
        tally=tally, last=last,
    )  # fmt: skip


@blueprint.get("")
@for_owners
def index() -> str:
    return show("rules", "rules", lines=rule_lines())


@blueprint.get("/rules/<rule_id>")
@for_owners
def one(rule_id: str) -> str:
    app, rule = application(), demand_rule(rule_id).rule
    words = words_of()
    with app.database.read() as conn:
        tally = ledger.tallies(conn, app, app.clock() - DAY).get(rule_id, ledger.Tally({}))
        kept = ledger.paused(conn, app).get(rule_id)
        found = ledger.runs(conn, app, ledger.RunSearch(rule=rule_id), SHOWN_RUNS)
        lines = lines_of(conn, found)
    line = rule_line(words, rule, kept, tally, found[0] if found else None)
    owner = words.role_label(rule.owner) if rule.owner else ""
    return show("rule", "rules", line=line, rule=rule, boxes=draw(words, rule), runs=lines, owner=owner,
                kept=kept, words=words)  # fmt: skip


@blueprint.post("/rules/<rule_id>/pause")
def pause(rule_id: str) -> Response:
    rule = demand_rule(rule_id).rule
    mending.pause_rule(application(), actor(), rule_id, paused_by())
    toast(message("The rule “{rule}” is paused.", rule=name_of(rule)))
    return go(f"{ROOT}/rules/{rule_id}")


def paused_by() -> str:
    """The reason where nobody gave one."""
    return words_of().say(message("Paused by {name}", name=actor().name))


@blueprint.post("/rules/<rule_id>/resume")
def resume(rule_id: str) -> Response:
    rule = demand_rule(rule_id).rule
    mending.resume_rule(application(), actor(), rule_id)
    toast(message("The rule “{rule}” goes on.", rule=name_of(rule)))
    return go(f"{ROOT}/rules/{rule_id}")
