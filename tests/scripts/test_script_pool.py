"""Given a pool of processes, when scripts are run, then calls, limits, owners and mishaps end as promised."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from snippets import HOST, NAMES

from engine.errors import Denied
from engine.scripts.breaker import Breaker
from engine.scripts.errors import ScriptFailed, ScriptRefused, ScriptStopped
from engine.scripts.policy import compile_script
from engine.scripts.pool import Pool
from engine.scripts.process import WorkerProcess
from engine.scripts.talk import HostCall
from engine.scripts.turns import Turns

ROOT = Path(__file__).parents[2]
ENDLESS = "x = [1]\ny = [1]\nfor i in range(60):\n    x = [x, x]\n    y = [y, y]\nlog('so far')\nreturn x == y"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(wall=0.3, cpu=0.3)
    yield made
    made.close()


def test_every_mistake_of_a_script_is_told_with_its_place():
    with pytest.raises(ScriptRefused) as refused:
        compile_script("import os\n总 = 1 if x else 2\n")
    assert [(str(place.message), place.line, place.column) for place in refused.value.places] == [
        ("总 only stands inside quotes", 2, 0)
    ]
    with pytest.raises(ScriptRefused) as refused:
        compile_script("import os\nx = '中文' + record.__class__\nprint(fnd)\n")
    assert [(str(place.message), place.line, place.column) for place in refused.value.places] == [
        ("import cannot be used in a script", 1, 0),
        ("__class__ is no name a script may use", 2, 11),
    ]
    with pytest.raises(ScriptRefused) as refused:
        compile_script("print(fnd)\n")
    assert [str(place.message) for place in refused.value.places] == [
        "Write log(…) instead of print(…)",
        "There is no fnd; did you mean find?",
    ]


def test_a_script_is_compiled_once_and_knows_what_it_takes_from_outside():
    script = compile_script("rows = find('task', {}, 2)\nreturn record.title + str(len(rows))")
    assert script.used == {"find", "record"}
    assert compile_script(script.source) is script
    assert compile_script("return 1").hash != script.hash


def test_host_calls_are_answered_in_the_thread_that_asked(pool):
    asked = []

    def create(form: str, values: dict) -> dict:
        asked.append((threading.current_thread().name, form, values))
        return {"id": 9, "price": Decimal("1.10")}

    with ThreadPoolExecutor(1, "asking") as threads:
        done = threads.submit(
            pool.run, "made = create('task', {'due': today(), 'hours': 1.5})\nlog(made.id)\nreturn made.price * 2",
            NAMES, {"create": create},
        ).result()  # fmt: skip
    assert asked == [("asking_0", "task", {"due": NAMES["today"], "hours": Decimal("1.5")})]
    assert (done.value, done.logs) == (Decimal("2.20"), ("9",))
    assert [call.name for call in done.calls] == ["create"]
    assert isinstance(done.calls[0], HostCall)


def test_a_host_calls_no_reaches_the_caller_as_it_was_raised(pool):
    with pytest.raises(ScriptFailed) as failed:
        pool.run("log('before')\nget('secret', 1)", NAMES, HOST)
    assert str(failed.value) == "Line 2: You may not read secret."
    assert isinstance(failed.value.refusal, Denied)
    assert failed.value.logs == ("before",)


def test_a_defect_behind_a_host_call_is_no_matter_of_the_script(pool):
    def broken(form: str) -> None:
        raise ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError):
        pool.run("try:\n    find('x')\nexcept Refused:\n    pass", {}, {"find": broken})
    assert pool.run("return 1", {}).value == 1


def test_the_time_of_host_calls_is_not_the_scripts(pool):
    waiting = threading.Event()

    def slow() -> int:
        waiting.wait(0.4)
        return 1

    done = pool.run("return slow()", {}, {"slow": slow})
    assert done.value == 1
    assert done.wall_seconds < 0.3 < done.calls[0].seconds


def test_what_was_logged_stays_of_a_script_that_is_killed(pool):
    before = pool.health()
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(ENDLESS, {})
    assert str(stopped.value) == "The script took too long and was ended"
    assert stopped.value.logs == ("so far",)
    assert pool.run("return 1", {}).value == 1
    assert pool.health().stopped == before.stopped + 1


def test_logs_have_an_end(pool):
    done = pool.run("for i in range(1000):\n    log('x' * 5000)", {})
    assert len(done.logs) == 200
    assert {len(line) for line in done.logs} == {2000}


def test_nothing_is_left_of_one_script_for_the_next():
    alone = Pool(size=1)
    assert alone.run("find = 5\nsum = lambda x: 7\nleft = 9\nreturn sum([1])", {}).value == 7
    assert alone.run("return sum([1])", {}).value == 1
    with pytest.raises(ScriptRefused):
        alone.run("return left", {})
    alone.close()


def test_a_script_that_is_ended_three_times_rests_until_somebody_says_otherwise(pool):
    script = compile_script("while True:\n    pass")
    for _ in range(3):
        with pytest.raises(ScriptStopped, match="too many steps"):
            pool.run(script, {})
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(script, {})
    assert (stopped.value.limit, pool.health().resting) == ("tripped", 1)
    pool.breaker.forgive(script.hash)
    with pytest.raises(ScriptStopped, match="too many steps"):
        pool.run(script, {})


def test_a_resting_script_is_tried_again_after_a_while():
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    for _ in range(3):
        breaker.note("a")
    with pytest.raises(ScriptStopped):
        breaker.ask("a")
    breaker.ask("b")
    now[0] = 601
    breaker.ask("a")
    breaker.note("a")
    with pytest.raises(ScriptStopped):
        breaker.ask("a")


def test_many_threads_are_all_answered(pool):
    with ThreadPoolExecutor(16) as threads:
        results = list(threads.map(lambda n: pool.run("return values.n * 2", {"values": {"n": n}}).value, range(200)))
    assert results == [2 * n for n in range(200)]


def test_a_process_is_replaced_after_many_jobs():
    made: list[WorkerProcess] = []

    def start(memory_mb: int) -> WorkerProcess:
        made.append(WorkerProcess(memory_mb))
        return made[-1]

    alone = Pool(size=1, start=start)
    alone.run("return 1", {})
    made[0].jobs = 499
    alone.run("return 1", {})
    assert alone.run("return 2", {}).value == 2
    assert len(made) == 2
    alone.close()


def test_a_process_that_does_not_start_is_told_and_tried_again():
    tries = iter([False, True])

    def start(memory_mb: int) -> WorkerProcess:
        if next(tries):
            return WorkerProcess(memory_mb)
        raise ScriptStopped("crash")

    alone = Pool(size=1, start=start)
    with pytest.raises(ScriptStopped):
        alone.run("return 1", {})
    assert alone.run("return 1", {}).value == 1
    alone.close()


def test_a_closed_pool_runs_nothing():
    closed = Pool(size=1)
    closed.run("return 1", {})
    closed.close()
    with pytest.raises(ScriptStopped) as stopped:
        closed.run("return 1", {})
    assert stopped.value.limit == "busy"


def test_an_owner_leaves_a_place_for_others_and_has_no_endless_line():
    turns = Turns(2, line=1, patience=0.05)
    with turns.turn("li"):
        with pytest.raises(ScriptStopped), turns.turn("li"):
            pass
        with turns.turn("wang"), pytest.raises(ScriptStopped), turns.turn("zhao"):
            pass
    with turns.turn("li"):
        pass
    assert turns.waiting == 0


def test_an_owners_line_has_an_end():
    turns = Turns(1, line=1, patience=5)
    done = []

    def take() -> None:
        with turns.turn("li"):
            done.append(1)

    waiting = threading.Thread(target=take)
    with turns.turn("li"):
        waiting.start()
        while not turns.waiting:
            pass
        with pytest.raises(ScriptStopped), turns.turn("li"):
            pass
    waiting.join()
    assert done == [1]


def test_who_comes_first_is_called_first():
    turns = Turns(1, line=20, patience=5)
    order: list[int] = []

    def take(number: int) -> None:
        with turns.turn(str(number)):
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(5)]
    with turns.turn(None):
        for number, thread in enumerate(threads):
            thread.start()
            while turns.waiting <= number:
                pass
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no handles of processes")
def test_processes_end_with_their_parent_even_at_work():
    code = (
        "import sys, threading; sys.path.insert(0, sys.argv[1])\n"
        "from engine.scripts.pool import Pool; from engine.scripts.process import WorkerProcess\n"
        "pids = []\n"
        "def start(memory_mb):\n"
        "    made = WorkerProcess(memory_mb); pids.append(made.pid); return made\n"
        "pool = Pool(wall=60, cpu=60, start=start)\n"
        "pool.run('return 1', {})\n"
        f"threading.Thread(target=lambda: pool.run({ENDLESS!r}, {{}}), daemon=True).start()\n"
        "import time\n"
        "while len(pids) < 2: time.sleep(0.01)\n"
        "print(*pids, flush=True); threading.Event().wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(ROOT)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    handles = [os.pidfd_open(int(pid)) for pid in parent.stdout.readline().split()]
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for handle in handles:
        assert select.select([handle], [], [], 5)[0], "a process outlived its parent"
        os.close(handle)
    assert len(handles) == 2
