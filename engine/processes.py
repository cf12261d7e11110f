"""A name for this process that others can ask about: what a dead process held is taken over at once, not only when its
lease runs out."""

from __future__ import annotations

import os
import secrets
import socket
from functools import cache
from pathlib import Path

UNKNOWN = "-"


@cache
def place() -> str:
    """This machine since it was started, and the namespace that process numbers count in; two processes of one place
    can ask whether the other lives. ``-`` where a system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip().replace("-", "")[:12]
        return f"{boot}.{os.stat('/proc/self/ns/pid').st_ino:x}"
    except OSError:
        return UNKNOWN


def new_name() -> str:
    """``host:place:process:chance``; a token that begins with it belongs to this process."""
    return f"{socket.gethostname()}:{place()}:{os.getpid()}:{secrets.token_hex(3)}"


def is_gone(token: str | None) -> bool:
    """Whether the process that a token begins with is known to have ended; False where nobody here can tell. A number
    that was given to another process meanwhile counts as alive: then the lease says when it is over."""
    parts = (token or "").split(":")
    if len(parts) < 4 or parts[1] != place() or place() == UNKNOWN or not parts[2].isdigit():
        return False
    try:
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False  # it lives and is somebody else's
    return False
