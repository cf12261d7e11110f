"""What interfaces described in the definition have in common, whether they speak REST or GraphQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from engine.connecting.expressing import Expressing, NotUnderstood, names_in
from engine.connecting.moments import Writing, iso, written
from engine.connecting.paging import TRIES, Place, again, begun, turned
from engine.connecting.parts import Does, PushedBy, Read
from engine.connecting.told import Came, came, items_of, link_to_next, page_of, refuse_failure, refuse_haste
from engine.connectors import Forged, HttpConnection, Operation, Part, Pushed, Reading, Span, Told
from engine.credentials import QueryCredential
from engine.errors import DeliveryFailed, Invalid, Message, message
from engine.language import Expression, Label, option
from engine.outside.answers import judge
from engine.outside.payload import payload_of
from engine.outside.request import base_of
from engine.outside.signatures import refusal

if TYPE_CHECKING:
    from engine.outside.http import Call
    from engine.outside.task import Surroundings, Task

MOST = 8 * 1024 * 1024  # bytes of a page
ANY_STATUS = range(200, 600)  # judged here
EXPRESSION = {"description": "any value"}


@dataclass(frozen=True, kw_only=True)
class DeclaredConnection(HttpConnection):
    """An interface that the definition describes."""

    moments: Writing = option(
        "How moments are written in what is asked, such as `since`: iso is 2026-03-04T01:30:00Z, plain is "
        "2026-03-04 09:30:00 in the time zone below, the others count from 1970.",
        "iso",
    )
    timezone: str = option("The time zone of moments that name none.", "UTC")
    busy: Expression | None = option("An answer for which this holds asks to wait; a number is how many seconds.", None)

    # --- what its kinds differ in

    def described(self) -> Mapping[str, Read]:
        return {}

    def doing(self) -> Mapping[str, Does]:
        return {}

    def asked_for(self, read: Read, at: Place, names: Mapping[str, Any], words: Expressing) -> Call:
        """The call that reads a page."""
        raise NotImplementedError

    def call_of(self, does: Does, names: Mapping[str, Any], words: Expressing) -> Call:
        raise NotImplementedError

    def changes(self, does: Does) -> bool:
        raise NotImplementedError

    def is_pulled(self, read: Read) -> bool:
        raise NotImplementedError

    def asking(self, read: Read) -> Mapping[str, Expression]:
        """Every expression of what is asked."""
        raise NotImplementedError

    def own_failure(self, said: Came, *, reads: bool) -> None:
        """Raise DeliveryFailed for what this kind of interface always calls a failure."""

    # --- reading

    def readings(self) -> Mapping[str, Reading]:
        return {name: self._reading(name, read) for name, read in self.described().items()}

    def _reading(self, name: str, read: Read) -> Reading:
        return Reading(
            read.label or Label({"": name}), {}, pulled=self.is_pulled(read), pushed=read.webhook is not None,
            spans="since" in self.mentioned(read),
        )  # fmt: skip

    def mentioned(self, read: Read) -> frozenset[str]:
        """The names of what is asked that are really used."""
        return names_in(self.asking(read).values())

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        until = iso(span.until) if span.until is not None else None
        return begun(self.described()[reading].pages, iso(span.since), until).cursor()

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        read, at = self.described()[reading], Place.of(cursor)
        words = Expressing(self.name, surroundings.now())
        self._rested(reading, at, words.now)
        call = self.asked_for(read, at, self._names(read, at), words)
        surroundings.turn(reading)
        try:
            said, link = self._asked(call, read.failed, words, task, surroundings)
        except DeliveryFailed as failure:
            if failure.again or not at.pages or at.rounds + 1 >= TRIES:
                raise
            return Part((), again(read.pages, at, words.now).cursor(), more=True)  # the way on may have run out
        page = page_of(read, said, words, self.moments, self.timezone, link)
        after = turned(read.pages, at, page, said.place, words.now)
        return Part(page.items if after.counts else (), after.at.cursor(), after.more)

    def _rested(self, reading: str, at: Place, now: dt.datetime) -> None:
        left = (dt.datetime.fromisoformat(at.rests) - now).total_seconds() if at.rests else 0.0
        if left > 0:
            said = message("The pages of “{reading}” of '{connection}' hold fewer things than it says, time and again.",
                           reading=reading, connection=self.name)  # fmt: skip
            raise DeliveryFailed(said, after=left)

    def _names(self, read: Read, at: Place) -> Mapping[str, Any]:
        return {
            "since": written(at.since, self.moments, self.timezone), "page": at.page, "offset": at.offset,
            "until": written(at.until, self.moments, self.timezone), "cursor": at.next, "size": read.pages.size,
        }  # fmt: skip

    def _asked(
        self, call: Call, failed: str | None, words: Expressing, task: Task, surroundings: Surroundings
    ) -> tuple[Came, str | None]:
        """What came, when it is no failure, and the address its header Link calls the next."""
        from engine.outside.http import send

        answer, place = send(self, call, task, surroundings), self.place(call)
        said = came(answer, place)
        refuse_haste(self.busy, said, words)
        self.own_failure(said, reads=True)
        refuse_failure(failed, said, words, again=True)
        return said, self.onward(link_to_next(answer.headers), place)

    def place(self, call: Call) -> str:
        """Where a call goes, for people."""
        path = call.path.lstrip("/")
        return f"{str(base_of(self)).rstrip('/')}/{path}" if path else str(base_of(self))

    def onward(self, link: str | None, place: str) -> str | None:
        """The address of the next page as a cursor may hold it: without what the credential adds to addresses."""
        if link is None:
            return None
        url = urlsplit(urljoin(place, link))
        secret = self.auth.values if isinstance(self.auth, QueryCredential) else {}
        kept = [(name, value) for name, value in parse_qsl(url.query, keep_blank_values=True) if name not in secret]
        return urlunsplit((url.scheme, url.netloc, url.path, urlencode(kept), ""))

    # --- being told

    def told(self, reading: str, pushed: Pushed, surroundings: Surroundings) -> Told | None:
        read = self.described().get(reading)
        if read is None or read.webhook is None:
            return super().told(reading, pushed, surroundings)
        hook, words = read.webhook, Expressing(self.name, surroundings.now())
        payload, wrong = _payload(pushed)
        names = {"payload": payload, "headers": dict(pushed.headers)}
        if hook.ping and words.raw(hook.ping, names):
            return None
        self._believe(hook, pushed, surroundings)
        if wrong is not None:
            raise DeliveryFailed(wrong, again=False)
        if hook.when and not words.raw(hook.when, names):
            return None
        return Told(self._items_told(read, hook, names, words), pushed.headers.get(hook.manner.delivery.lower(), ""))

    def _believe(self, hook: PushedBy, pushed: Pushed, surroundings: Surroundings) -> None:
        secret = surroundings.secret(hook.secret.secret, base_of(self).host)
        reason = refusal(hook, secret, pushed.body, pushed.headers, pushed.at)
        if reason is not None:
            raise Forged(message("A message to '{connection}' is not believed: {reason}.",
                                 connection=self.name, reason=reason))  # fmt: skip

    def _items_told(self, read: Read, hook: PushedBy, names: Mapping[str, Any], words: Expressing) -> Any:
        found, place = words.raw(hook.items, names), message("The webhook of '{connection}'", connection=self.name)
        if not isinstance(found, (list, tuple)):
            raise DeliveryFailed(
                message("{place}: {source} should be a list.", place=place, source=hook.items), again=False
            )
        return items_of(read, found, str(place), words, self.moments, self.timezone)

    # --- doing

    def operations(self) -> Mapping[str, Operation]:
        return {name: self._operation(name, does) for name, does in self.doing().items()}

    def _operation(self, name: str, does: Does) -> Operation:
        takes = dict.fromkeys((*does.takes, *does.optional), EXPRESSION)
        return Operation(does.label or Label({"": name}), takes, frozenset(does.takes), writes=self.changes(does))

    def perform(
        self, operation: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        from engine.outside.http import send

        does, words = self.doing()[operation], Expressing(self.name, surroundings.now())
        names = {"key": task.key, **{name: values.get(name) for name in (*does.takes, *does.optional)}}
        call = self.call_of(does, names, words)
        surroundings.turn(operation)
        answer = send(self, call, task, surroundings)
        return self._done(does, answer, self.place(call), words, surroundings.now())

    def _done(self, does: Does, answer: Any, place: str, words: Expressing, now: dt.datetime) -> Mapping[str, Any]:
        said = self._refusal(does, answer, place, words)
        if said is None:
            judge(answer, place, (), now, reads=not self.changes(does))
            said = self._accepted(does, answer, place, words)
        if not does.answers:
            return {"answer": said.answer}
        with self._arrived(does):
            return {name: words.value(source, said.names) for name, source in does.answers.items()}

    @contextmanager
    def _arrived(self, does: Does) -> Iterator[None]:
        """An answer to a call that arrived, and that nobody can read, leaves open what came of it."""
        try:
            yield
        except NotUnderstood as failure:
            failure.unsure = self.changes(does)
            raise

    def _refusal(self, does: Does, answer: Any, place: str, words: Expressing) -> Came | None:
        """The answer, where it says that this was done before."""
        if does.done_already is None or answer.broken:
            return None
        try:
            said = came(answer, place, empty=True)
            return said if words.raw(does.done_already, said.names) else None
        except NotUnderstood:
            return None  # judged as it is

    def _accepted(self, does: Does, answer: Any, place: str, words: Expressing) -> Came:
        """What was answered to a call that arrived, when it is no failure."""
        with self._arrived(does):
            said = came(answer, place, empty=not does.answers)
            refuse_haste(self.busy, said, words)
            self.own_failure(said, reads=not self.changes(does))
            refuse_failure(does.failed, said, words, again=False)
        return said

    # --- trying it out

    def try_call(self) -> tuple[Call, Expression | None] | None:
        """What is asked to see whether it works, and what of the answer is shown."""
        return None

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        words, trying = Expressing(self.name, surroundings.now()), self.try_call()
        if trying is None:
            return self._read_once(task, surroundings)
        call, says = trying
        said, _link = self._asked(call, None, words, task, surroundings)
        if says is None:
            return message("It answered.")
        found = words.text(says, said.names)
        if not found:
            raise DeliveryFailed(message("{place} answered, but {source} is empty.", place=said.place, source=says))
        return message("It answered: {text}", text=found[:200])

    def _read_once(self, task: Task, surroundings: Surroundings) -> Message:
        name = next((name for name, read in self.described().items() if self.is_pulled(read)), None)
        if name is None:
            return super().try_out(task, surroundings)
        cursor = self.begin(name, Span(surroundings.now() - dt.timedelta(days=1)))
        part = self.read(name, cursor, task, surroundings)
        return message("It answered; {count} of “{name}” were read.", count=len(part.items), name=name)


def _payload(pushed: Pushed) -> tuple[Any, Message | None]:
    """What a message says, and what is wrong with it; that is told to whom is believed only."""
    try:
        media_type = pushed.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        return payload_of(pushed.body, media_type), None
    except Invalid as wrong:
        return None, wrong.reason
