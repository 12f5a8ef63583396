"""Forks the processes that are killed, each in a group of its own, from one that has imported everything already."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from bench.processes import PYTHON, ROOT

T = TypeVar("T", bound=msgspec.Struct)

_GONE = 30.0


class Nursery:
    """`module` is a program that calls `breed`. What its children say on standard error goes to `log`."""

    def __init__(self, module: str, log: Path) -> None:
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [PYTHON, "-m", module],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def running(self, task: msgspec.Struct) -> Iterator[int]:
        """The group of the processes with this task; it is killed and gone when the block has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{msgspec.json.encode(task).decode()}\n")
        self._process.stdin.flush()
        group = int(self._process.stdout.readline())
        try:
            yield group
        finally:
            kill(group)

    def close(self) -> None:
        """Ends the program; its children are gone by then."""
        self._process.kill()
        self._process.communicate()
        self._log.close()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def kill(group: int) -> None:
    """`kill -9` of a process group; returns when none of it is left, with its locks and sockets. Raises TimeoutError
    for one that does not go."""
    deadline = time.monotonic() + _GONE
    while not gone(group, signal.SIGKILL):
        if time.monotonic() > deadline:
            raise TimeoutError(f"process group {group} does not go")
        time.sleep(0.001)


def gone(group: int, number: int = 0) -> bool:
    """Whether nobody is left in a group; those who are get the signal, if it is one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return True
    return False


def breed(shape: type[T], starts: Callable[[T], Sequence[Callable[[], None]]]) -> None:
    """Reads tasks, a line of JSON each, and forks a process for each of `starts(task)`, all in one group; tells the
    group's id. All are its own children, so that none of them lingers as a zombie. Ends with its standard input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        group = 0
        for start in starts(msgspec.json.decode(line, type=shape)):
            group = _forked(start, group)
        sys.stdout.write(f"{group}\n")
        sys.stdout.flush()


def _forked(start: Callable[[], None], group: int) -> int:
    """A child in a group (0: one of its own, which it leads); gives the group's id."""
    child = os.fork()
    if child:
        with suppress(PermissionError, ProcessLookupError):
            os.setpgid(child, group or child)  # whoever of the two is first: it can be killed from here on
        return group or child
    os.setpgid(0, group)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    start()
    os._exit(0)
