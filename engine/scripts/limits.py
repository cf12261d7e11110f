"""What the process that runs scripts gives up before the first one: files, network, other processes, more memory.

Each step stands for itself. What the system does not have is named in the answer, so that people can be warned: outside
Linux there is neither seccomp nor a limit that can be raised per script, and the time limit carries all.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import struct
from collections.abc import Callable

_FIRST_UID = 61_184  # the range kept for users that exist only while they run; nobody else has them
_UIDS = 4_000
_SET_PARENT_DEATH_SIGNAL, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES, _FILTER = 1, 22, 38, 2

# What Python needs once everything is imported: its pipe, memory, signals, clocks, the end. Numbers per machine.
# `prlimit64` passes for the process itself only.
_CALLS = {
    "x86_64": (0xC000003E, 302, {
        "read": 0, "write": 1, "close": 3, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13,
        "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25, "madvise": 28, "setitimer": 38,
        "exit": 60, "gettimeofday": 96, "getrusage": 98, "sigaltstack": 131, "futex": 202, "clock_gettime": 228,
        "exit_group": 231, "getrandom": 318,
    }),
    "aarch64": (0xC00000B7, 261, {
        "close": 57, "read": 63, "write": 64, "exit": 93, "exit_group": 94, "futex": 98, "setitimer": 103,
        "clock_gettime": 113, "sched_yield": 124, "sigaltstack": 132, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "getrusage": 165, "gettimeofday": 169, "brk": 214, "munmap": 215, "mremap": 216,
        "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278,
    }),
}  # fmt: skip


# What is not for a process that only has to open no connection and start no program; numbers per machine.
_REFUSED = {
    "x86_64": (0xC000003E, {
        "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50,
        "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "ptrace": 101, "accept4": 288, "sendmmsg": 307,
        "execveat": 322, "io_uring_setup": 425,
    }),
    "aarch64": (0xC00000B7, {
        "ptrace": 117, "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203,
        "sendto": 206, "sendmsg": 211, "execve": 221, "accept4": 242, "sendmmsg": 269, "execveat": 281,
        "io_uring_setup": 425,
    }),
}  # fmt: skip


def refuse_calls() -> bool:
    """From now on this process opens no connection and starts no program; False where the system cannot do that."""

    def step() -> None:
        machine, calls = _REFUSED[os.uname().machine]
        code = refusing_code(machine, tuple(calls.values()))
        _prctl(_SET_NO_NEW_PRIVILEGES, 1)
        _prctl(_SET_SECCOMP, _FILTER, ctypes.byref(_Program(len(code) // 8, code)))

    return _taken(step)


def confine(memory_mb: int) -> tuple[str, ...]:
    """Gives everything up, for good; the names of the protections that this system does not offer."""
    steps: dict[str, Callable[[], None]] = {
        "limits": lambda: _set_limits(memory_mb),
        "user": _become_nobody,
        # After the user: the kernel forgets it where that changes. It is the starting *thread* whose end counts.
        "parent": lambda: _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL),
        "privileges": lambda: _prctl(_SET_NO_NEW_PRIVILEGES, 1),
        "seccomp": _filter_calls,
    }
    return tuple(name for name, step in steps.items() if not _taken(step))


def allow_cpu(seconds: float) -> None:
    """From now on; the kernel ends a process that does not listen to the friendlier limit."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds) + 1, resource.RLIM_INFINITY))


def _taken(step: Callable[[], None]) -> bool:
    try:
        step()
    except (OSError, ValueError, AttributeError, KeyError):
        return False
    return True


def _set_limits(memory_mb: int) -> None:
    counts = {"NPROC": 0, "FSIZE": 0, "NOFILE": 8, "CORE": 0}
    for name, most in counts.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))
    with open("/proc/self/statm") as sizes:
        base = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + (memory_mb << 20),) * 2)


def _become_nobody() -> None:
    """Only root can, and only root has to."""
    if os.geteuid():
        return
    uid = _FIRST_UID + os.getpid() % _UIDS
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _prctl(option: int, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    padded = [*arguments, 0, 0, 0][:4]
    values = [ctypes.c_ulong(value) if isinstance(value, int) else value for value in padded]
    if libc.prctl(option, *values):
        raise OSError(ctypes.get_errno(), "prctl")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]


def _filter_calls() -> None:
    machine, own_limits, calls = _CALLS[os.uname().machine]
    code = filter_code(machine, own_limits, tuple(calls.values()))
    _prctl(_SET_SECCOMP, _FILTER, ctypes.byref(_Program(len(code) // 8, code)))


def filter_code(machine: int, own_limits: int, calls: tuple[int, ...]) -> bytes:
    """The kernel's filter: another machine's calls kill, calls of the list pass, every other answers EPERM."""
    load, equal, answer = 0x20, 0x15, 0x06
    kill, refuse, allow = 0x80000000, 0x00050001, 0x7FFF0000
    last = len(calls)
    program = [
        (load, 0, 0, 4),  # the machine
        (equal, 1, 0, machine),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # the number of the call
        *((equal, last - index + 3, 0, call) for index, call in enumerate(calls)),
        (equal, 0, 2, own_limits),
        (load, 0, 0, 16),  # its first argument: the process
        (equal, 1, 0, 0),
        (answer, 0, 0, refuse),
        (answer, 0, 0, allow),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def refusing_code(machine: int, calls: tuple[int, ...]) -> bytes:
    """The other way round: calls of the list answer EPERM, every other passes. Calls beyond the machine's own numbers
    are another machine's (x32) and refused."""
    load, equal, above, answer = 0x20, 0x15, 0x35, 0x06
    kill, refuse, allow = 0x80000000, 0x00050001, 0x7FFF0000
    last = len(calls)
    program = [
        (load, 0, 0, 4),  # the machine
        (equal, 1, 0, machine),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # the number of the call
        (above, last + 1, 0, 0x40000000),
        *((equal, last - index, 0, call) for index, call in enumerate(calls)),
        (answer, 0, 0, allow),
        (answer, 0, 0, refuse),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)
