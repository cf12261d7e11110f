"""What must hold at the end, compared with what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from engine.errors import Invalid, Message, message
from engine.expressions import EvaluationFailed, View, plain, shown
from engine.people import system_actor
from engine.permissions import label_of_role
from engine.plans import FormPlan
from engine.scenario import Expected
from engine.scenarios.playing import Story
from engine.scenarios.results import Otherwise
from engine.sight import Sight

Found = Iterator[tuple[Message, Message]]  # (what was expected, what came), where they differ
SHOWN = 5


def examine(story: Story) -> Iterator[Otherwise]:
    """Every expectation that is not met. What roles never do is asked last, as asking it changes the records."""
    from engine.scenarios.keeping_out import kept_out

    expected = list(enumerate(story.scenario.then))
    for place, one in expected:
        kind = one.kinds[0]
        for wanted, got in _KINDS.get(kind, _nothing)(story, one):
            yield Otherwise(("then", place), wanted, got)
    never = [(place, one) for place, one in expected if one.kinds[0] in ("never", "never_reads")]
    yield from kept_out(story, never)


def _nothing(_story: Story, _one: Expected) -> Found:
    return iter(())


# --- of a record


def _of_record(story: Story, one: Expected) -> Found:
    app, (form, id) = story.world.app, story.records[one.of or ""]
    plan = app.plans.form(form)
    with app.database.read() as conn:
        sight = Sight(app, conn, system_actor("scenario"))
        row = sight.load(form, id)
        if row is None or (row["deleted_at"] is not None) != one.gone:
            deleted = message("it is deleted"), message("it is there")
            yield deleted if one.gone else deleted[::-1]
            return
        view = sight.view(plan.form, row)
        if one.state and row["state"] != one.state:
            yield _state(plan, one.state), _state(plan, row["state"])
        yield from _values(story, plan, view, one)
        yield from _holds(story, sight, view, one)


def _state(plan: FormPlan, name: str) -> Message:
    states = plan.form.workflow.states if plan.form.workflow else {}
    label = states[name].label if name in states else name
    return message("state {name} ({label})", name=name, label=label)


def _values(story: Story, plan: FormPlan, view: View, one: Expected) -> Found:
    reader = system_actor().reader(story.world.definition)
    for name, raw in story.typed(plan.form, one.values).items():
        field, got = plan.fields[name], plain(view.read(name))
        try:
            wanted = field.parse(raw, reader)
        except Invalid as wrong:
            yield wrong.reason, message("{name} is {value}", name=field.title, value=shown(got, reader))
            continue
        if _comparable(got) != _comparable(wanted):
            yield (
                message("{name} is {value}", name=field.title, value=shown(wanted, reader)),
                message("{name} is {value}", name=field.title, value=shown(got, reader)),
            )


def _comparable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _holds(story: Story, sight: Sight, view: View, one: Expected) -> Found:
    if one.holds is None:
        return
    compiled, names = story.world.app.plans.compile(one.holds), sight.with_record(view)
    wanted = message("{expression}", expression=one.holds)
    try:
        if compiled.holds(names):
            return
    except EvaluationFailed as failed:
        yield wanted, failed.reason
        return
    reader = system_actor().reader(story.world.definition)
    found = (pair for _text, holds, values in compiled.explain(names) if not holds for pair in values)
    facts = tuple(f"{path} = {shown(value, reader) or '–'}" for path, value in found)
    yield wanted, message("{facts}", facts=facts or (message("it does not hold"),))


# --- how many


def _count(story: Story, one: Expected) -> Found:
    app = story.world.app
    plan = app.plans.form(one.form or "")
    compiled = app.plans.compile(one.where) if one.where else None
    with app.database.read() as conn:
        sight = Sight(app, conn, system_actor("scenario"))
        ids = list(conn.scalars(sa.select(plan.table.c.id).where(plan.table.c.deleted_at.is_(None))))
        sight.prime(plan.form.name, ids)
        views = (sight.view(plan.form, row) for id in ids if (row := sight.load(plan.form.name, id)) is not None)
        try:
            found = sum(compiled is None or compiled.holds(sight.with_record(view)) for view in views)
        except EvaluationFailed as failed:
            yield message("{expression}", expression=one.where), failed.reason
            return
    if found != one.count:
        said = "{form}: {count}"
        label = plan.form.plural or plan.form.label
        yield message(said, form=label, count=one.count), message(said, form=label, count=found)


# --- what left, and what people heard


def _sent(story: Story, one: Expected) -> Found:
    every = [each for each in story.world.recorder.sent if each.kind == one.sent]
    fitting = [
        each for each in every
        if (not one.contains or one.contains in each.text)
        and all(_reaches(story, word, each.addresses, each.connection) for word in one.to)
    ]  # fmt: skip
    texts = [f"{', '.join(sorted(each.addresses)) or each.connection}: {_short(each.text)}" for each in every]
    yield from _verdict(one, message("{kind} to {who}", kind=one.sent, who=one.to or ("…",)), fitting, texts)


def _reaches(story: Story, word: str, addresses: frozenset[str], connection: str | None) -> bool:
    if word == connection or word in addresses:
        return True
    return not addresses.isdisjoint(_addresses(story).get(id, "") for id in _people(story, word))


def _addresses(story: Story) -> dict[int, str]:
    user = story.world.app.tables.user
    with story.world.app.database.read() as conn:
        return {row.id: row.email for row in conn.execute(sa.select(user.c.id, user.c.email))}


def _people(story: Story, word: str) -> set[int]:
    """Everybody of a role, or the one person."""
    if word in story.world.definition.roles:
        role = story.world.app.tables.user_role
        with story.world.app.database.read() as conn:
            return set(conn.scalars(sa.select(role.c.user_id).where(role.c.role == word)))
    return {story.world.people[word]} if word in story.world.people else set()


def _called(story: Story, word: str) -> Any:
    return label_of_role(story.world.definition, word) if word in story.world.definition.roles else word


def _told(story: Story, one: Expected) -> Found:
    table = story.world.app.tables.notification
    query = sa.select(table.c.user_id, table.c.message).where(table.c.id > story.marks["notification"])
    people = _people(story, one.told or "")
    with story.world.app.database.read() as conn:
        every = [row.message for row in conn.execute(query.order_by(table.c.id)) if row.user_id in people]
    yield from _heard(one, message("{who} is told", who=_called(story, one.told or "")), every)


def _asked(story: Story, one: Expected) -> Found:
    question, asked = story.world.app.tables.question, story.world.app.tables.asked
    query = sa.select(question.c.texts, asked.c.user_id).join(asked, asked.c.question_id == question.c.id)
    people = _people(story, one.asked or "")
    with story.world.app.database.read() as conn:
        rows = conn.execute(query.where(question.c.id > story.marks["question"]).order_by(question.c.id))
        every = [row.texts for row in rows if row.user_id in people]
    yield from _heard(one, message("{who} is asked", who=_called(story, one.asked or "")), every)


def _heard(one: Expected, wanted: Message, every: list[Mapping[str, str]]) -> Found:
    part = one.contains or ""
    fitting = [texts for texts in every if any(part in text for text in texts.values())]
    yield from _verdict(one, wanted, fitting, [_short(next(iter(texts.values()), "")) for texts in every])


def _verdict(one: Expected, wanted: Message, fitting: list[Any], every: list[str]) -> Found:
    if bool(fitting) != one.none:
        return
    if one.contains:
        wanted = message("{what}: “{part}”", what=wanted, part=one.contains)
    came = tuple(dict.fromkeys(every))[:SHOWN] or (message("nothing"),)
    yield message("nothing like: {what}", what=wanted) if one.none else wanted, message("{came}", came=came)


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"


_KINDS: Mapping[str, Callable[[Story, Expected], Found]] = {
    "of": _of_record, "count": _count, "sent": _sent, "told": _told, "asked": _asked,
}  # fmt: skip
