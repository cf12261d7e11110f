"""Looking into a mailbox, by IMAP: over the guarded line, within one deadline and with bounds on what is read."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.connectors import ImapConnection
from engine.errors import DeliveryFailed, message
from engine.outside.network import Deadline, Network, reason_of

NETWORK = Network()
HEAD = 64 * 1024  # bytes of the head of a mail that is too large to be read
SOME = 1024 * 1024  # bytes any other answer may have
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")


@contextmanager
def opened(
    connection: ImapConnection, password: str, deadline: Deadline, network: Network = NETWORK
) -> Iterator[Mailbox]:
    """The folder of the connection, signed in and selected. Raises DeliveryFailed for whatever goes wrong with the
    server, also while the mailbox is used."""
    line = network.connect(connection.host, connection.port, private=connection.private, deadline=deadline)
    if connection.security == "tls":
        line = network.encrypt(line, connection.host, deadline)
    cut = _Cut(line, deadline)
    try:
        with cut:
            server = _Server(line, connection)
            if connection.security == "starttls":
                server.begin_anew(cut, network, deadline)
            server.login(connection.user, password)
            yield Mailbox(server, connection)
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                server.logout()
    except imaplib.IMAP4.abort as error:
        raise _lost(connection, _late(deadline) if cut.late else str(error)) from None
    except imaplib.IMAP4.error as error:
        said = message("The mailbox {host} said no: {reason}", host=connection.host, reason=_text(error))
        raise DeliveryFailed(said, again=False) from None
    except OSError as error:
        raise _lost(connection, _late(deadline) if cut.late else reason_of(error)) from None


def _lost(connection: ImapConnection, reason: Any) -> DeliveryFailed:
    return DeliveryFailed(
        message("The line to the mailbox {host} was lost: {reason}", host=connection.host, reason=reason)
    )


def _late(deadline: Deadline) -> Any:
    return message("no answer within {seconds} s", seconds=f"{deadline.seconds:g}")


class Mailbox:
    """A selected folder. ``validity``: mails are known by it and their number, for good."""

    def __init__(self, server: _Server, connection: ImapConnection) -> None:
        self._server = server
        folder = server.quoted(written(connection.folder))
        self._ask("SELECT", server.select(folder))
        told = server.response("UIDVALIDITY")[1]
        self.validity = int(told[0]) if told and isinstance(told[0], bytes) and told[0].isdigit() else 0

    def unseen(self, most: int) -> list[int]:
        """The numbers of mails nobody has read yet, the oldest first."""
        found = self._ask("SEARCH", self._server.uid("SEARCH", "UNSEEN", "UNDELETED"))
        numbers = b" ".join(each for each in found if isinstance(each, bytes)).split()
        return sorted(int(each) for each in numbers if each.isdigit())[:most]

    def size(self, uid: int) -> int:
        told = self._ask("FETCH", self._server.uid("FETCH", str(uid), "(RFC822.SIZE)"))
        match = _SIZE.search(b" ".join(each if isinstance(each, bytes) else each[0] for each in told if each))
        return int(match[1]) if match else 0

    def read(self, uid: int, most: int) -> bytes:
        """The mail, ``most`` bytes of it; it stays unread."""
        return self._literal(uid, f"(BODY.PEEK[]<0.{most}>)", most)

    def head(self, uid: int) -> bytes:
        return self._literal(uid, f"(BODY.PEEK[HEADER]<0.{HEAD}>)", HEAD)

    def mark(self, uid: int, *, flagged: bool = False) -> None:
        """It is read now; ``flagged``: somebody has to look at it."""
        flags = r"(\Seen \Flagged)" if flagged else r"(\Seen)"
        self._ask("STORE", self._server.uid("STORE", str(uid), "+FLAGS.SILENT", flags))

    def _literal(self, uid: int, what: str, most: int) -> bytes:
        self._server.most = most
        try:
            told = self._ask("FETCH", self._server.uid("FETCH", str(uid), what))
        finally:
            self._server.most = SOME
        return next((each[1] for each in told if isinstance(each, tuple)), b"")

    def _ask(self, what: str, answer: Any) -> list[Any]:
        kind, told = answer
        if kind != "OK":
            said = told[0] if told and told[0] else b""
            raise imaplib.IMAP4.error(f"{what}: {_text(said)}")
        return [each for each in told if each is not None]


class _Server(imaplib.IMAP4):
    """IMAP over a line that is already there: the one whose address was judged."""

    def __init__(self, line: socket.socket, connection: ImapConnection) -> None:
        self._line = line
        self.most = SOME
        self.host, self.port = connection.host, connection.port
        super().__init__(connection.host, connection.port)
        self._encoding = "utf-8"  # names and passwords are what people say they are

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        self._use(self._line)

    def _use(self, line: socket.socket) -> None:
        self._line = self.sock = line
        self._file = line.makefile("rb")

    def read(self, size: int) -> bytes:
        if size > self.most + 1024:
            raise self.abort(f"it sent {size} bytes, where {self.most} were asked for")
        return self._file.read(size)

    def readline(self) -> bytes:
        line = self._file.readline(SOME + 1)
        if len(line) > SOME:
            raise self.abort("it sent a line without end")
        return line

    def quoted(self, text: str) -> str:
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    def begin_anew(self, cut: _Cut, network: Network, deadline: Deadline) -> None:
        """Go on over TLS, and forget what was said before it: anybody may have said that."""
        if "STARTTLS" not in self.capabilities:
            raise self.error("it offers no STARTTLS")
        kind, told = self._simple_command("STARTTLS")
        if kind != "OK":
            raise self.error(f"STARTTLS: {_text(told[0])}")
        host = self.host
        self._use(network.encrypt(self._line, host, deadline))
        cut.line = self._line
        self._get_capabilities()

    def shutdown(self) -> None:
        for thing in (self._file, self._line):
            with contextlib.suppress(OSError):
                thing.close()


class _Cut:
    """Cuts a line at its deadline, however slowly the server talks, and at the end."""

    def __init__(self, line: socket.socket, deadline: Deadline) -> None:
        self.line, self.late = line, False
        line.settimeout(deadline.seconds + 5)
        self._timer = threading.Timer(max(deadline.until - time.monotonic(), 0), self._now)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        self.line.close()

    def _now(self) -> None:
        self.late = True
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_RDWR)


def _text(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join(text.split())[:300]


def written(folder: str) -> str:
    """The name of a folder as IMAP writes it: Latin letters as they are, others in a UTF-7 of its own."""
    return _FOREIGN.sub(_in_utf7, folder.replace("&", "&-"))


_FOREIGN = re.compile("[^\\x20-\\x7e]+")


def _in_utf7(match: re.Match[str]) -> str:
    coded = base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
    return f"&{coded}-"
