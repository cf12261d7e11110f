"""Tasks: whether what they ask for can be filled in with one hand, and be kept on a phone."""

from __future__ import annotations

from collections.abc import Iterable

from engine.checks.review import Review
from engine.definition import Form
from engine.errors import Message, message
from engine.fields.base import Field
from engine.task import Task
from engine.yamlfile import Path

ADDING = ("integer", "decimal", "quantity", "money", "percent", "duration")
RESERVED = ("entries", "waiting", "me")  # pages beside the tasks
SCANNED = ("link", "barcode", "text")


def check_tasks(review: Review) -> None:
    for name, task in review.definition.tasks.items():
        if name in RESERVED:
            said = message("'{name}' is a page of its own; call the task differently.", name=name)
            review.error(("tasks", name), said, at_key=True)
        form = review.form(task.form)
        if form is not None:
            _task(review, task, form, ("tasks", name))


def _task(review: Review, task: Task, form: Form, path: Path) -> None:
    if form.parent_form:
        review.error((*path, "form"), message("Lines are filled in with the record around them; name its form."))
    if task.kind == "create":
        _nothing_there_yet(review, task, path)
    elif task.scan is not None:
        review.error((*path, "scan"), message("The record itself is scanned here; leave 'scan' out."))
    if task.kind != "take" and not task.fields:
        review.error(path, message("A task asks for something; say 'fields'."), at_key=True)
    _fields(review, task, form, path)


def _nothing_there_yet(review: Review, task: Task, path: Path) -> None:
    for option in ("where", "adds"):
        if getattr(task, option):
            said = message("'{option}' is about a record that is there; say 'record: existing'.", option=option)
            review.error((*path, option), said)


def _fields(review: Review, task: Task, form: Form, path: Path) -> None:
    for option in ("fields", "adds", "keep"):
        for index, name in enumerate(getattr(task, option)):
            field = form.fields.get(name)
            if field is not None:
                _say(review, (*path, option, index), _CHECKS[option](task, field))
    scanned = form.fields.get(task.scan or "")
    if scanned is not None and task.kind == "create":
        _say(review, (*path, "scan"), _scanned(task, scanned))


def _say(review: Review, path: Path, said: Iterable[Message]) -> None:
    for one in said:
        review.error(path, one)


def _filled(task: Task, field: Field) -> Iterable[Message]:
    if not field.writable or field.readonly:
        yield message("'{field}' cannot be filled in by people.", field=field.name)
    elif field.kind == "lines":
        yield message("'{field}' holds lines, which are too much for one hand.", field=field.name)
    elif field.sensitive:
        yield message("'{field}' is sensitive and is not kept on a phone.", field=field.name)


def _added(task: Task, field: Field) -> Iterable[Message]:
    if field.type not in ADDING:
        yield message("'{field}' is no number that adds up.", field=field.name)
    yield from _asked(task, field)


def _kept(task: Task, field: Field) -> Iterable[Message]:
    if field.kind == "files":
        yield message("Files of '{field}' are new each time.", field=field.name)
    yield from _asked(task, field)


def _scanned(task: Task, field: Field) -> Iterable[Message]:
    if field.type not in SCANNED:
        yield message("'{field}' is no link, code or text that can be scanned.", field=field.name)
    yield from _asked(task, field)


def _asked(task: Task, field: Field) -> Iterable[Message]:
    if field.name not in task.fields:
        yield message("'{field}' is not among the 'fields' of the task.", field=field.name)


_CHECKS = {"fields": _filled, "adds": _added, "keep": _kept}
