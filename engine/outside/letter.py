"""A mail as it goes out: addresses read strictly, and no line break anywhere in its head."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from engine.errors import DeliveryFailed, Message, message

# Lines of 7-bit characters: every server takes them.
POLICY = SMTP.clone(cte_type="7bit")
OpenFile = Callable[[int], tuple[str, str, bytes]]


@dataclass(frozen=True)
class Letter:
    """A mail and its envelope: ``sender`` and ``receivers`` are bare addresses, each receiver once."""

    sender: str
    receivers: tuple[str, ...]
    content: bytes
    message_id: str
    wrong: tuple[str, ...] = ()  # what was given as a receiver and is no address


@dataclass(frozen=True)
class From:
    """Who it comes from and what makes it this mail and no other. ``key`` is the same at every attempt."""

    sender: str
    reply_to: str | None
    key: str
    now: datetime


def letter(data: Mapping[str, Any], origin: From, open_file: OpenFile) -> Letter:
    """The mail that ``data`` describes (see ``engine.outside.mail``). Raises DeliveryFailed naming what is wrong."""
    sender = read_address(origin.sender)
    to, cc, bcc = (_addresses(data.get(name) or ()) for name in ("to", "cc", "bcc"))
    receivers = tuple({one.addr_spec.lower(): one.addr_spec for one in (*to.read, *cc.read, *bcc.read)}.values())
    wrong = (*to.wrong, *cc.wrong, *bcc.wrong)
    if not receivers:
        raise _wrong(_no_address(wrong[0]) if wrong else message("The mail has no receiver."))
    mail = EmailMessage(POLICY)
    message_id = id_of(origin.key, sender.domain)
    mail["From"], mail["To"] = sender, to.read or "undisclosed-recipients:;"
    if cc.read:
        mail["Cc"] = cc.read
    if reply_to := data.get("reply_to") or origin.reply_to:
        mail["Reply-To"] = read_address(str(reply_to))
    mail["Subject"] = one_line(message("subject"), str(data.get("subject") or ""))
    mail["Date"], mail["Message-ID"] = format_datetime(origin.now), message_id
    mail["X-Appmill-Key"] = one_line(message("key"), origin.key)
    mail["Auto-Submitted"] = "auto-generated"  # so that no absence notice answers
    _fill(mail, data, open_file)
    return Letter(sender.addr_spec, receivers, mail.as_bytes(), message_id, wrong)


def id_of(key: str, domain: str) -> str:
    """The Message-ID of a task: the same at every attempt, so that receivers know a repetition."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def _fill(mail: EmailMessage, data: Mapping[str, Any], open_file: OpenFile) -> None:
    text, html = data.get("text"), data.get("html")
    if text is not None or html is None:
        mail.set_content(_body(text or ""))
        if html is not None:
            mail.add_alternative(_body(html), subtype="html")
    else:
        mail.set_content(_body(html), subtype="html")
    for attachment in data.get("attachments") or ():
        name, media_type, content = open_file(attachment)
        maintype, _, subtype = media_type.partition("/")
        whole = (maintype, subtype) if subtype and maintype not in ("message", "multipart") else _BYTES
        mail.add_attachment(content, maintype=whole[0], subtype=whole[1], filename=one_line(message("file name"), name))


_BYTES = ("application", "octet-stream")


def _body(text: Any) -> str:
    return _clean(str(text).replace("\0", ""))


def _clean(text: str) -> str:
    """Without halves of characters, which no mail can carry."""
    return text.encode("utf-8", "replace").decode()


# --- addresses

_WRITTEN = re.compile(r"(?:(?P<name>[^<>]*)<(?P<bracketed>[^<>]+)>|(?P<bare>[^<>]+))")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")


@dataclass(frozen=True)
class _Addresses:
    read: tuple[Address, ...]
    wrong: tuple[str, ...]


def _addresses(given: Iterable[str | Mapping[str, str]]) -> _Addresses:
    """Each as text or as {name, address}. One that is wrong must not keep the mail from all others."""
    read, wrong = [], []
    for one in given:
        text, name = (one, "") if isinstance(one, str) else (one["address"], one.get("name", ""))
        found = address_in(text)
        if isinstance(found, Message) or _CONTROL.search(name):
            wrong.append(_CONTROL.sub("?", text)[:100])
        else:
            read.append(Address(name or found.display_name, found.username, found.domain))
    return _Addresses(tuple(read), tuple(wrong))


def read_address(written: str) -> Address:
    """``a@b.example`` or ``Name <a@b.example>``; raises DeliveryFailed for anything else."""
    found = address_in(written)
    if isinstance(found, Message):
        raise _wrong(found)
    return found


def address_in(written: str) -> Address | Message:
    """The address, or what is wrong with it."""
    match = _WRITTEN.fullmatch(written.strip())
    local, at, domain = (match["bracketed"] or match["bare"] if match else "").strip().rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    name = (match["name"] or "").strip().strip('"') if match else ""
    if not at or _CONTROL.search(name) or not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        return _no_address(_CONTROL.sub("?", written)[:100])
    return Address(name, local, domain)


def _no_address(text: str) -> Message:
    return message("'{address}' is no mail address.", address=text)


_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


def one_line(what: Message, text: str) -> str:
    """The text, refused when it would begin another header."""
    if _CONTROL.search(text.replace("\t", " ")):
        raise _wrong(message("The {what} of the mail has a line break or a control character.", what=what))
    return _clean(text)


def _wrong(reason: Message) -> DeliveryFailed:
    return DeliveryFailed(reason, again=False)
