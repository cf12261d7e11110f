"""One scenario from its beginning to its end: every step is what a person does, by the doors people use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import sqlalchemy as sa

from engine import answering, questions, service
from engine.approvals import deeds, delegating, model
from engine.connectors import Item
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Message, Missing, message
from engine.feeding import taking
from engine.feeding.keeping import keep
from engine.jobs import delivering
from engine.jobs.desk import Desk
from engine.load import Loaded
from engine.people import Actor, system_actor
from engine.questions import Question
from engine.scenario import Given, Scenario, Step
from engine.scenarios.results import Failure, Otherwise, Result, failure, sentences, told
from engine.scenarios.unsaid import with_unsaid
from engine.scenarios.values import typed
from engine.scenarios.world import Stage, World
from engine.storage.automation import in_state
from engine.texts import say
from engine.timing.simulate import pass_time


@dataclass
class Story:
    """A scenario on its way. ``records``: name → (form, id); ``marks``: table → the last id before the steps;
    ``acting``: who uploads the files of the present step."""

    world: World
    scenario: Scenario
    records: dict[str, tuple[str, int]] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    acting: int | None = None

    # --- as the cast of values

    def person(self, word: str) -> int:
        return self.world.people[word]

    def record(self, name: str) -> int:
        return self.records[name][1]

    def file(self, form: str, field: str, name: str) -> int:
        return self.world.file(form, field, name, self.acting)

    # --- what the walk takes

    def form(self, thing: Given | Step) -> Form:
        return self.world.definition.forms[self.scenario.form_of(thing) or ""]

    def typed(self, form: Form, values: Mapping[Any, Any]) -> dict[str, Any]:
        return typed(self.world.definition, form, values, self, self.world.hands.now)

    def completed(self, form: Form, values: Mapping[Any, Any]) -> dict[str, Any]:
        """Of a new record, with what must be filled and the story does not speak of."""
        return with_unsaid(self.world.definition, form, self.typed(form, values))

    def last(self, name: str) -> int:
        """The newest id of a system table."""
        table = self.world.app.tables.system[name]
        with self.world.app.database.read() as conn:
            return conn.scalar(sa.select(sa.func.max(table.c.id))) or 0


def play(world: Stage, loaded: Loaded, scenario: Scenario) -> Result:
    """Play a scenario in a database of its own; every failed expectation of its end is told, of its steps the first."""
    from engine.scenarios.expecting import examine

    began = time.perf_counter()
    world.begin(scenario.at)
    story = Story(world, scenario)
    failures: list[Failure] = []
    try:
        _prepare(story)
        for place, step in enumerate(scenario.steps):
            _step(story, step, ("steps", place))
        _all_well(story)
        failures += [failure(loaded.source, scenario.name, one) for one in examine(story)]
    except Otherwise as otherwise:
        failures.append(failure(loaded.source, scenario.name, otherwise))
    line = loaded.source.key_at(("scenarios", scenario.name)).line
    took = time.perf_counter() - began
    return Result(scenario.name, scenario.label, loaded.source.file, line, tuple(failures), took)


# --- what is there ---------------------------------------------------------------------------------------------------


def _prepare(story: Story) -> None:
    world, scenario = story.world, story.scenario
    world.recorder.begin(scenario.answers, frozenset(scenario.down))
    for place, given in enumerate(scenario.given):
        try:
            id = _made(story, given)
            for role in given.stands:
                world.stand(role, id)
        except AppmillError as refusal:
            raise Otherwise(("given", place), message("the record is there"), told(refusal)) from refusal
        if given.saved_as:
            story.records[given.saved_as] = (given.create, id)
        _settle(story, ("given", place))
    world.recorder.sent.clear()
    story.marks.update({name: story.last(name) for name in ("notification", "question", "run")})


def _made(story: Story, given: Given) -> int:
    world, form = story.world, story.form(given)
    actor = world.actor(given.by) if given.by else system_actor("scenario")
    story.acting = actor.id
    values = story.completed(form, given.values)
    if given.state is None:
        return service.save(world.app, actor, form, values).id
    return service.adopt(world.app, system_actor("scenario"), form, values, state=given.state).id


# --- what happens ----------------------------------------------------------------------------------------------------


def _step(story: Story, step: Step, path: tuple[str | int, ...]) -> None:
    verb = step.verbs[0]
    if verb == "wait":
        _wait(story, step, path)
        return
    wanted = message("it is refused") if step.refused else message("it is done")
    if isinstance(step.refused, str):
        wanted = message("it is refused, saying “{part}”", part=step.refused)
    actor = system_actor("scenario") if verb == "arrives" else story.world.actor(step.by or "")
    story.acting = actor.id
    try:
        _DEEDS[verb](story, step, actor)
    except AppmillError as refusal:
        if not _is_expected(refusal, step.refused, story.world.definition.languages):
            raise Otherwise(path, wanted, told(refusal)) from refusal
        return
    if step.refused:
        raise Otherwise(path, wanted, message("it was done"))
    _settle(story, path)


def _is_expected(refusal: AppmillError, wanted: str | bool, languages: tuple[str, ...]) -> bool:
    if isinstance(wanted, bool):
        return wanted
    texts = (say(sentence, language) for sentence in sentences(refusal) for language in (*languages, "en"))
    return any(wanted.casefold() in text.casefold() for text in texts)


def _create(story: Story, step: Step, actor: Actor) -> None:
    form = story.form(step)
    values = story.typed(form, step.values) if step.refused else story.completed(form, step.values)
    saved = service.save(story.world.app, actor, form, values)
    if step.saved_as:
        story.records[step.saved_as] = (form.name, saved.id)


def _update(story: Story, step: Step, actor: Actor) -> None:
    form = story.form(step)
    service.save(story.world.app, actor, form, story.typed(form, step.values), id=story.record(step.update or ""))


def _take(story: Story, step: Step, actor: Actor) -> None:
    form, values = story.form(step), story.typed(story.form(step), step.values)
    service.take(story.world.app, actor, form, story.record(step.of or ""), step.take or "", values=values,
                 reason=step.reason)  # fmt: skip


def _press(story: Story, step: Step, actor: Actor) -> None:
    service.press(story.world.app, actor, story.form(step), story.record(step.of or ""), step.press or "")


def _answer(story: Story, step: Step, actor: Actor) -> None:
    fitting = [one for one in _asked(story, step, actor) if one.choice(step.answer)]
    if not fitting:
        raise Missing(answering.NO_QUESTION)
    back_to = step.back_to - 1 if step.back_to is not None else None
    given = answering.Given(step.answer or "", step.comment, back_to)
    answering.give(story.world.app, actor, fitting[0].id, given)


def _asked(story: Story, step: Step, actor: Actor) -> list[Question]:
    """What this person is asked about the record."""
    app, (form, id) = story.world.app, story.records[step.of or ""]
    assert actor.id is not None  # people of a story are in its database
    with app.database.read() as conn:
        return questions.open_for(conn, app.tables, actor.id, app.clock(), form=form, record_id=id)


def _question(story: Story, step: Step, actor: Actor) -> int:
    """What this person is asked in an approval of the record."""
    found = next((one.id for one in _asked(story, step, actor) if one.approval_id is not None), None)
    if found is None:
        raise Missing(answering.NO_QUESTION)
    return found


def _hand_over(story: Story, step: Step, actor: Actor) -> None:
    to = story.person(step.hand_over or "")
    deeds.hand_over(story.world.app, actor, _question(story, step, actor), to, step.comment)


def _add_signer(story: Story, step: Step, actor: Actor) -> None:
    to = story.person(step.add_signer or "")
    when: Literal["before", "after"] = step.signs or "before"
    deeds.add_signer(story.world.app, actor, _question(story, step, actor), to, when, step.comment)


def _delegate(story: Story, step: Step, actor: Actor) -> None:
    app, now = story.world.app, story.world.hands.now
    assert step.lasts is not None  # the checks demand it
    until = app.plans.times.after(now, step.lasts)
    to = story.person(step.delegate or "")
    wanted = delegating.Wanted(user_id=actor.id or 0, to_id=to, from_at=now, until_at=until)
    with app.database.write() as conn:
        delegating.delegate(app, conn, actor, wanted)


def _withdraw(story: Story, step: Step, actor: Actor) -> None:
    deeds.withdraw(story.world.app, actor, _approval(story, step.withdraw or ""), step.comment)


def _remind(story: Story, step: Step, actor: Actor) -> None:
    deeds.remind(story.world.app, actor, _approval(story, step.remind or ""))


def _approval(story: Story, name: str) -> int:
    """The newest approval of a record of the story."""
    app, (form, id) = story.world.app, story.records[name]
    with app.database.read() as conn:
        found = model.of_record(conn, app.tables, form, id, limit=1)
    if not found:
        raise Missing(model.NO_APPROVAL)
    return found[0].id


def _delete(story: Story, step: Step, actor: Actor) -> None:
    service.delete(story.world.app, actor, story.form(step), story.record(step.delete or ""))


def _restore(story: Story, step: Step, actor: Actor) -> None:
    service.restore(story.world.app, actor, story.form(step), story.record(step.restore or ""))


def _arrives(story: Story, step: Step, _actor: Actor) -> None:
    """Kept and taken as what a system outside tells; what could not be taken is refused in its words."""
    app = story.world.app
    feed = app.definition.feeds[step.arrives or ""]
    told = Item(f"scenario {story.last('arrival') + 1}", "", dict(step.item))
    with app.database.write() as conn:
        keep(app, conn, feed, step.connection or feed.from_[0], [told], "pushed")
    delivering.deliver(app, story.last("message"), Desk())
    with app.database.read() as conn:
        arrival = taking.load(app, conn, story.last("arrival"))
    if arrival.state == "failed":
        raise Invalid(message("{text}", text=arrival.reason))


_DEEDS: Mapping[str, Callable[[Story, Step, Actor], None]] = {
    "create": _create, "update": _update, "take": _take, "press": _press, "answer": _answer,
    "hand_over": _hand_over, "add_signer": _add_signer, "delegate": _delegate, "withdraw": _withdraw,
    "remind": _remind, "delete": _delete, "restore": _restore,
    "arrives": _arrives,
}  # fmt: skip


# --- time ------------------------------------------------------------------------------------------------------------


def _wait(story: Story, step: Step, path: tuple[str | int, ...]) -> None:
    world = story.world
    assert step.wait is not None
    end = world.app.plans.times.after(world.hands.now, step.wait)
    if not pass_time(world.app, world.hands, end).complete:
        raise Otherwise(path, message("time passes"), _ENDLESS)


def _settle(story: Story, path: tuple[str | int, ...]) -> None:
    """What is due now is done: mails are sent, runs go on."""
    world = story.world
    if _is_anything_due(world) and not pass_time(world.app, world.hands, world.hands.now).complete:
        raise Otherwise(path, message("rules come to an end"), _ENDLESS)


_ENDLESS = message("rules wake each other without end")


def _is_anything_due(world: World) -> bool:
    table = world.app.tables.message
    due = sa.select(table.c.id).where(in_state(table, "waiting", "parked"), table.c.due_at <= world.hands.now)
    with world.app.database.read() as conn:
        return conn.execute(due.limit(1)).first() is not None


def _all_well(story: Story) -> None:
    """A rule that failed on the way is a failure, whether or not anybody thought of it."""
    if story.scenario.down:
        return
    run = story.world.app.tables.run
    with story.world.app.database.read() as conn:
        failed = conn.execute(
            sa.select(run.c.rule, run.c.error).where(run.c.state == "failed", run.c.id > story.marks["run"])
        ).first()
    if failed is not None:
        raise Otherwise(("steps",), message("every rule does its part"), _of_rule(failed.rule, failed.error))


def _of_rule(rule: str, error: str | None) -> Message:
    return message("the rule {rule} failed: {why}", rule=rule, why=error or "?")
