"""The programs that are measured or measure: started on a core of their own, watched through the operating system."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
_START, _STOP = 60.0, 5.0


class DidNotStart(RuntimeError):
    """A program ended or stayed silent instead of saying that it is ready."""


class Program:
    """A running program. `core`: the one core it may use (None, or no `taskset`: any)."""

    def __init__(
        self, name: str, command: Sequence[str], core: int | None, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        pinned = ["taskset", "-c", str(core), *command] if core is not None and shutil.which("taskset") else [*command]
        self._process = subprocess.Popen(
            pinned,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.pid = self._process.pid  # `taskset` becomes the program

    def line(self, seconds: float = _START) -> str:
        """Its next line; raises DidNotStart where none comes."""
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], seconds)
        line = self._process.stdout.readline() if readable else ""
        if not line and readable:
            raise DidNotStart(f"`{self.name}` ended (exit status {self._process.wait(_STOP)}): see above")
        if not line:
            raise DidNotStart(f"`{self.name}` said nothing within {seconds:g} s: see above")
        return line.strip()

    def say(self, line: str) -> None:
        """Writes a line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def cpu(self) -> float:
        """Seconds of processor time so far, of all its threads, in user and kernel mode."""
        return processor(self.pid)

    def memory(self) -> float:
        """Resident memory in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"`{self.name}` has no memory to speak of: has it ended?")

    def signal(self, number: int) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def end(self) -> None:
        """Ends it, by force where it does not go."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()


def processor(pid: int) -> float:
    """Seconds of processor time of a process so far, of all its threads, in user and kernel mode."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the process's own clock: as /proc's, with nanoseconds
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Cores:
    """Which core serves, which one asks and answers: with more than two cores the upstreams get a third."""

    def __init__(self) -> None:
        able = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        self.count = len(able)
        self.server = able[0] if len(able) > 1 else None
        self.generator = able[1] if len(able) > 1 else None
        self.upstream = able[2] if len(able) > 2 else self.generator
