"""A real IMAP server (Twisted's) with one mailbox in memory, in a process of its own.

    python tests/timing/imap_world.py

prints its port. Mails are brought by APPEND, as any mail program does.
"""

from __future__ import annotations

import contextlib
import imaplib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

USER, PASSWORD = "desk", "let me in"


class Server:
    """The server as tests use it."""

    def __init__(self, port: int) -> None:
        self.port = port

    @contextlib.contextmanager
    def signed_in(self) -> Iterator[imaplib.IMAP4]:
        line = imaplib.IMAP4("127.0.0.1", self.port)
        line.login(USER, f'"{PASSWORD}"'.strip('"'))
        try:
            yield line
        finally:
            line.logout()

    def clear(self) -> None:
        with self.signed_in() as line:
            line.select("INBOX")
            line.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
            line.expunge()

    def put(self, *mails: bytes) -> None:
        with self.signed_in() as line:
            for mail in mails:
                assert line.append("INBOX", r"(\Recent)", imaplib.Time2Internaldate(time.time()), mail)[0] == "OK"

    def flags(self) -> list[str]:
        """Of every mail, in order."""
        with self.signed_in() as line:
            line.select("INBOX", readonly=True)
            told = line.fetch("1:*", "(FLAGS)")[1]
        return [" ".join(sorted(flag.decode() for flag in imaplib.ParseFlags(each))) for each in told if each]

    def unread(self) -> None:
        """As after a crash before the mails were marked."""
        with self.signed_in() as line:
            line.select("INBOX")
            line.store("1:*", "-FLAGS.SILENT", r"(\Seen)")


@contextlib.contextmanager
def imap_server() -> Iterator[Server]:
    process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield Server(int(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


# --- the process -----------------------------------------------------------------------------------------------------


def serve() -> None:
    from email import message_from_bytes

    from twisted.cred import checkers, portal
    from twisted.internet import protocol, reactor
    from twisted.mail import imap4
    from zope.interface import implementer

    @implementer(imap4.IMessage, imap4.IMessageFile)
    class Mail:
        def __init__(self, raw: bytes, flags: Any, uid: int, date: Any) -> None:
            self.raw, self.flags, self.uid, self.date = raw, set(flags), uid, date

        def getUID(self) -> int:
            return self.uid

        def getFlags(self) -> list[str]:
            return sorted(self.flags)

        def getInternalDate(self) -> str:
            return "01-Jan-2026 00:00:00 +0000"

        def getSize(self) -> int:
            return len(self.raw)

        def open(self) -> io.BytesIO:
            return io.BytesIO(self.raw)

        def getHeaders(self, negate: bool, *names: Any) -> dict[str, str]:
            found = {name.lower(): str(value) for name, value in message_from_bytes(self.raw).items()}
            wanted = {(name.decode() if isinstance(name, bytes) else name).lower() for name in names}
            return {name: value for name, value in found.items() if (name in wanted) is not negate}

        def getBodyFile(self) -> io.BytesIO:
            return io.BytesIO(self.raw.partition(b"\r\n\r\n")[2])

        def isMultipart(self) -> bool:
            return False

        def getSubPart(self, part: int) -> None:
            raise IndexError(part)

    @implementer(imap4.IMailbox)
    class Box:
        def __init__(self) -> None:
            self.mails: list[Mail] = []
            self.next = 1
            self.listeners: list[Any] = []

        def getUIDValidity(self) -> int:
            return 7

        def getUIDNext(self) -> int:
            return self.next

        def getUID(self, number: int) -> int:
            return self.mails[number - 1].uid

        def getMessageCount(self) -> int:
            return len(self.mails)

        def getRecentCount(self) -> int:
            return 0

        def getUnseenCount(self) -> int:
            return sum("\\Seen" not in mail.flags for mail in self.mails)

        def isWriteable(self) -> bool:
            return True

        def destroy(self) -> None: ...

        def requestStatus(self, names: Any) -> Any:
            return imap4.statusRequestHelper(self, names)

        def addListener(self, listener: Any) -> None:
            self.listeners.append(listener)

        def removeListener(self, listener: Any) -> None:
            self.listeners.remove(listener)

        def getHierarchicalDelimiter(self) -> str:
            return "/"

        def getFlags(self) -> list[str]:
            return ["\\Seen", "\\Flagged", "\\Deleted"]

        def expunge(self) -> list[int]:
            gone = [number for number, mail in enumerate(self.mails, 1) if "\\Deleted" in mail.flags]
            self.mails = [mail for mail in self.mails if "\\Deleted" not in mail.flags]
            return gone

        def addMessage(self, body: Any, flags: Any = (), date: Any = None) -> Any:
            from twisted.internet import defer

            self.mails.append(Mail(body.read(), set(flags) - {"\\Recent"}, self.next, date))
            self.next += 1
            return defer.succeed(None)

        def _chosen(self, messages: Any, uid: bool) -> list[tuple[int, Mail]]:
            if not messages.last:
                messages.last = self.next if uid else len(self.mails)
            return [(number, mail) for number, mail in enumerate(self.mails, 1)
                    if (mail.uid if uid else number) in messages]  # fmt: skip

        def fetch(self, messages: Any, uid: bool) -> list[tuple[int, Mail]]:
            return self._chosen(messages, uid)

        def store(self, messages: Any, flags: Any, mode: int, uid: bool) -> dict[int, list[str]]:
            changed = {}
            for number, mail in self._chosen(messages, uid):
                mail.flags = set(flags) if not mode else mail.flags | set(flags) if mode > 0 else mail.flags - set(flags)
                changed[number] = mail.getFlags()
            return changed

    class Account(imap4.MemoryAccount):
        def _emptyMailbox(self, name: str, id: int) -> Box:
            return Box()

    account = Account(USER)
    account.create("INBOX")

    @implementer(portal.IRealm)
    class Realm:
        def requestAvatar(self, _avatar: Any, _mind: Any, *_interfaces: Any) -> Any:
            return imap4.IAccount, account, lambda: None

    known = checkers.InMemoryUsernamePasswordDatabaseDontUse(**{USER: PASSWORD.encode()})

    class Factory(protocol.Factory):
        def buildProtocol(self, _address: Any) -> Any:
            made = imap4.IMAP4Server()
            made.portal = portal.Portal(Realm(), [known])
            made.factory = self
            return made

    port = reactor.listenTCP(0, Factory(), interface="127.0.0.1")  # type: ignore[attr-defined]
    print(port.getHost().port, flush=True)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    serve()
