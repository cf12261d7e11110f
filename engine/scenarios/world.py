"""The application a scenario is played in. Its database is put back for each, which costs a copied file."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from PIL import Image

from engine.application import Application, start
from engine.definition import AppDefinition
from engine.language import ADMIN
from engine.load import Loaded
from engine.people import Actor, load_actor
from engine.registry import Registry
from engine.scenarios.places import Place, place_of
from engine.scenarios.recorder import Recorder
from engine.storage.files import FileStore
from engine.timing.simulate import Hands

if TYPE_CHECKING:
    from flask import Flask

BEGINNING = "2026-03-02 09:00"  # a Monday
DOCUMENT = b"%PDF-1.4\n%%EOF\n"
_PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".webp": "WEBP"}


@dataclass
class World:
    """``people``: role or sign-in name → id. The person of a role has that role and no other."""

    app: Application
    hands: Hands
    recorder: Recorder
    language: str
    people: Mapping[str, int]

    @property
    def definition(self) -> AppDefinition:
        return self.app.definition

    @cached_property
    def web(self) -> Flask:
        """The site, made when somebody first knocks at its doors."""
        from engine.web.context import Settings
        from engine.web.factory import make_web

        return make_web(self.app, settings=Settings(log_requests=False))

    def actor(self, word: str) -> Actor:
        """The person of a role, or the person with this sign-in name, who reads the language of the run."""
        with self.app.database.read() as conn:
            found = load_actor(conn, self.app.tables, self.people[word])
        return replace(found, language=self.language, timezone=self.definition.timezone)

    def stand(self, role: str, record_id: int) -> None:
        """From now on the person of a role outside stands for a record."""
        table, id = self.app.tables.outsider, self.people[role]
        portal = next((one.name for one in self.definition.portals.values() if one.role == role), role)
        with self.app.database.write() as conn:
            conn.execute(sa.delete(table).where(table.c.user_id == id))
            conn.execute(sa.insert(table).values(user_id=id, portal=portal, stands_for=record_id))

    def file(self, form: str, name: str, file_name: str, by: int | None) -> int:
        """A file that somebody just uploaded; it waits for the record it will be in."""
        stored = self.app.files.put(io.BytesIO(content_of(file_name)), name=file_name)
        values = {
            "form": form, "record_id": None, "field": name, "sha256": stored.sha256, "name": file_name,
            "media_type": stored.media_type, "size": stored.size, "width": stored.width, "height": stored.height,
            "created_at": self.hands.now, "created_by": by,
        }  # fmt: skip
        with self.app.database.write() as conn:
            made = conn.execute(sa.insert(self.app.tables.attachment).values(**values))
            return int(made.inserted_primary_key[0])  # type: ignore[index]


@dataclass
class Stage(World):
    """A world that can be put back to how it was."""

    place: Place

    def begin(self, at: str | None) -> None:
        """The database as it was in the beginning, and the clock too."""
        self.back("beginning", moment(at or BEGINNING, self.definition.timezone))

    def keep(self, name: str) -> str:
        """A copy of the database as it is now, to come back to."""
        self.place.keep(name)
        return name

    def back(self, kept: str, now: dt.datetime) -> None:
        self.place.back(kept)
        self.hands.now = now


@contextmanager
def opened(loaded: Loaded, registry: Registry, language: str, url: str | None = None) -> Iterator[Stage]:
    """The application with its people and no records, in a place that is gone afterwards; ``url``: see ``place_of``."""
    recorder = Recorder()
    types = replace(registry, performers=recorder.performers(registry))
    hands = Hands(moment(BEGINNING, loaded.definition.timezone))
    with TemporaryDirectory(prefix="appmill-scenarios-") as name, place_of(url, Path(name)) as place:
        app = start(loaded, place.database, registry=types, files=FileStore(Path(name) / "files"), clock=hands)
        world = Stage(app, hands, recorder, language, make_people(app), place)
        world.keep("beginning")
        yield world


def moment(text: str, timezone: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone)).astimezone(dt.UTC)


def content_of(file_name: str) -> bytes:
    """Something small that is what the name says, different for every name."""
    kind = _PICTURES.get(Path(file_name).suffix.lower())
    if kind is None:
        return DOCUMENT + file_name.encode()
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), (sum(file_name.encode()) % 256, 80, 80)).save(picture, kind)
    return picture.getvalue()


# --- people


def make_people(app: Application) -> dict[str, int]:
    """The demo users, and somebody for every role that none of them has alone: role or sign-in name → id."""
    definition = app.definition
    wanted: dict[str, tuple[str, tuple[str, ...]]] = {
        login: (user.name, tuple(user.roles)) for login, user in definition.demo_users.items()
    }
    found = {}
    for role in (*definition.roles, ADMIN):
        login = next((login for login, (_name, roles) in wanted.items() if roles == (role,)), None)
        if login is None:
            login = role if role not in wanted else f"{role}_alone"
            wanted[login] = (_name_of(definition, role), (role,))
        found[role] = login
    ids = _make(app, wanted)
    return {**ids, **{role: ids[login] for role, login in found.items()}}


def _name_of(definition: AppDefinition, role: str) -> str:
    return str(definition.roles[role].label) if role in definition.roles else role.capitalize()


def _make(app: Application, wanted: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, int]:
    user, role_of, ids = app.tables.user, app.tables.user_role, {}
    with app.database.write() as conn:
        for login, (name, roles) in wanted.items():
            row = {"login": login, "name": name, "email": f"{login}@example.com", "created_at": app.clock()}
            ids[login] = int(conn.execute(sa.insert(user).values(row)).inserted_primary_key[0])  # type: ignore[index]
            for role in roles:
                conn.execute(sa.insert(role_of).values(user_id=ids[login], role=role))
    return ids
