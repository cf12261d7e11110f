"""Prints: whether the file can go where it is told to, and whether those after it find it there."""

from __future__ import annotations

from collections.abc import Sequence

from engine.actions import nested
from engine.checks.review import Review
from engine.errands import Mail, Print, Report
from engine.errors import message
from engine.language import ADMIN, FormName
from engine.yamlfile import Path


def check_prints(review: Review) -> None:
    for rule in review.definition.rules.values():
        before: dict[tuple[Path, str], Print] = {}
        for place, action, of in nested(("actions",), rule.actions, rule.form):
            path: Path = ("rules", rule.name, *place)
            if isinstance(action, Report):
                _drawn_for(review, action, path)
            if isinstance(action, Print):
                _into(review, action, of, path)
                before[place[:-1], action.into] = action
            elif isinstance(action, Mail):
                _attached(review, path, [before.get((place[:-1], name)) for name in action.attach])


def _drawn_for(review: Review, action: Report, path: Path) -> None:
    if (action.role is None) == (action.person is None):
        said = message("Say whose rights the page is drawn with: either 'role' or 'person'.")
        review.error((*path, "role") if action.role else path, said)
    page = review.definition.pages.get(action.page)
    if page is None:
        return
    if action.role is not None and page.roles and action.role not in (*page.roles, ADMIN):
        said = message("The page '{page}' is not for the role '{role}'.", page=action.page, role=action.role)
        review.error((*path, "role"), said)
    if action.period == "last" and page.period is None:
        said = message("The page '{page}' offers no span of time; give it a 'period'.", page=action.page)
        review.error((*path, "period"), said)


def _into(review: Review, action: Print, of: FormName | None, path: Path) -> None:
    form = review.form(of)
    if of is None:
        review.error(path, message("No record wakes this rule, so there is none to print."))
    if form is None:
        return
    if form.parent_form:
        review.error(path, message("Lines have no page of their own to print; print the record around them."))
    field = form.fields.get(action.into)
    if field is None:
        return  # said by the reference check
    if field.type != "attachment":
        said = message("'{field}' is no attachment field; a print goes into one.", field=field.name)
        review.error((*path, "into"), said)
        return
    kinds: Sequence[str] = field.kinds  # type: ignore[attr-defined]
    if kinds and action.format not in kinds:
        said = message("'{field}' takes {kinds} only; a print of format {format} does not fit.",
                       field=field.name, kinds=tuple(kinds), format=action.format)  # fmt: skip
        review.error((*path, "into"), said)


def _attached(review: Review, path: Path, prints: Sequence[Print | None]) -> None:
    for index, found in enumerate(prints):
        if found is not None and found.saved_as is None:
            said = message("The print into '{field}' is not ready when the mail is written; give it `as:`, and the "
                           "mail waits for it.", field=found.into)  # fmt: skip
            review.warning((*path, "attach", index), said)
