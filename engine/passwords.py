"""Passwords: their rules, their hashes, and a dummy so that an unknown name takes as long as a known one."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import Invalid, Message, Problem, message

SHORTEST, LONGEST = 12, 128
# 19 MiB, two rounds, one lane (OWASP): about 25 ms; the argon2 default of 64 MiB cost 232 ms of CPU per sign-in.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
AT_ONCE = threading.Semaphore(4)
READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


def normal(password: str) -> str:
    """The same characters typed on another keyboard or input method are the same password."""
    return unicodedata.normalize("NFKC", password)


def objection(password: str, login: str) -> Message | None:
    """Why this cannot be a password, or None."""
    text = normal(password)
    if len(text) < SHORTEST:
        return message("The password needs at least {count} characters.", count=SHORTEST)
    if len(text) > LONGEST:
        return message("The password may have at most {count} characters.", count=LONGEST)
    if len(set(text)) < 5 or login.casefold() == text.casefold():
        return message("This password is too easy to guess.")
    return None


def accept(password: str, login: str, where: str = "password") -> str:
    """The normal form of a good password; raises Invalid."""
    if found := objection(password, login):
        raise Invalid(found, [Problem(where, found)])
    return normal(password)


def hashed(password: str) -> str:
    with AT_ONCE:
        return HASHER.hash(normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether the password is the stored one; takes as long when there is none. Over-long input is not hashed."""
    text = normal(password[: LONGEST * 4])
    with AT_ONCE:
        try:
            return HASHER.verify(stored or _nobodys(), text) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


def outdated(stored: str) -> bool:
    return HASHER.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return HASHER.hash(secrets.token_urlsafe(24))


def one_time() -> str:
    """A password to be read out once and changed at the first sign-in: 80 bits in four groups."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(4)) for _ in range(4))
