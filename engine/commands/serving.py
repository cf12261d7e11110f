"""A server that ends in order.

Told to end (SIGTERM, Ctrl-C), it first says that it takes no more work and goes on answering for a moment, so that a
load balancer sends nothing more; then it takes no new connections, and what is under way comes to its end, for a
bounded time. A second signal ends it at once.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel

LOG = logging.getLogger("appmill.server")
LOOK = 0.05  # seconds between two looks at what is under way


class Serving:
    """``server`` is waitress's. ``drain``: for how many seconds it goes on as usual once it said that it ends;
    ``grace``: how many what is under way may take after that; ``leaving`` is called first of all."""

    def __init__(self, server: Any, leaving: Callable[[], None], *, drain: float = 0.0, grace: float = 20.0) -> None:
        self._dispatcher = server.task_dispatcher
        self._map: dict[int, Any] = getattr(server, "map", None) or server._map  # of several sockets, or of one
        self._leaving, self._drain, self._grace = leaving, drain, grace
        self._asked, self._closing, self._over = threading.Event(), threading.Event(), threading.Event()

    def listen_to_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signalled)

    def _signalled(self, _number: int, _frame: Any) -> None:
        if self._asked.is_set():
            self._over.set()  # the second time: at once
        self._asked.set()

    def stop(self) -> None:
        """End in order, from any thread; ``run`` comes back when it is done."""
        self._asked.set()

    def run(self) -> None:
        """Serve until told to end."""
        threading.Thread(target=self._end, name="ending", daemon=True).start()
        while not self._over.is_set():
            if self._closing.is_set():
                self._let_go()
            wasyncore.loop(timeout=LOOK if self._asked.is_set() else 1.0, use_poll=True, map=self._map, count=1)
        self._dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def _end(self) -> None:
        """Beside the loop, which goes on answering meanwhile."""
        self._asked.wait()
        self._leaving()
        LOG.info("ending: no more work is taken")
        self._over.wait(self._drain)
        self._closing.set()
        until = time.monotonic() + self._grace
        while self.under_way() and time.monotonic() < until and not self._over.is_set():
            self._over.wait(LOOK)
        if left := self.under_way():
            LOG.warning("ending although %s requests are under way", left)
        self._over.set()

    def _let_go(self) -> None:
        """In the loop: no new connections, and none kept open that nothing is asked on."""
        for each in list(self._map.values()):
            if each.accepting:
                wasyncore.dispatcher.close(each)  # its own close would silence the loop's alarm, too
            elif isinstance(each, HTTPChannel) and not _busy(each):
                each.will_close = True

    def under_way(self) -> int:
        """How many requests are being received, worked on or answered."""
        return sum(_busy(each) for each in list(self._map.values()) if isinstance(each, HTTPChannel))


def _busy(channel: Any) -> bool:
    return bool(channel.requests or channel.request or channel.total_outbufs_len)
