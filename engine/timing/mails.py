"""Mails come in at a mailbox: each is kept once with the messages that wake its rules, and only then marked as read.

Every serving process looks; whoever claims the time of a mailbox does it. A mail is known by the mailbox's validity and
its number there, and by its content: a mailbox that was built anew numbers the same mails differently.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from engine import pausing
from engine.application import Application
from engine.calendars import seconds_of
from engine.connectors import ImapConnection
from engine.definition import Rule
from engine.errors import AppmillError, Invalid, Message, message
from engine.faults import point
from engine.jobs import breaker
from engine.jobs.desk import Terms
from engine.letterbox import MailArrives
from engine.outside.arriving import Arrived, read_mail
from engine.outside.imap import NETWORK, Mailbox, opened
from engine.outside.network import Deadline, Network
from engine.storage.migrate import last_hash
from engine.storage.upsert import insert
from engine.timing.clockwork import Clockwork
from engine.timing.posting import post, told
from engine.web.uploads import OF_MAIL, clean_name

MOST = 100  # mails of one look; the rest comes with the next
SECONDS = 60.0  # of one look; after half of them the rest is left to the next one
TOGETHER = 4
MB = 1024 * 1024
LOG = logging.getLogger("appmill.mails")


def collect(app: Application, network: Network = NETWORK) -> dt.datetime | None:
    """Look into every mailbox whose time has come; answers when the next one is due, None without mailboxes."""
    waited_for = app.plans.timed.mails
    boxes = [one for name in waited_for if isinstance(one := app.definition.connections.get(name), ImapConnection)]
    if not boxes:
        return None
    with app.database.read() as conn:
        if last_hash(conn) != app.definition.hash:
            return None
    now = app.clock()
    due = [box for box in boxes if _claim(app, box, now)]
    if due:
        with ThreadPoolExecutor(min(TOGETHER, len(due)), "appmill-mail") as threads:
            list(threads.map(lambda box: look(app, box, waited_for[box.name], network), due))
    return min(_next(app, box) for box in boxes)


def collector(current: Callable[[], Application]) -> Clockwork:
    """Collects in a thread of its own, as long as it runs: a slow mailbox keeps no schedule waiting."""
    return Clockwork(current, work=collect, begin=lambda _app: None)


def look(app: Application, box: ImapConnection, rules: Sequence[Rule], network: Network = NETWORK) -> int:
    """Take what is new in one mailbox; answers how many mails. What goes wrong is noted at the connection."""
    began, taken = time.monotonic(), 0
    try:
        password = app.secrets.value(box.password.secret, box.host)
        with opened(box, password, Deadline(SECONDS), network) as mailbox:
            for uid in mailbox.unseen(MOST):
                if time.monotonic() - began > SECONDS / 2:
                    break
                _take(app, box, rules, mailbox, uid)
                taken += 1
    except Exception as error:
        if not isinstance(error, AppmillError):
            LOG.exception("looking into the mailbox %s failed", box.name)
        reason = app.secrets.mask(pausing.in_words(app, error))
        with app.database.write() as conn:
            breaker.failed(app, conn, box.name, reason, Terms(lease=6))
        return taken
    with app.database.write() as conn:
        breaker.worked(app, conn, box.name, time.monotonic() - began)
    return taken


# --- whose turn it is ------------------------------------------------------------------------------------------------


def _key(name: str) -> str:
    return f"mailbox:{name}"


def last_look(app: Application, conn: sa.Connection, name: str) -> dt.datetime | None:
    """When a mailbox was looked into last, by any process."""
    table = app.tables.timer
    found: dt.datetime | None = conn.scalar(sa.select(table.c.last_at).where(table.c.rule == _key(name)))
    return found


def _next(app: Application, box: ImapConnection) -> dt.datetime:
    with app.database.read() as conn:
        last = last_look(app, conn, box.name)
    return app.clock() if last is None else last + _every(box)


def _every(box: ImapConnection) -> dt.timedelta:
    return dt.timedelta(seconds=seconds_of(box.every))


def _claim(app: Application, box: ImapConnection, now: dt.datetime) -> bool:
    """Whether it is due and this process is the one to look."""
    table = app.tables.timer
    with app.database.read() as conn:
        last = last_look(app, conn, box.name)
    if last is not None and now < last + _every(box):
        return False
    with app.database.write() as conn:
        if last is not None:
            seen = (table.c.rule == _key(box.name), table.c.last_at == last)
            return bool(conn.execute(sa.update(table).where(*seen).values(last_at=now)).rowcount)
        row = {"rule": _key(box.name), "hash": "", "began_at": now, "last_at": now}
        return bool(conn.execute(insert(conn, table).values(row).on_conflict_do_nothing()).rowcount)


# --- one mail --------------------------------------------------------------------------------------------------------


def _take(app: Application, box: ImapConnection, rules: Sequence[Rule], mailbox: Mailbox, uid: int) -> None:
    once = f"{mailbox.validity}.{uid}"
    size = mailbox.size(uid)
    if _is_known(app, rules, once):  # kept, and then the line was lost before it was marked
        mailbox.mark(uid)
        return
    raw = mailbox.read(uid, box.largest * MB + 1) if size <= box.largest * MB else mailbox.head(uid)
    point("mail read")
    size = max(size, len(raw))
    if size > box.largest * MB:
        said = message("The mail has {size} MB; at most {most} are taken. It is still in the mailbox, flagged.",
                       size=f"{size / MB:.1f}", most=box.largest)  # fmt: skip
        _refuse(app, box, rules, once, size, 413, said)
        mailbox.mark(uid, flagged=True)
        return
    try:
        mail = read_mail(raw, largest=box.largest_file * MB)
    except Exception as error:  # whatever somebody sent: it must not keep the mails behind it
        LOG.warning("a mail in %s could not be read: %s", box.name, type(error).__name__)
        said = message("Nobody can read this mail: {reason}. It is still in the mailbox, flagged.",
                       reason=str(error)[:100] or type(error).__name__)  # fmt: skip
        _refuse(app, box, rules, once, size, 422, said)
        mailbox.mark(uid, flagged=True)
        return
    left_out = _keep(app, box, rules, mail, once, hashlib.sha256(raw).hexdigest(), size)
    point("mail kept")
    mailbox.mark(uid, flagged=bool(left_out))


def _is_known(app: Application, rules: Sequence[Rule], once: str) -> bool:
    table = app.tables.delivery
    named = (table.c.rule.in_([rule.stable_id for rule in rules]), table.c.once == once)
    with app.database.read() as conn:
        return conn.scalar(sa.select(sa.func.count()).select_from(table).where(*named)) == len(rules)


def _refuse(
    app: Application, box: ImapConnection, rules: Sequence[Rule], once: str, size: int, status: int, said: Message
) -> None:
    with app.database.write() as conn:
        for rule in rules:
            row = {**_row(app, box, rule, "", size), "once": once, "status": status, "reason": str(said)}
            conn.execute(insert(conn, app.tables.delivery).values(row).on_conflict_do_nothing())


def _keep(
    app: Application, box: ImapConnection, rules: Sequence[Rule], mail: Arrived, once: str, seal: str, size: int
) -> tuple[str, ...]:
    """The mail, its files and the messages that wake its rules, in one transaction; answers what was left out."""
    stored, left_out = _stored(app, mail)
    table = app.tables.delivery
    with app.database.write() as conn:
        for rule in rules:
            ignored = _ignored(rule, mail)
            row = {**_row(app, box, rule, mail.sender, size), "once": once, "seal": seal,
                   "status": 204 if ignored else 202, "reason": str(ignored) if ignored else None}  # fmt: skip
            id = conn.scalar(insert(conn, table).values(row).on_conflict_do_nothing().returning(table.c.id))
            if id is None:
                same = sa.or_(table.c.once == once, table.c.seal == seal)
                again = sa.update(table).where(table.c.rule == rule.stable_id, same)
                conn.execute(again.values(repeats=table.c.repeats + 1))
            elif not ignored:
                given = {"mail": {**_told(mail), "attachments": _files(app, conn, stored), "left_out": left_out}}
                left = post(app, conn, f"mail:{rule.stable_id}:{id}", rule.stable_id, app.clock(), given=given)
                conn.execute(sa.update(table).where(table.c.id == id).values(message_id=left))
        point("before mail is committed")
    return tuple(left_out)


def _ignored(rule: Rule, mail: Arrived) -> Message | None:
    """Why a mail wakes nothing: answers to answers go round for ever."""
    assert isinstance(rule.trigger, MailArrives)  # planning sorted the rules
    if mail.own:
        return message("Not taken: this application wrote it.")
    if mail.automatic and not rule.trigger.automatic:
        return message("Not taken: a machine wrote it ({why}).", why=mail.automatic)
    return None


def _row(app: Application, box: ImapConnection, rule: Rule, sender: str, size: int) -> dict[str, Any]:
    return {"rule": rule.stable_id, "path": box.name, "at": app.clock(), "address": sender, "headers": {},
            "size": size}  # fmt: skip


def _told(mail: Arrived) -> dict[str, Any]:
    """What expressions read as ``mail``."""
    return {
        "subject": mail.subject, "sender": mail.sender, "sender_name": mail.sender_name, "to": list(mail.to),
        "cc": list(mail.cc), "text": mail.text, "date": told(mail.date) if mail.date else None,
        "message_id": mail.message_id, "in_reply_to": mail.in_reply_to,
    }  # fmt: skip


def _stored(app: Application, mail: Arrived) -> tuple[list[dict[str, Any]], list[str]]:
    """The files of the mail by their content, and the names of those that cannot be kept."""
    rows, left_out = [], list(mail.left_out)
    for file in mail.files:
        name = clean_name(file.name)
        try:
            stored = app.files.put(io.BytesIO(file.content), name=name)
        except Invalid:  # such as a picture nobody can open
            left_out.append(name)
            continue
        rows.append({"form": OF_MAIL, "record_id": None, "field": None, "sha256": stored.sha256, "name": name,
                     "media_type": stored.media_type, "size": stored.size, "width": stored.width,
                     "height": stored.height, "created_by": None})  # fmt: skip
    return rows, left_out


def _files(app: Application, conn: sa.Connection, stored: Sequence[dict[str, Any]]) -> list[int]:
    """Free until a record takes them; every rule gets its own, because a file belongs to one record."""
    table, found = app.tables.attachment, []
    for row in stored:
        key = conn.execute(sa.insert(table).values(**row, created_at=app.clock())).inserted_primary_key
        found.append(int(key[0]) if key else 0)
    return found
