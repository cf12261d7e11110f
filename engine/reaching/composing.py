"""What goes out: the notices of a message in the language of whoever gets it, with no more of a record than they may
read, and in a group with nothing of it at all. Links are made here, when it is sent, so that no secret waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.approvals import mails, model, seeing
from engine.approvals.links import address_of, waits_for
from engine.approvals.noting import path_of
from engine.errors import AppmillError, Message, Refused, message
from engine.expressions import EvaluationFailed, fill, names_for
from engine.language import Template, text_in
from engine.people import Actor, load_actor
from engine.permissions import may_record
from engine.reach import KIND_LABELS, ReachText, Way
from engine.reaching import choices
from engine.reaching.choices import Person
from engine.sight import Sight
from engine.texts import say

MOST_LINES = 40  # of one message; the rest is counted
WITHHELD = message("There is something new for you in {app}.")


@dataclass(frozen=True)
class Line:
    """One notice as its reader may see it. ``title``: of the record, "" where they may not read it; ``facts``: (label,
    text) of what an approval shows."""

    notice: int
    kind: str
    text: str
    title: str = ""
    form: str = ""
    url: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    decides: bool = False


@dataclass(frozen=True)
class Letter:
    """A message before it has the shape of a way. ``buttons``: (label, address)."""

    title: str
    text: str
    buttons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Receiver:
    """Who gets it, and on which way; ``alone``: nobody else reads along."""

    app: Application
    person: Person
    actor: Actor
    way: Way
    alone: bool
    language: str

    def say(self, what: Message) -> str:
        return say(what, self.language)


def receiver_of(app: Application, conn: sa.Connection, person: Person, way: Way) -> Receiver:
    """Raises Missing for somebody who is kept out."""
    language = person.language or app.definition.languages[0]
    actor = replace(load_actor(conn, app.tables, person.id), language=language,
                    timezone=person.timezone or app.definition.timezone)  # fmt: skip
    alone = way.alone or choices.is_mail(choices.connection_of(app, way))
    return Receiver(app, person, actor, way, alone, language)


# --- what is told


def lines_of(conn: sa.Connection, to: Receiver, rows: Sequence[Mapping[str, Any]]) -> list[Line]:
    """``rows``: unread notices, as they are stored. What waits for nobody any more is left out."""
    sight = Sight(to.app, conn, to.actor)
    for form in {str(row["form"]) for row in rows} & to.app.definition.forms.keys():
        sight.prime(form, [row["record_id"] for row in rows if row["form"] == form and row["record_id"]])
    return [line for row in rows if (line := _line(conn, to, sight, row)) is not None]


def _line(conn: sa.Connection, to: Receiver, sight: Sight, row: Mapping[str, Any]) -> Line | None:
    approval = _approval_of(conn, to, row["question_id"])
    if approval is not None and not waits_for(to.app, conn, row["question_id"], to.person.id):
        if not _is_mending(conn, to, row["question_id"]):
            return None
        approval = None
    about = _about(to, sight, row)
    if about is None:
        about = Line(row["id"], row["kind"], to.say(message(WITHHELD.pattern, app=to.app.definition.label)))
        approval = None
    url = _url(to, f"/notifications/{row['id']}")
    if approval is None:
        return replace(about, url=url)
    url = _decide_at(conn, to, approval, row) or url
    text = re.sub(rf"{path_of(approval.id)}(?![0-9])", lambda _path: url, about.text) if url else about.text
    return replace(about, url=url, text=text, decides=True, facts=_facts(conn, to, approval))


def _about(to: Receiver, sight: Sight, row: Mapping[str, Any]) -> Line | None:
    """The notice with its record; None where the person may not read that."""
    text = text_in(row["message"], to.language)
    form = to.app.definition.forms.get(row["form"])
    if form is None or not row["record_id"]:
        return Line(row["id"], row["kind"], text)
    stored = sight.load(form.name, row["record_id"])
    view = sight.view(form, stored) if stored is not None and stored["deleted_at"] is None else None
    if view is None or not may_record(to.app, to.actor, "read", form, view):
        return None
    title = str(stored["_title"] or "") if stored is not None else ""
    return Line(row["id"], row["kind"], text, title, form.label.text(to.language))


def _approval_of(conn: sa.Connection, to: Receiver, question: int | None) -> model.Approval | None:
    table = to.app.tables.question
    found = conn.scalar(sa.select(table.c.approval_id).where(table.c.id == question)) if question else None
    return model.load(conn, to.app.tables, found) if found is not None else None


def _is_mending(conn: sa.Connection, to: Receiver, question: int) -> bool:
    """Whether the applicant is asked to mend the record: that is done in the application."""
    table = to.app.tables.question
    row = conn.execute(sa.select(table.c.kind, table.c.state).where(table.c.id == question)).one()
    return bool(row.kind == "mending" and row.state == "open")


def _decide_at(conn: sa.Connection, to: Receiver, approval: model.Approval, row: Mapping[str, Any]) -> str:
    """The one-time link where only the person reads it; in a group the page of the approval, behind the sign-in."""
    if not to.alone:
        return _url(to, path_of(approval.id))
    decision = {"approval": approval.id, "question": row["question_id"], "user": to.person.id}
    try:
        return mails.link_for(to.app, conn, decision)
    except Refused:
        return ""


def _facts(conn: sa.Connection, to: Receiver, approval: model.Approval) -> tuple[tuple[str, str], ...]:
    action = model.action_of(to.app, conn, approval)
    seen = seeing.shown_to(to.app, conn, to.actor, action, model.form_of(to.app, approval), approval.record_id)
    return tuple((one.label, one.text or "—") for one in seen.fields) if seen is not None else ()


def _url(to: Receiver, path: str) -> str:
    """ "" where nobody said under which address people reach this application."""
    return address_of(to.app, path) if to.app.sources.address else ""


# --- in words


def letter_of(to: Receiver, lines: Sequence[Line], mode: str) -> Letter:
    """``lines``: at least one."""
    if len(lines) == 1 and mode != "digest":
        return _single(to, lines[0])
    return _several(to, lines, mode)


def _single(to: Receiver, line: Line) -> Letter:
    own = _own_words(to, line)
    title = own.title or (_subject(to, line) if to.alone else to.say(KIND_LABELS[line.kind]))  # type: ignore[index]
    text = own.text or (_open_text(line) if to.alone else _closed_text(to, [line]))
    label = to.say(message("Decide")) if line.decides else to.say(message("Open"))
    return Letter(_on_one_line(title), text, ((label, line.url),) if line.url else ())


def _subject(to: Receiver, line: Line) -> str:
    return to.say(message("{app}: {text}", app=to.app.definition.label, text=_shortened(line.text, 120)))


def _open_text(line: Line) -> str:
    facts = "\n".join(f"{label}: {_lined(text)}" for label, text in line.facts)
    title = line.title if line.title and line.title not in line.text else ""
    return "\n\n".join(part for part in (line.text, title, facts) if part)


def _closed_text(to: Receiver, lines: Sequence[Line]) -> str:
    """For a group: who, and how much of what; nothing of any record."""
    told = [f"{to.say(KIND_LABELS[kind])}: {count}" if count > 1 else to.say(KIND_LABELS[kind])  # type: ignore[index]
            for kind, count in _counted(lines).items()]  # fmt: skip
    return f"{to.person.name}: " + to.say(message("{parts}", parts=tuple(told)))


def _several(to: Receiver, lines: Sequence[Line], mode: str) -> Letter:
    app, count = to.app.definition.label, len(lines)
    title = to.say(message("{app}: your digest, {count} new", app=app, count=count) if mode == "digest" else
                   message("{app}: {count} new for you", app=app, count=count))  # fmt: skip
    inbox = _url(to, "/notifications")
    buttons = ((to.say(message("Open")), inbox),) if inbox else ()
    text = "\n\n".join(_parts(to, lines)) if to.alone else _closed_text(to, lines)
    return Letter(_on_one_line(title), text, buttons)


def _parts(to: Receiver, lines: Sequence[Line]) -> Iterable[str]:
    """The notices by kind, each with its link."""
    shown = lines[:MOST_LINES]
    for kind in _counted(shown):
        yield to.say(KIND_LABELS[kind])  # type: ignore[index]
        for line in shown:
            if line.kind == kind:
                title = f" · {line.title}" if line.title and line.title not in line.text else ""
                yield f"- {_shortened(line.text, 300)}{title}" + (f"\n  {line.url}" if line.url else "")
    if len(lines) > len(shown):
        yield to.say(message("… and {count} more.", count=len(lines) - len(shown)))


def _counted(lines: Iterable[Line]) -> dict[str, int]:
    found = dict.fromkeys(KIND_LABELS, 0)
    for line in lines:
        found[line.kind] += 1  # type: ignore[index]
    return {kind: count for kind, count in found.items() if count}


def _own_words(to: Receiver, line: Line) -> Letter:
    """The words of the definition; "" where it has none, or they cannot be worked out."""
    said = to.app.definition.reach.of(line.kind) if to.app.definition.reach else None
    own = said.texts.get(to.way.name, ReachText()) if said is not None else ReachText()  # type: ignore[call-overload]
    return Letter(_filled(to, line, own.title), _filled(to, line, own.text))


def _filled(to: Receiver, line: Line, template: Template | None) -> str:
    if template is None:
        return ""
    reader = to.actor.reader(to.app.definition)
    names = names_for(
        to.app.clock(), reader, to.actor, notice=line.text, title=line.title, form=line.form, name=to.person.name,
        app=to.app.definition.label.text(to.language), kind=to.say(KIND_LABELS[line.kind]),  # type: ignore[index]
    )  # fmt: skip
    try:
        return fill(template, to.language, names, to.app.registry, reader).strip()
    except (EvaluationFailed, AppmillError):
        return ""  # the usual words tell as much


def _shortened(text: str, most: int) -> str:
    first = text.strip().partition("\n")[0]
    return first if len(first) <= most else first[: most - 1] + "…"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _lined(text: str) -> str:
    return "\n" + "\n".join(f"  {line}" for line in text.splitlines()) if "\n" in text else text


# --- the shapes of ways


def as_mail(to: Receiver, letter: Letter) -> dict[str, Any]:
    """The data of the kind ``mail``. Each mail ends with where its receiver changes what is sent."""
    links = "\n".join(f"{label}: {url}" for label, url in letter.buttons)
    change = _url(to, "/me/messages")
    why = to.say(message("{app} sends you this. Change what it sends, and when: {link}",
                         app=to.app.definition.label, link=change)) if change else ""  # fmt: skip
    foot = f"-- \n{why}" if why else ""
    address = choices.address_of(to.app, to.way, to.person)
    return {
        "to": [{"name": to.person.name, "address": address}], "cc": [], "subject": letter.title, "attachments": [],
        "text": "\n\n".join(part for part in (letter.text, links, foot) if part) + "\n",
    }  # fmt: skip


def as_chat(to: Receiver, letter: Letter, takes: Iterable[str]) -> dict[str, Any]:
    """The values of ``send``, as far as the connection takes them; what it has no place for stands in the text."""
    known, address = frozenset(takes), choices.address_of(to.app, to.way, to.person)
    text = letter.text
    if "title" not in known and letter.title not in text:
        text = f"{letter.title}\n\n{text}"
    if "buttons" not in known:
        text = "\n\n".join([text, *(f"{label}: {url}" for label, url in letter.buttons)])
    values = {
        "title": letter.title, "text": text, "to": address if to.alone else None,
        "mentions": [address] if address and not to.alone else None,
        "buttons": [{"label": label, "url": url} for label, url in letter.buttons] or None,
    }  # fmt: skip
    return {name: value for name, value in values.items() if name in known and value}
