"""The one door to performers: what comes out of it, result or refusal, holds no secret that was used."""

from __future__ import annotations

import datetime as dt
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from engine.connectors import Forged
from engine.errors import AppmillError, DeliveryFailed, Message, Throttled, message
from engine.outside.exchanges import Exchange
from engine.outside.masking import Mask
from engine.outside.task import Surroundings, Task
from engine.registry import Registry

LOG = logging.getLogger("appmill.outside")
UNSEEN = "(a token)"


def carry_out(registry: Registry, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
    """Perform a task; answers its JSON result. Raises DeliveryFailed and nothing else for whatever goes wrong outside
    and in connectors; what ``surroundings`` raise themselves passes through, such as a database that is gone."""
    performer = registry.performers.get(task.kind)
    if performer is None:
        raise DeliveryFailed(message("Nobody performs '{kind}' here.", kind=task.kind), again=False)
    result: Mapping[str, Any] = guarded(task, surroundings, lambda around: performer(task, around))
    return result


def guarded(task: Task, surroundings: Surroundings, work: Callable[[Surroundings], Any]) -> Any:
    """What code of connectors answers, JSON without the secrets that were used; raises as ``carry_out``."""
    watched = _Watched(surroundings)
    try:
        return watched.mask.data(work(watched))
    except Forged as forged:
        raise Forged(_masked(forged.reason, watched.mask)) from None
    except Exception as error:
        if error is watched.raised:
            raise
        raise _failure(task, error, watched) from None


class _Watched:
    """The surroundings, and what was asked of them."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self.mask = Mask()
        self.told = False
        self._signing_in = 0
        self.raised: Exception | None = None

    @property
    def inner(self) -> Surroundings:
        """For what the application performs itself, such as scripts."""
        return self._surroundings

    def secret(self, name: str, host: str) -> str:
        with self._noting():
            value = self._surroundings.secret(name, host)
        self.mask.learn(value)
        return value

    def latest(self, name: str, host: str) -> str:
        with self._noting():
            value = self._surroundings.latest(name, host)
        self.mask.learn(value)
        return value

    def renew(self, name: str, value: str) -> None:
        self.mask.learn(value)
        with self._noting():
            self._surroundings.renew(name, value)

    def open_file(self, attachment_id: int) -> tuple[str, str, bytes]:
        with self._noting():
            return self._surroundings.open_file(attachment_id)

    def now(self) -> dt.datetime:
        return self._surroundings.now()

    def turn(self, operation: str) -> None:
        with self._noting():
            self._surroundings.turn(operation)

    def kept(self, name: str, get: Callable[[], tuple[str, float]]) -> str:
        token = self._surroundings.kept(name, self._unseen(get))
        self.mask.learn(token)
        return token

    def _unseen(self, get: Callable[[], tuple[str, float]]) -> Callable[[], tuple[str, float]]:
        """Who asks for a token is answered one that nobody knows to mask yet."""

        def ask() -> tuple[str, float]:
            self._signing_in += 1
            try:
                return get()
            finally:
                self._signing_in -= 1

        return ask

    def forget(self, name: str) -> None:
        self._surroundings.forget(name)

    def note(self, exchange: Exchange) -> None:
        text = self.mask.text
        good = exchange.status is not None and exchange.status < 400
        answered = UNSEEN if self._signing_in and good else text(exchange.answered)
        self._surroundings.note(replace(
            exchange, url=text(exchange.url), sent=text(exchange.sent), answered=answered, error=text(exchange.error)
        ))  # fmt: skip

    def about_to_send(self) -> None:
        with self._noting():
            self._surroundings.about_to_send()
        self.told = True

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except AppmillError:
            raise
        except Exception as error:
            self.raised = error
            raise


def _failure(task: Task, error: Exception, watched: _Watched) -> DeliveryFailed:
    if isinstance(error, Throttled):
        return Throttled(_masked(error.reason, watched.mask), error.after or 0.0)
    if isinstance(error, DeliveryFailed):
        reason = _masked(error.reason, watched.mask)
        return DeliveryFailed(reason, again=error.again, after=error.after, unsure=error.unsure)
    if isinstance(error, AppmillError):  # such as a file that is gone
        return DeliveryFailed(_masked(error.reason, watched.mask), again=False, unsure=watched.told)
    trace = "".join(traceback.format_exception(error))
    LOG.error("%s %s failed\n%s", task.kind, task.key, watched.mask.text(trace))
    said = watched.mask.text(f"{type(error).__name__}: {error}")
    return DeliveryFailed(message("'{kind}' failed: {reason}", kind=task.kind, reason=said[:500]), unsure=watched.told)


def _masked(said: Message, mask: Mask) -> Message:
    values = {
        name: _masked(value, mask) if isinstance(value, Message) else mask.data(value)
        for name, value in said.values.items()
    }
    return message(said.pattern, **values)
