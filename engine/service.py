"""The doors to records. Every change takes the same walk, in one transaction that is visible here and nowhere else.

``values`` hold raw input per field name, text or JSON; lines as a list of such mappings, with ``id`` for lines that are
there already: lines that are not named are removed. What is not named at all stays as it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from engine import erasing, importing, pressing, walking
from engine.application import Application
from engine.checking import taken
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Refused, message
from engine.intake import Given, read_input
from engine.offering import offer
from engine.once import Once, Repeated
from engine.passage import Walk
from engine.people import Actor
from engine.permissions import Verb, may
from engine.plans import FormPlan
from engine.sight import Sight
from engine.walking import Saved
from engine.writing import Lost, Overtaken

T = TypeVar("T")
TRIES = 6  # PostgreSQL ends one of two transactions that wait for each other; it is simply walked again
_WALK_AGAIN = ("40001", "40P01")  # serialization_failure, deadlock_detected


def save(
    app: Application,
    actor: Actor,
    form: Form | str,
    values: Mapping[str, Any],
    *,
    id: int | None = None,
    version: int | None = None,
    transition: str | None = None,
    reason: str | None = None,
    cause: int | None = None,
    batch: int | None = None,
    once: Once | None = None,
) -> Saved:
    """Create a record, or change the one with ``id``; ``transition`` takes a step with it.

    ``version``: the one the input was typed over; another one by now is Stale, None compares nothing. ``cause``: the
    event that led to this. ``once``: by what a second post of the same is known; it is answered with the record of the
    first. Raises Invalid with everything that is wrong, Denied, Refused, Missing or Stale.
    """
    plan = app.plans.form(form)
    if plan.form.parent_form and transition is None:
        change_line = _line_change(app, actor, plan, values, id, version, _tidy(reason))
        return _in_transaction(app, actor, change_line, (plan, "update"), cause=cause, batch=batch)
    verb: Verb = "create" if id is None else "take" if transition else "update"
    may(app, actor, verb, plan.form).demand()
    given = _read(app, actor, plan, values, id is None, transition)

    def change(walk: Walk) -> Saved:
        if id is None:
            _no_step_yet(plan, transition)
            return walking.create(walk, plan, given)
        return walking.change(walk, plan, id, given, version=version, transition=transition, reason=_tidy(reason))

    return _in_transaction(app, actor, _only_once(app, plan, change, once), (plan, verb), cause=cause, batch=batch)


def _only_once(
    app: Application, plan: FormPlan, change: Callable[[Walk], Saved], once: Once | None
) -> Callable[[Walk], Saved]:
    if once is None:
        return change

    def changed_once(walk: Walk) -> Saved:
        done = once.earlier(app, walk.conn, plan.form.name)
        if done is None:
            done = change(walk)
            once.note(app, walk.conn, done)
        return done

    return changed_once


def take(
    app: Application,
    actor: Actor,
    form: Form | str,
    id: int,
    transition: str,
    *,
    version: int | None = None,
    values: Mapping[str, Any] | None = None,
    reason: str | None = None,
    cause: int | None = None,
    batch: int | None = None,
    once: Once | None = None,
) -> Saved:
    """Take a transition of a record; ``values`` are what it asks for, and whatever else the actor may change."""
    return save(
        app, actor, form, values or {}, id=id, version=version, transition=transition, reason=reason, cause=cause,
        batch=batch, once=once,
    )  # fmt: skip


def delete(
    app: Application,
    actor: Actor,
    form: Form | str,
    id: int,
    version: int | None = None,
    *,
    reason: str | None = None,
    batch: int | None = None,
) -> Saved:
    """Take a record out of every list; ``restore`` brings it back. Refused while others link to it."""
    plan = app.plans.form(form)
    if plan.form.parent_form:
        raise walking.closed_door(plan)
    may(app, actor, "delete", plan.form).demand()
    return _in_transaction(
        app, actor, lambda walk: erasing.delete(walk, plan, id, version, _tidy(reason)), (plan, "delete"), batch=batch
    )


def restore(app: Application, actor: Actor, form: Form | str, id: int) -> Saved:
    """Bring a deleted record back; Invalid when its unique values were taken meanwhile."""
    plan = app.plans.form(form)
    may(app, actor, "delete", plan.form).demand()
    return _in_transaction(app, actor, lambda walk: erasing.restore(walk, plan, id), (plan, "restore"))


def press(
    app: Application,
    actor: Actor,
    form: Form | str,
    id: int,
    rule: str,
    *,
    version: int | None = None,
    once: Once | None = None,
) -> Saved:
    """Press the button of a rule."""
    plan = app.plans.form(form)
    may(app, actor, "take", plan.form).demand()

    def change(walk: Walk) -> Saved:
        return pressing.press(walk, plan, id, rule, version)

    return _in_transaction(app, actor, _only_once(app, plan, change, once), (plan, "press"))


def adopt(
    app: Application,
    actor: Actor,
    form: Form | str,
    values: Mapping[str, Any],
    *,
    state: str | None = None,
    history: Sequence[Mapping[str, Any]] = (),
    batch: int | None = None,
    once: Once | None = None,
) -> Saved:
    """Bring a record in that began its life elsewhere: in any state, with the visits to the states before.

    ``history``: mappings with ``state``, ``entered_at``, ``left_at``. Needs the right to import. No rule is woken.
    """
    plan = app.plans.form(form)
    if plan.form.parent_form:
        raise walking.closed_door(plan)
    may(app, actor, "import", plan.form).demand()
    given = read_input(
        plan, values, offer(app, actor, plan, creating=True, importing=True), actor.reader(app.definition)
    )

    def change(walk: Walk) -> Saved:
        return importing.adopt(walk, plan, given, state, history)

    return _in_transaction(app, actor, _only_once(app, plan, change, once), (plan, "import"), batch=batch)


# --- parts -----------------------------------------------------------------------------------------------------------


def _read(
    app: Application, actor: Actor, plan: FormPlan, values: Mapping[str, Any], creating: bool, transition: str | None
) -> Given:
    step = plan.transitions.get(transition or "")
    asked = step.asked if step else frozenset()
    return read_input(
        plan, values, offer(app, actor, plan, creating=creating, asked=asked), actor.reader(app.definition)
    )


def _no_step_yet(plan: FormPlan, transition: str | None) -> None:
    if transition is not None:
        raise Refused(message("{form} must be saved before a step of it is taken.", form=plan.form.label))


def _line_change(
    app: Application,
    actor: Actor,
    plan: FormPlan,
    values: Mapping[str, Any],
    id: int | None,
    version: int | None,
    reason: str | None,
) -> Callable[[Walk], Saved]:
    """A line is changed through the record around it, so that totals, checks and the history stay whole."""
    if id is None:
        raise walking.closed_door(plan)
    may(app, actor, "update", plan.form).demand()

    def change(walk: Walk) -> Saved:
        return walking.change_line(walk, plan, id, values, version, reason)

    return change


def _tidy(reason: str | None) -> str | None:
    return (" ".join(reason.split()) or None) if reason else None


def _in_transaction(
    app: Application,
    actor: Actor,
    change: Callable[[Walk], T],
    what: tuple[FormPlan, str],
    *,
    cause: int | None = None,
    batch: int | None = None,
) -> T:
    with _measured(app, what[0].form.name, what[1]):
        return _walked(app, actor, change, cause, batch)


@contextmanager
def _measured(app: Application, form: str, verb: str) -> Iterator[None]:
    began, outcome = time.perf_counter(), "failed"
    try:
        yield
        outcome = "done"
    except AppmillError as refusal:
        outcome = refusal.code
        raise
    finally:
        app.database.meter.walked(form, verb, outcome, time.perf_counter() - began)


def _walked(app: Application, actor: Actor, change: Callable[[Walk], T], cause: int | None, batch: int | None) -> T:
    for attempt in range(TRIES):
        try:
            with app.database.write() as conn:
                _refuse_outdated(app)
                done = change(_walk(app, conn, actor, cause, batch))
                _refuse_outdated(app)  # PostgreSQL: it may have waited for the very publication
                return done
        except Repeated:
            continue
        except Overtaken as overtaken:  # walked again, it is compared with the version that is there now
            if attempt == TRIES - 1:
                raise overtaken.stale from overtaken
        except Lost as lost:
            raise _explained(app, actor, lost) from lost.error
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in _WALK_AGAIN or attempt == TRIES - 1:
                raise
    raise AssertionError("the loop returns or raises")


def _refuse_outdated(app: Application) -> None:
    """Nothing is written by a definition that was in force until a moment ago."""
    if app.database.in_force not in (None, app.definition.hash):
        raise Refused(message("The application was changed just now; nothing was saved. Please save once more."))


def _walk(app: Application, conn: sa.Connection, actor: Actor, cause: int | None, batch: int | None) -> Walk:
    return Walk(app, conn, actor, app.clock(), Sight(app, conn, actor), cause, (), batch)


def _explained(app: Application, actor: Actor, lost: Lost) -> Exception:
    """The same words as if the checks had found it: which record has the value, looked up after the rollback."""
    with app.database.read() as conn:
        passage = lost.passage
        passage.walk = _walk(app, conn, actor, None, None)
        problems = taken(passage, lost.plan, passage.row, passage.before) if lost.plan is passage.plan else []
    if problems:
        return Invalid(problems[0].message, problems)
    return lost.said() or lost.error
