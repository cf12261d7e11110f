"""The kind ``mail``: a mail handed to the mail server of a connection, by SMTP.

``task.data``: ``to``, ``cc``, ``bcc`` (lists of addresses, as text or {name, address}), ``reply_to``, ``subject``,
``text``, ``html`` (or None), ``attachments`` (ids). The result: ``message_id``, ``accepted``, ``refused`` [{address,
code, said}], ``answer``.
"""

from __future__ import annotations

import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

from engine.connectors import SmtpConnection
from engine.errors import DeliveryFailed, Message, message
from engine.outside.letter import From, Letter, letter
from engine.outside.network import Deadline, Network, reason_of
from engine.outside.task import Surroundings, Task

NETWORK = Network()


def perform(task: Task, surroundings: Surroundings, *, network: Network = NETWORK) -> Mapping[str, Any]:
    connection = task.connection
    if not isinstance(connection, SmtpConnection):
        raise DeliveryFailed(message("A mail needs a connection of type smtp."), again=False)
    origin = From(connection.sender, connection.reply_to, task.key, surroundings.now())
    ready = letter(task.data, origin, surroundings.open_file)
    password = surroundings.secret(connection.password.secret, connection.host) if connection.password else None
    delivery = Delivery(connection, Deadline(task.seconds), network, surroundings)
    return delivery.hand_over(ready, password, last=task.attempt >= connection.attempts)


class Delivery:
    """One mail on its way to a server, within one deadline."""

    def __init__(
        self, connection: SmtpConnection, deadline: Deadline, network: Network, surroundings: Surroundings
    ) -> None:
        self._connection, self._deadline, self._network = connection, deadline, network
        self._surroundings = surroundings
        self._line: socket.socket | None = None
        self._late = False
        self._sending = False

    def hand_over(self, ready: Letter, password: str | None, *, last: bool) -> Mapping[str, Any]:
        """``last``: there is no further attempt, so whoever can have the mail gets it now."""
        connection = self._connection
        line = self._network.connect(
            connection.host, connection.port, private=connection.private, deadline=self._deadline
        )
        if connection.security == "tls":
            line = self._network.encrypt(line, connection.host, self._deadline)
        with self._guarded(line), closing(_Server(line, connection.host, self._deadline)) as server:
            self._greet(server, password)
            refused = self._envelope(server, ready, last=last)
            answer = self._send(server, ready)
            server.putcmd("quit")
        accepted = [address for address in ready.receivers if address not in refused]
        answers = dict.fromkeys(ready.wrong, (553, "no mail address")) | refused
        listed = [{"address": address, "code": code, "said": said} for address, (code, said) in answers.items()]
        return {"message_id": ready.message_id, "accepted": accepted, "refused": listed, "answer": answer}

    # --- the steps of SMTP

    def _greet(self, server: _Server, password: str | None) -> None:
        connection = self._connection
        server.ehlo_or_helo_if_needed()
        if connection.security == "starttls":
            if not server.has_extn("starttls"):
                raise self._said(message("it offers no STARTTLS"), again=False)
            self._expect(server.docmd("STARTTLS"), {220})
            self._line = self._network.encrypt(server.line, connection.host, self._deadline)
            server.begin_anew(self._line)
            server.ehlo_or_helo_if_needed()
        if connection.user is not None and password is not None:
            server.login(connection.user, password)

    def _envelope(self, server: _Server, ready: Letter, *, last: bool) -> dict[str, tuple[int, str]]:
        """Name sender and receivers; answers who was refused. Raises when nobody is left, or when waiting may help."""
        sizes = [f"size={len(ready.content)}"] if server.has_extn("size") else []
        self._expect(server.mail(ready.sender, sizes), {250})
        answers = {address: server.rcpt(address) for address in ready.receivers}
        refused = {address: (code, _text(said)) for address, (code, said) in answers.items() if code not in (250, 251)}
        if not refused:
            return refused
        for_now = any(code < 500 for code, _said in refused.values())
        if len(refused) == len(ready.receivers) or (for_now and not last):
            listed = tuple(f"{address} ({code} {said})" for address, (code, said) in refused.items())
            raise self._said(message("it refused {receivers}", receivers=listed), again=for_now)
        return refused

    def _send(self, server: _Server, ready: Letter) -> str:
        self._surroundings.about_to_send()
        self._sending = True
        answer = server.data(ready.content)
        self._sending = False  # it answered: nothing is unsure any more
        self._expect(answer, {250})
        return f"{answer[0]} {_text(answer[1])}"

    # --- what can go wrong

    @contextmanager
    def _guarded(self, line: socket.socket) -> Iterator[None]:
        """Every failure of SMTP as DeliveryFailed. The line is cut at the deadline, however slowly the server talks."""
        self._line = line
        timer = threading.Timer(max(self._deadline.until - time.monotonic(), 0), self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except smtplib.SMTPResponseException as error:
            raise self._said(message("{code} {said}", code=error.smtp_code, said=_text(error.smtp_error)),
                             again=error.smtp_code < 500) from None  # fmt: skip
        except smtplib.SMTPServerDisconnected as error:
            raise self._lost(str(error)) from None
        except smtplib.SMTPException as error:  # such as a sign-in it does not offer
            raise self._said(message("{reason}", reason=str(error)), again=False) from None
        except OSError as error:
            raise self._lost(reason_of(error)) from None
        finally:
            timer.cancel()
            self._line.close()

    def _cut(self) -> None:
        self._late = True
        try:
            if self._line is not None:
                self._line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is gone already

    def _expect(self, answer: tuple[int, bytes], codes: set[int]) -> None:
        if answer[0] not in codes:
            raise smtplib.SMTPResponseException(answer[0], answer[1])

    def _said(self, reason: Message, *, again: bool) -> DeliveryFailed:
        said = message("The mail server {host} said no: {reason}", host=self._connection.host, reason=reason)
        return DeliveryFailed(said, again=again)

    def _lost(self, reason: str) -> DeliveryFailed:
        late = message("no answer within {seconds} s", seconds=f"{self._deadline.seconds:g}")
        said = message(
            "The line to the mail server {host} was lost: {reason}",
            host=self._connection.host,
            reason=late if self._late else reason,
        )
        return DeliveryFailed(said, unsure=self._sending)


class _Server(smtplib.SMTP):
    """SMTP over a line that is already there: the one whose address was judged."""

    def __init__(self, line: socket.socket, host: str, deadline: Deadline) -> None:
        self.line = line
        self._seconds = deadline.seconds + 5  # whoever waits too long is cut off by the timer of the delivery
        line.settimeout(self._seconds)
        super().__init__(host, 1, local_hostname=_own_name(line))

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.line

    def begin_anew(self, line: socket.socket) -> None:
        """Go on over TLS, and forget what was said before it: anybody may have said that."""
        line.settimeout(self._seconds)
        self.line = self.sock = line
        self.file = self.helo_resp = self.ehlo_resp = None
        self.esmtp_features, self.does_esmtp = {}, False


def _own_name(line: socket.socket) -> str:
    """How we greet: our address. Finding a name for it would ask the network."""
    address: str = line.getsockname()[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _text(said: bytes | str) -> str:
    return " ".join((said.decode("utf-8", "replace") if isinstance(said, bytes) else said).split())[:300]
