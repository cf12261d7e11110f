"""Given an escape from the language, when the code reaches everything of Python, then there is nothing to reach.

The process is told to give scripts Python's own builtins and all loaded modules, and the code comes straight from
Python's compiler: what holds here is the operating system alone.
"""

from __future__ import annotations

import errno
import marshal
import os
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from engine.scripts.errors import ScriptFailed, ScriptStopped
from engine.scripts.frames import LARGEST, BadFrame, decode, decoder, encode
from engine.scripts.policy import FUNCTION, Script
from engine.scripts.pool import Pool
from engine.scripts.process import WorkerProcess
from engine.scripts.talk import Talk
from engine.scripts.telling import unpacked

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has seccomp")


OPEN_WORLD = """
from engine.scripts import start
start.prepare()
import builtins
from engine.scripts import worker
guards = {**worker.GUARDS, "__builtins__": vars(builtins), "modules": sys.modules}
worker.serve(int(sys.argv[1]), {}, guards)
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(size=1, wall=1, cpu=0.5, memory_mb=64, start=lambda memory_mb: WorkerProcess(memory_mb, OPEN_WORLD))
    yield made
    made.close()


def escaped(body: str) -> Script:
    code = compile(f"def {FUNCTION}():\n" + textwrap.indent(textwrap.dedent(body), "    "), "<script>", "exec")
    return Script(body, f"escape {hash(body)}", marshal.dumps(code))


def tried(pool: Pool, attempt: str) -> Any:
    """What became of one expression: its value, or the error number."""
    body = f"""
        os, ctypes = modules['os'], modules['ctypes']
        libc = ctypes.CDLL(None, use_errno=True)
        def call(*numbers):
            if libc.syscall(*[ctypes.c_long(number) for number in numbers]) < 0:
                raise OSError(ctypes.get_errno(), '')
            return 'done'
        try:
            found = {attempt}
        except OSError as error:
            return error.errno
        return found if found.__class__.__name__ in ('int', 'str') else 'done'
    """
    return pool.run(escaped(body), {"parent": os.getpid()}).value


FORBIDDEN = [
    "open('/etc/passwd').read()",
    "open('/tmp/appmill-escape', 'w')",
    "open('/proc/self/environ').read()",
    "open('/proc/' + str(parent) + '/environ')",
    "os.listdir('/')",
    "os.stat('/etc')",
    "os.unlink('/tmp/appmill-escape')",
    "os.mkdir('/tmp/appmill-escape')",
    "os.chdir('/')",
    "os.chmod('/tmp', 0)",
    "os.symlink('/etc', '/tmp/appmill-escape')",
    "os.fork()",
    "os.execv('/bin/sh', ['sh'])",
    "os.posix_spawn('/bin/sh', ['sh'], {})",
    "os.kill(parent, 9)",
    "os.kill(parent, 0)",
    "os.setuid(0)",
    "os.setgid(0)",
    "os.pipe()",
    "os.dup(0)",
    "os.memfd_create('x')",
    "os.sched_setaffinity(0, [0])",
    "os.nice(-5)",
    "os.mkfifo('/tmp/appmill-escape')",
    "call(41, 2, 1, 0)",  # socket
    "call(42, 0, 0, 0)",  # connect
    "call(56, 17, 0, 0, 0, 0)",  # clone
    "call(57)",  # fork
    "call(59, 0, 0, 0)",  # execve
    "call(62, parent, 9)",  # kill
    "call(101, 16, parent, 0, 0)",  # ptrace
    "call(165, 0, 0, 0, 0, 0)",  # mount
    "call(257, -100, 0, 0)",  # openat
    "call(272, 0x10000000)",  # unshare
    "call(302, parent, 0, 0, 0)",  # prlimit64 of another process
    "call(310, parent, 0, 0, 0, 0, 0)",  # process_vm_readv
    "call(321, 0, 0, 0)",  # bpf
    "call(425, 1, 0)",  # io_uring_setup
    "call(435, 0, 0)",  # clone3
    "call(0x40000000 + 41, 2, 1, 0)",  # socket by the other numbering of the same machine
]


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of one machine")
@pytest.mark.parametrize("attempt", FORBIDDEN)
def test_nothing_can_be_opened_started_or_killed(pool, attempt):
    assert tried(pool, attempt) == errno.EPERM


def test_every_protection_is_on(pool):
    pool.run(escaped("return 1"), {})
    assert pool.health().missing == ()
    assert pool.health().seccomp


def test_nobody_is_there_to_be(pool):
    assert tried(pool, "{**os.environ} or 'nothing'") == "nothing"
    if os.geteuid() == 0:
        assert tried(pool, "call(102)") == errno.EPERM  # getuid is not needed, so not there


def test_limits_cannot_be_raised(pool):
    with pytest.raises(ScriptFailed):
        pool.run(escaped("modules['resource'].setrlimit(modules['resource'].RLIMIT_AS, (-1, -1))"), {})


def test_memory_ends(pool):
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(escaped("x = bytearray(10**9)"), {})
    assert stopped.value.limit == "memory"


def test_time_ends_whatever_is_caught(pool):
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(escaped("while True:\n    try:\n        while True: pass\n    except BaseException: pass"), {})
    assert stopped.value.limit in ("cpu", "time")
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(escaped("signal = modules['signal']\nsignal.signal(27, signal.SIG_IGN)\nreturn 9**9**9"), {})
    assert stopped.value.limit == "time"
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(escaped("modules['os']._exit(0)"), {})
    assert stopped.value.limit == "crash"
    assert pool.run(escaped("return 1"), {}).value == 1


# --- a process that was taken over speaks to its parent --------------------------------------------------------------


class TakenOver:
    """A process that says what somebody else put into its mouth."""

    def __init__(self, *frames: Any) -> None:
        self.sent: list[Any] = []
        self._frames = iter(frames)

    def begin(self, wall: float) -> None:
        pass

    def wait(self, seconds: float) -> None:
        pass

    def send(self, frame: Any) -> None:
        self.sent.append(frame)

    def receive(self) -> Any:
        return next(self._frames)


@pytest.mark.parametrize(
    "frame",
    [
        [], 1, None, "x", {"call": "nope", "values": [], "named": {}}, {"call": "find"}, {"call": ["find"]},
        {"call": "find", "values": {}, "named": {}}, {"call": "find", "values": [], "named": [1]},
        {"call": "__class__", "values": [], "named": {}}, {"stopped": "nope"}, {"stopped": []},
        {"failed": 1}, {"failed": {}}, {"failed": {"pattern": 1, "values": 1}}, {"value": 1, "cpu": "x"},
        {"failed": {"pattern": "x", "values": {}}, "cpu": []},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_a_crash(frame):
    talk = Talk(TakenOver(frame), {"find": lambda form: 1})
    with pytest.raises(ScriptStopped) as stopped:
        talk.hold({}, 1)
    assert stopped.value.limit == "crash"
    assert not talk.ended


def test_a_flood_of_calls_and_logs_ends():
    for frame in ({"log": "x"}, {"call": "find", "values": [], "named": {}}):
        with pytest.raises(ScriptStopped) as stopped:
            Talk(TakenOver(*[frame] * 5000), {"find": lambda: 1}).hold({}, 1)
        assert stopped.value.limit == "calls"


@pytest.mark.parametrize(
    "pattern", ["{x.__class__}", "{x[0]}", "{x!r}", "{x:1000000000}", "{y}", "{", "{0}", "{x:{x}}", "{}"]
)
def test_sentences_from_there_cannot_look_around(pattern):
    assert str(unpacked({"pattern": pattern, "values": {"x": "1"}})) == "This cannot be worked out"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nope", b"[" * 100_000, b'{"\\u0000": 1}', b'{"\\u0000": ["nope", "x"]}', b"NaN", b"Infinity",
        b'{"\\u0000": ["decimal", "1e999999999"]}', b'{"\\u0000": ["decimal", "sNaN"]}', b"1e999999999", b"\xff",
        b'{"\\u0000": ["duration", "999999999999 0 0"]}', b'{"\\u0000": ["date", 5]}', b"1" * 10_000,
    ],
)  # fmt: skip
def test_frames_that_are_no_plain_data_are_refused(raw):
    with pytest.raises(BadFrame):
        decode(raw, decoder())


def test_a_frame_has_an_end():
    with pytest.raises(BadFrame):
        encode("x" * LARGEST)
