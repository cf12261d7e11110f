"""Acts let go at the same moment, in threads and in other processes; the latter are imported by name there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from engine import service
from engine.application import open_application
from engine.errors import AppmillError
from engine.people import system_actor


def together(*acts: Callable[[], Any]) -> list[Any]:
    """Each act in a thread of its own, all let go at once; what each answered, or how it was refused."""
    gate, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int) -> None:
        gate.wait()
        try:
            answers[place] = acts[place]()
        except AppmillError as error:
            answers[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert None not in answers, "somebody got no answer"
    return answers


def create_many(url: str, file: str, files: str, gate: Any, answers: Any, process: int) -> None:
    """Ten threads of one process; what each drew, or the name of what it was told, goes to ``answers``."""
    app = open_application(file, url, files_folder=files)
    gate.wait(60)

    def create(place: int) -> Callable[[], Any]:
        values = {"subject": f"p{process}-{place}", "serial": f"S-{place}", "parts": [{"name": "Bolt", "quantity": 1}]}
        return lambda: service.save(app, system_actor("races"), "ticket", values).row["number"]

    found = together(*[create(place) for place in range(10)])
    answers.put([answer if isinstance(answer, str) else type(answer).__name__ for answer in found])
    app.database.close()
