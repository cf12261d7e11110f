"""The process is killed at every step of a publication: what is there afterwards is wholly old or wholly new."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import publishing_scene as scene
import pytest
import servers
from sqlalchemy.engine import make_url

from engine.load import hash_of

FULL = os.environ.get("FAULTS") == "full"
RECORDS = int(os.environ.get("FAULTS_RECORDS", "100000" if FULL else "800"))
DIED = (137, -9)


class Stage:
    """A database as it was before, the process that publishes on copies of it, and what it says."""

    def __init__(self, url: str, folder: Path) -> None:
        self.kept, self.folder, self.file = url, folder, folder / "shop.yaml"
        self.process = subprocess.Popen([sys.executable, scene.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)  # fmt: skip
        self.url = self._place()
        assert self.ask("prepare", url=self.kept, records=RECORDS)["code"] == 0
        self.begin()
        self.old = self.look()
        self.begin()
        self.seconds = time.monotonic()
        first = self.ask("publish", kill=0)
        self.seconds = time.monotonic() - self.seconds
        assert first["code"] == 0
        self.points, self.questions = first["said"]["passed"], first["said"]["questions"]
        self.new = self.look()

    def _place(self) -> str:
        if self.kept.startswith("sqlite"):
            return f"sqlite:///{self.folder}/work.db"
        url = make_url(self.kept)
        return url.set(database=f"{url.database}_work").render_as_string(hide_password=False)

    def ask(self, what: str, **more: Any) -> dict[str, Any]:
        line = {"do": what, "url": self.url, "file": str(self.file), **more}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))

    def look(self) -> dict[str, Any]:
        answer = self.ask("look")
        assert answer["code"] == 0, "it does not start any more"
        return dict(answer["said"])

    def begin(self) -> None:
        """Everything as it was before the publication."""
        self.file.write_text(scene.OLD)
        if self.kept.startswith("sqlite"):
            for end in ("", "-wal", "-shm"):
                Path(f"{self.folder}/work.db{end}").unlink(missing_ok=True)
            shutil.copy(f"{self.folder}/test.db", f"{self.folder}/work.db")
            return
        servers.drop(self.url)
        servers.create(self.url, self.kept)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        if not self.kept.startswith("sqlite"):
            servers.drop(self.url)


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(database_url, tmp_path)
    yield made
    made.close()


def chosen(points: list[str]) -> list[int]:
    """Where to die: at the first, the middle and the last passing of every point; a few of them in the short form."""
    where: dict[str, list[int]] = {}
    for number, name in enumerate(points, 1):
        where.setdefault(name, []).append(number)
    if not FULL:
        names = ("migration step", "values recomputed", "before commit", "committed", "file half written")
        return [where[name][len(where[name]) // 2] for name in names]
    return sorted({at for found in where.values() for at in (found[0], found[len(found) // 2], found[-1])})


def test_killed_anywhere_it_is_wholly_old_or_wholly_new(stage: Stage) -> None:
    old, new = stage.old, stage.new
    assert (old["hash"], old["file"], old["fits"]) == (hash_of(scene.OLD), hash_of(scene.OLD), True)
    assert (new["hash"], new["file"], new["fits"]) == (hash_of(scene.NEW), hash_of(scene.NEW), True)
    assert [each[0] for each in new["history"]] == ["published", "started"]
    assert (old["serves"], new["serves"]) == ([200, 14, "done"], [200, 21, "done"])
    assert len(stage.questions) >= 3
    began, outcomes, deaths, wrong = time.monotonic(), Counter[str](), Counter[int](), []
    kills = chosen(stage.points)
    for kill in kills:
        stage.begin()
        answer = stage.ask("publish", kill=kill, how="KILL" if kill % 2 else "exit")
        deaths[answer["code"]] += 1
        found = stage.look()
        outcome = next((name for name in ("old", "new") if found == getattr(stage, name)), "a mixture")
        committed = kill > stage.points.index("committed")
        outcomes[outcome] += 1
        if outcome != ("new" if committed else "old"):
            wrong.append(f"{kill} {stage.points[kill - 1]}: {outcome}")
    print(
        f"{RECORDS} records, a publication takes {stage.seconds:.1f} s and passes {len(stage.points)} points"
        f" ({len(set(stage.points))} different); died {len(kills)} times {dict(deaths)}, found {dict(outcomes)},"
        f" {time.monotonic() - began:.0f} s"
    )
    assert not wrong, "\n".join(wrong)
    assert set(deaths) <= set(DIED)
