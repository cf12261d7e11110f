"""Kills the process of ``scene.py`` at one point after the other and compares what is there afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from recorders import Behaviour, HttpRecorder, Log, SmtpRecorder

SCENE = Path(__file__).parent / "scene.py"
DIED = (137, -9)


class Stage:
    """One database, the recording servers, and the process that is killed."""

    def __init__(self, url: str, story: str) -> None:
        self.log = Log()
        self.http, self.smtp = HttpRecorder(log=self.log), SmtpRecorder(log=self.log)
        self._url, self._story = url, story
        self._process: subprocess.Popen[str] | None = None
        self._number = 0
        self.deaths: Counter[int] = Counter()  # processes that really died, by how they did
        self.repeats: Counter[str] = Counter()  # where a call was made twice with the same key

    def __enter__(self) -> Stage:
        self.http.__enter__()
        self.smtp.__enter__()
        command = [sys.executable, str(SCENE), self._story, self._url, str(self.http.port), str(self.smtp.port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._ask("prepare")["code"] == 0
        self.reference = self.story(0)
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self.smtp.__exit__()
        self.http.__exit__()

    def _ask(self, line: str) -> Any:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    @property
    def points(self) -> list[str]:
        """Where the process may die, in order."""
        return list(self.reference["passed"])

    def story(self, *kills: int, signal: str = "exit") -> dict[str, Any]:
        """The whole story of a new ticket; the process dies at the given points, one life after the other, and then
        lives to the end. Answers everything that is there afterwards, and what arrived."""
        self._number += 1
        self.log.arrivals.clear()
        self.http.paths["/echo"] = Behaviour("status", status=503, times=1)
        name = f"T{self._number}"
        for kill in kills:
            if kill:
                answer = self._ask(f"story {name} {kill} {signal}")
                assert answer["code"] in (*DIED, 0), answer  # 0: this life was over before it came to that point
                if answer["code"]:
                    self.deaths[answer["code"]] += 1
        answer = self._ask(f"story {name} 0 exit")
        assert answer["code"] == 0, answer
        return _nameless({**answer["said"], "arrived": self._arrived()}, name)

    def _arrived(self) -> list[list[str]]:
        taken = [each for each in self.log.arrivals if each["taken"]]
        what = [[each["kind"], each["key"], each.get("path", each.get("subject")), _body(each)] for each in taken]
        return sorted(what)

    def differences(self, *kills: int, signal: str = "exit") -> list[str]:
        """What differs after these deaths from a life without them; nothing, if all is well."""
        where = " then ".join(self.points[kill - 1] for kill in kills if 0 < kill <= len(self.points))
        found = self.story(*kills, signal=signal)
        told = [
            f"{kills} {where}: {what} is {found[what]}, expected {self.reference[what]}"
            for what in self.reference
            if what not in ("passed", "arrived") and found[what] != self.reference[what]
        ]
        if set(map(tuple, found["arrived"])) != set(map(tuple, self.reference["arrived"])):
            told.append(f"{kills} {where}: {found['arrived']} arrived, expected {self.reference['arrived']}")
        for (kind, key, path, _body), count in Counter(map(tuple, found["arrived"])).items():
            if count > 1:
                self.repeats[where] += 1
            if count > (1 + len(kills) if path == "/echo" else 1):
                told.append(f"{kills} {where}: {kind} {key} {path} arrived {count} times")
        return told


def _body(arrival: dict[str, Any]) -> str:
    if arrival["kind"] == "http":
        return str(arrival["body"])
    return ",".join(arrival["receivers"])


def _nameless(told: dict[str, Any], name: str) -> dict[str, Any]:
    """Without the ticket's name and with its keys counted through: the event's id is not the same in every life."""
    kept = {each: told[each] for each in told if each not in ("passed", "keys", "words")}
    text = json.dumps(kept)
    for word, stand_in in told.get("words", {}).items():
        text = text.replace(word, stand_in)
    for number, key in enumerate(told["keys"]):
        text = text.replace(json.dumps(key), f'"key {number}"')
    return {**json.loads(text.replace(name, "T")), "passed": told["passed"]}


@contextmanager
def stage(url: str, story: str = "story_handle") -> Iterator[Stage]:
    with Stage(url, story) as made:
        yield made
