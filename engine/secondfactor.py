"""A second factor at signing in: one-time codes of an authenticator app, and recovery codes for a lost phone.

The codes are those of RFC 6238 (30 seconds, six digits, SHA-1: what every app knows). What the app and this server
share lies encrypted under ``APPMILL_KEY``, beside the secrets of connections and renewed with them. A code counts once:
the time step it stood for is kept, so that one that was looked at over a shoulder is worth nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
from typing import Any

import pyotp
import sqlalchemy as sa

from engine.application import Application
from engine.definition import AppDefinition
from engine.errors import Invalid, Problem, message
from engine.people import Actor
from engine.sessions import digest
from engine.storage.tables import Tables

STEP = 30  # seconds
DRIFT = 1  # steps that the clock of a phone may be away
CODES = 10  # recovery codes
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another
WAITS = dt.timedelta(minutes=5)  # between the password and the code
SECRET = re.compile("[A-Z2-7]{32,64}")


# --- deciding


def needed(definition: AppDefinition, actor: Actor, of: str, *, is_admin: bool) -> bool:
    """Whether this person needs one: a role asks for it, or the operator does ``of`` ``admins`` or ``all``.
    ``is_admin``: also while they look as somebody else."""
    if of == "all" or (of == "admins" and is_admin):
        return True
    return any(definition.roles[name].second_factor for name in actor.roles if name in definition.roles)


def step_of(shared: str, code: str, now: dt.datetime) -> int | None:
    """The time step (since 1970) that these six digits stand for at ``now``; None where they are of no near one."""
    given = re.sub(r"\s", "", code)
    if not re.fullmatch("[0-9]{6}", given):
        return None
    totp, here = pyotp.TOTP(shared), int(now.timestamp()) // STEP
    near = range(here - DRIFT, here + DRIFT + 1)
    fits = [step for step in near if hmac.compare_digest(totp.at(step * STEP), given)]
    return fits[0] if fits else None


def fresh() -> str:
    """Something to share with an app: 160 random bits in Base32."""
    return pyotp.random_base32()


def address_for(shared: str, login: str, issuer: str) -> str:
    """What an app reads from the picture (``otpauth://…``)."""
    return pyotp.TOTP(shared).provisioning_uri(name=login, issuer_name=issuer)


def _recovery_code() -> str:
    """Fifty random bits, as people copy them: ``x7kq2-m9fpc``."""
    letters = "".join(secrets.choice(LETTERS) for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def _hashed(user_id: int, code: str) -> str:
    plain = re.sub(r"[^a-z0-9]", "", code.lower())
    return hashlib.sha256(f"{user_id}:{plain}".encode()).hexdigest()


# --- what is kept


def _place(user_id: int) -> str:
    return f"@second_factor:{user_id}"


def enrolled(conn: sa.Connection, tables: Tables, user_id: int) -> bool:
    table = tables.second_factor
    return conn.execute(sa.select(table.c.user_id).where(table.c.user_id == user_id)).first() is not None


def codes_left(conn: sa.Connection, tables: Tables, user_id: int) -> int:
    table = tables.recovery_code
    count = sa.select(sa.func.count()).where(table.c.user_id == user_id)
    return int(conn.execute(count).scalar_one())


def enrol(conn: sa.Connection, app: Application, user_id: int, shared: str, code: str) -> list[str]:
    """Begin to ask for codes of ``shared``, which ``code`` shows to be in the app; answers the recovery codes, which
    are known this once. Raises Invalid for a wrong code, Refused without ``APPMILL_KEY``."""
    now = app.clock()
    step = step_of(shared, code, now) if SECRET.fullmatch(shared) else None
    if step is None:
        reason = message("This code does not fit. Is the clock of your phone right? A new code comes every 30 seconds.")
        raise Invalid(reason, [Problem("code", reason)])
    drop(conn, app, user_id)
    app.secrets.keep(conn, _place(user_id), shared, now=now)
    conn.execute(sa.insert(app.tables.second_factor).values(user_id=user_id, enrolled_at=now, last_step=step))
    return new_codes(conn, app.tables, user_id)


def new_codes(conn: sa.Connection, tables: Tables, user_id: int) -> list[str]:
    """Other recovery codes; those from before are worth nothing."""
    table, codes = tables.recovery_code, [_recovery_code() for _ in range(CODES)]
    conn.execute(sa.delete(table).where(table.c.user_id == user_id))
    conn.execute(sa.insert(table), [{"user_id": user_id, "code_hash": _hashed(user_id, code)} for code in codes])
    return codes


def drop(conn: sa.Connection, app: Application, user_id: int) -> bool:
    """No longer ask; whether it was asked for before."""
    for table in (app.tables.recovery_code, app.tables.sign_in):
        conn.execute(sa.delete(table).where(table.c.user_id == user_id))
    app.secrets.forget(conn, _place(user_id))
    table = app.tables.second_factor
    return bool(conn.execute(sa.delete(table).where(table.c.user_id == user_id)).rowcount)


def accepts(conn: sa.Connection, app: Application, user_id: int, code: str) -> bool:
    """Use up a code of the app, or a recovery code, in the caller's transaction: of two who send the same one at once,
    one is told no."""
    return _of_app(conn, app, user_id, code) or _of_paper(conn, app.tables, user_id, code)


def _of_app(conn: sa.Connection, app: Application, user_id: int, code: str) -> bool:
    shared = app.secrets.kept(conn, _place(user_id))
    step = step_of(shared, code, app.clock()) if shared else None
    if step is None:
        return False
    table = app.tables.second_factor
    unused = (table.c.user_id == user_id, table.c.last_step < step)
    return bool(conn.execute(sa.update(table).where(*unused).values(last_step=step)).rowcount)


def _of_paper(conn: sa.Connection, tables: Tables, user_id: int, code: str) -> bool:
    table = tables.recovery_code
    this = (table.c.user_id == user_id, table.c.code_hash == _hashed(user_id, code))
    return bool(conn.execute(sa.delete(table).where(*this)).rowcount)


# --- between the password and the code


def wait_for_code(conn: sa.Connection, tables: Tables, user_id: int, secret: str, now: dt.datetime) -> None:
    """The password was right: the browser with this cookie may send a code for a while. It is signed in nowhere yet."""
    table = tables.sign_in
    conn.execute(sa.delete(table).where(table.c.expires_at < now))
    conn.execute(sa.insert(table).values(token_hash=digest(secret), user_id=user_id, expires_at=now + WAITS))


def who_waits(conn: sa.Connection, tables: Tables, secret: str, now: dt.datetime) -> Any:
    """``id``, ``login`` and ``name`` of whose code is awaited in this browser; None where nobody's is."""
    waiting, user = tables.sign_in, tables.user
    here = (waiting.c.token_hash == digest(secret), waiting.c.expires_at > now, user.c.active)
    joined = waiting.join(user, user.c.id == waiting.c.user_id)
    return conn.execute(sa.select(user.c.id, user.c.login, user.c.name).select_from(joined).where(*here)).first()


def wait_no_longer(conn: sa.Connection, tables: Tables, secret: str) -> None:
    conn.execute(sa.delete(tables.sign_in).where(tables.sign_in.c.token_hash == digest(secret)))
