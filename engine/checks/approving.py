"""Approvals whose steps say what they need: people, a record, and what happens where there is nobody or no answer."""

from __future__ import annotations

from engine.approve import ApprovalStep, Approve
from engine.checks.review import Review
from engine.errors import message
from engine.yamlfile import Path


def check_approving(review: Review) -> None:
    for rule in review.definition.rules.values():
        for path, action, form in rule.steps():
            if isinstance(action, Approve):
                here: Path = ("rules", rule.name, *path)
                if form is None:
                    said = message("Only a record can be approved; no record wakes this rule.")
                    review.error(here, said)
                _whole(review, action, here)
                for place, step in enumerate(action.steps):
                    _step(review, step, (*here, "steps", place))


def _whole(review: Review, action: Approve, path: Path) -> None:
    connection = review.definition.connections.get(action.mail or "")
    if connection is not None and "mail" not in connection.serves:
        said = message("'{name}' is a connection of type {type}, which sends no mails.",
                       name=action.mail, type=connection.type)  # fmt: skip
        review.error((*path, "mail"), said)
    reached = review.definition.reach is not None and review.definition.reach.asked is not None
    if action.one_time is not None and action.mail is None and not reached:
        review.error((*path, "one_time"), message("Links for one decision go by mail; say which connection in `mail`."))


def _step(review: Review, step: ApprovalStep, path: Path) -> None:
    if bool(step.to) == bool(step.parts):
        review.error(path, message("A step says either `to` or `parts`: whom it asks."))
    if step.parts and step.needs != "any":
        review.error((*path, "needs"), message("Each of the parts says itself what it needs."))
    wanted = step.nobody == "ask" or step.late == "escalate"
    if wanted and not step.instead:
        review.error(path, message("`instead` is missing: say who is asked then."))
    if step.instead and not wanted:
        said = message("`instead` says nothing without `nobody: ask` or `late: escalate`.")
        review.error((*path, "instead"), said)
    if step.late != "end" and step.at_most is None:
        review.error((*path, "late"), message("`late` says nothing without `at_most`."))
