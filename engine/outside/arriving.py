"""A mail as it came in, read by somebody who believes nothing of it: whatever is broken in it becomes text with gaps,
and nothing in it costs more than its size."""

from __future__ import annotations

import email
import email.header
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message as Part
from email.utils import getaddresses, parsedate_to_datetime

import nh3

MOST_PARTS = 200
MOST_FILES = 50
LONGEST_TEXT = 200_000  # characters
LONGEST_HEADER = 8_000
MOST_ADDRESSES = 100
_BREAK = re.compile(r"(?i)<\s*(?:br|/p|/div|/tr|/li|/h[1-6]|/blockquote)\b[^>]*>")
_LINES = re.compile(r"\n\s*\n\s*\n+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_AUTOMATIC = frozenset({"bulk", "junk", "auto_reply"})


@dataclass(frozen=True)
class File:
    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Arrived:
    """``automatic``: why it says of itself that a machine wrote it; ``own``: this application did. ``left_out``: names
    of files beyond what is taken."""

    subject: str
    sender: str
    sender_name: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    text: str
    date: datetime | None
    message_id: str
    in_reply_to: str
    files: tuple[File, ...]
    left_out: tuple[str, ...]
    automatic: str | None
    own: bool


class Unreadable(Exception):
    """What came is no mail anybody can read."""


def read_mail(raw: bytes, *, largest: int) -> Arrived:
    """``largest``: bytes of one attachment. Raises Unreadable."""
    _refuse_costly(raw)
    try:
        mail = email.message_from_bytes(raw)  # the old policy: it reads lines, and looks into headers only when asked
        parts = list(_leaves(mail))
    except (RecursionError, ValueError, LookupError, AssertionError, AttributeError, TypeError) as error:
        raise Unreadable(type(error).__name__) from None
    names, addresses = _addresses(mail, "From")
    found = _Content(largest)
    for part in parts:
        found.take(part)
    return Arrived(
        subject=header(mail, "Subject")[:500], sender=addresses[0] if addresses else "",
        sender_name=names[0] if names else "", to=tuple(_addresses(mail, "To")[1]), cc=tuple(_addresses(mail, "Cc")[1]),
        text=found.text(), date=_date(mail), message_id=header(mail, "Message-ID")[:250],
        in_reply_to=header(mail, "In-Reply-To")[:250], files=tuple(found.files), left_out=tuple(found.left_out),
        automatic=_automatic(mail), own=mail["X-Appmill-Key"] is not None,
    )  # fmt: skip


# The reader of the standard library asks every line for every boundary it is inside of, and takes parameters apart in
# a time that grows with the square of their length.
MOST_ASKED = 10_000_000
_PARAMETERS = re.compile(rb"(?im)^content-[a-z-]{1,40}:[^\n]*(?:\n[ \t][^\n]*)*")
_BOUNDARY = re.compile(rb"(?i)boundary\*?[0-9*]*\s*=")


def _refuse_costly(raw: bytes) -> None:
    if (len(_BOUNDARY.findall(raw)) + 1) * raw.count(b"\n") > MOST_ASKED:
        raise Unreadable("too many parts and lines")
    if any(found.end() - found.start() > 2 * LONGEST_HEADER for found in _PARAMETERS.finditer(raw)):
        raise Unreadable("a header without end")


# --- the head --------------------------------------------------------------------------------------------------------


def header(mail: Part, name: str) -> str:
    """A header as one line of text; what cannot be read in it is a question mark."""
    return _one_line(_decoded(str(mail.get(name, ""))[:LONGEST_HEADER]))


def _decoded(text: str) -> str:
    try:
        pieces = email.header.decode_header(text)
    except (email.errors.HeaderParseError, ValueError, AssertionError):
        return text
    return "".join(piece if isinstance(piece, str) else _read(piece, charset) for piece, charset in pieces)


def _one_line(text: str) -> str:
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join(_CONTROL.sub("", plain.replace("\r", " ").replace("\n", " ")).split())


def _addresses(mail: Part, name: str) -> tuple[list[str], list[str]]:
    """(names, addresses), each as often as it stands there."""
    text = ", ".join(str(each)[:LONGEST_HEADER] for each in mail.get_all(name, [])[:20])[:LONGEST_HEADER]
    pairs = [(name, address) for name, address in getaddresses([text]) if "@" in address][:MOST_ADDRESSES]
    return ([_one_line(_decoded(name))[:200] for name, _address in pairs],
            [_one_line(address)[:250].lower() for _name, address in pairs])  # fmt: skip


def _date(mail: Part) -> datetime | None:
    try:
        found = parsedate_to_datetime(str(mail.get("Date", ""))[:200])
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _automatic(mail: Part) -> str | None:
    submitted = header(mail, "Auto-Submitted").lower()
    if submitted and not submitted.startswith("no"):
        return f"Auto-Submitted: {submitted[:60]}"
    precedence = header(mail, "Precedence").lower()
    if precedence in _AUTOMATIC:
        return f"Precedence: {precedence}"
    if header(mail, "Return-Path") == "<>":
        return "Return-Path: <>"
    return next((name for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Reply") if mail[name] is not None), None)


# --- the body --------------------------------------------------------------------------------------------------------


def _leaves(mail: Part) -> Iterator[Part]:
    """Every part that holds no others; a mail inside a mail is one file."""
    waiting, count = [mail], 0
    while waiting:
        part = waiting.pop(0)
        count += 1
        if count > MOST_PARTS:
            raise ValueError("too many parts")
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_maintype() == "multipart":
            waiting[:0] = [each for each in inner if isinstance(each, Part)]
        else:
            yield part


class _Content:
    def __init__(self, largest: int) -> None:
        self.largest = largest
        self.files: list[File] = []
        self.left_out: list[str] = []
        self._plain: list[str] = []
        self._html: list[str] = []

    def text(self) -> str:
        whole = "\n".join(self._plain) if any(each.strip() for each in self._plain) else "\n".join(
            map(text_of_html, self._html))  # fmt: skip
        return _LINES.sub("\n\n", _CONTROL.sub("", whole.replace("\r\n", "\n")))[:LONGEST_TEXT].strip()

    def take(self, part: Part) -> None:
        name, kind = _name(part), part.get_content_type()
        kind = "text/plain" if kind.startswith("multipart/") else kind  # it says so, and holds nothing but text
        disposition = str(part.get("Content-Disposition", "")).strip().lower()
        if kind in ("text/plain", "text/html") and not name and not disposition.startswith("attachment"):
            texts = self._plain if kind == "text/plain" else self._html
            texts.append(_read(_bytes(part), part.get_content_charset())[: LONGEST_TEXT * 2])
        elif part.get("Content-ID") and not disposition.startswith("attachment"):
            return  # a picture of the text, such as a logo
        else:
            self._file(part, name or _unnamed(kind), kind)

    def _file(self, part: Part, name: str, kind: str) -> None:
        content = _bytes(part)
        if not content:
            return
        if len(content) > self.largest or len(self.files) >= MOST_FILES:
            self.left_out.append(name)
        else:
            self.files.append(File(name, kind, content))


def _name(part: Part) -> str:
    try:
        return _one_line(_decoded(part.get_filename() or ""))[:200]
    except (ValueError, LookupError, TypeError, AttributeError):
        return "file"


def _unnamed(kind: str) -> str:
    return {"message/rfc822": "mail.eml", "text/calendar": "invitation.ics", "text/html": "page.html",
            "text/plain": "text.txt"}.get(kind, "file")  # fmt: skip


def _bytes(part: Part) -> bytes:
    try:
        inner = part.get_payload()
        if isinstance(inner, list):
            return inner[0].as_bytes() if inner and isinstance(inner[0], Part) else b""
        found = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError, RecursionError, TypeError, AttributeError, KeyError):
        return b""
    return found if isinstance(found, bytes) else b""


# Others that Python knows are no ways to write a mail, and some of them take for ever (punycode).
_WRITTEN = re.compile(
    r"(?i)utf-?(?:8|7|16(?:le|be)?|32)|(?:us-)?ascii|iso-?(?:8859-\d{1,2}|2022-[a-z0-9-]+)|(?:windows|cp|ibm)-?\d{3,5}|"
    r"gb\w{1,8}|hz(?:-gb-2312)?|big5[\w-]*|euc-[a-z]{2}|shift[_-]jis|koi8-[ru]|latin-?\d|macintosh|tis-620|ks_c_\w+"
)


def _read(content: bytes, charset: str | None) -> str:
    """As the mail says it is written; where that is not so, as it most probably is."""
    named = charset if charset and _WRITTEN.fullmatch(charset) else "utf-8"
    for one in (named, "utf-8", "gb18030"):
        try:
            return content.decode(one)
        except (LookupError, UnicodeDecodeError, ValueError):
            continue
    return content.decode("utf-8", "replace")


def text_of_html(source: str) -> str:
    """What a page says, without its marks; a line for each paragraph."""
    marked = _BREAK.sub("\n", source.replace("\r", " ").replace("\n", " "))
    plain = nh3.clean(marked, tags=set(), clean_content_tags={"script", "style", "title"}, attributes={})
    lines = [" ".join(line.split()) for line in html.unescape(plain).split("\n")]
    return "\n".join(lines)
