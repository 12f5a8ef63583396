"""What runs behind a demo, each in a process of its own: the simulated enterprise, and the fault proxies before it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.cli.errors import Unusable

_END = 5.0


class Behind:
    """A process that tells one line of JSON when it is ready, and ends when its standard input does."""

    def __init__(self, what: str, command: Sequence[str]) -> None:
        self._what = what
        # A session of its own: Ctrl-C reaches this process only, which then ends the other by closing its input.
        self._process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def tell(self, said: Mapping[str, Any]) -> None:
        """Writes a line of JSON to it."""
        assert self._process.stdin is not None  # noqa: S101 - it was opened with one
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()

    def told(self) -> dict[str, Any]:
        """Its line; raises Unusable where there is none."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            status = self._process.wait()
            raise Unusable(f"{self._what} did not start (exit status {status}): see the lines above")
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        """Ends it, by force where it does not go."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def town(accounts: int, seed: int) -> Behind:
    """The simulators and the identity provider."""
    command = ["gateway.enterprise.town", "--accounts", str(accounts), "--seed", str(seed)]
    return Behind("the simulated enterprise", command)


def proxies() -> Behind:
    """The fault proxies; they start when they are told what to stand in front of."""
    return Behind("the fault proxies", ["gateway.enterprise.faults"])


def fronted(known: Mapping[str, Any], proxied: Mapping[str, str]) -> dict[str, Any]:
    """What a town told, with every source reached through its proxy."""
    sources = {name: {**table, "url": proxied.get(name, table["url"])} for name, table in known["sources"].items()}
    return {**known, "sources": sources, "proxies": dict(proxied)}
