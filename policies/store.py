"""Holds the policies in force, and takes changed ones into use without a restart.

A reload reads, compiles and tests the rules, then swaps one reference: who decides by the older policies goes on doing
so. Rules with anything wrong are not taken; those in force stay, and the status says what was wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from policies.cases import run_tests
from policies.choose import Chooser
from policies.compile import decided
from policies.decide import Grants, Policies
from policies.lines import Schema
from policies.load import Rules, load_rules
from policies.principal import Principal
from policies.review import check
from policies.writes import run_examples
from policies.yaml import RuleError, RuleErrors

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Loaded:
    """Rules, what they were compiled to, and the digest of the files they were read from."""

    rules: Rules
    policies: Policies
    digest: str


@dataclass(frozen=True, slots=True)
class Status:
    """Which policies are in force since when. `last_error`: why the newest files are not, one line for each mistake."""

    version: int
    digest: str
    loaded_at: datetime
    tried_at: datetime
    last_error: str | None = None


def load_policies(folder: Path, schema: Schema, hash_key: bytes) -> Loaded:
    """Reads, checks, compiles and tests the rules of a folder; raises RuleErrors with everything that is wrong."""
    for _ in range(_ATTEMPTS):
        digest = digest_of(folder)
        loaded = _loaded(folder, schema, hash_key, digest)
        if digest_of(folder) == digest:
            return loaded
    raise RuleErrors([RuleError(folder.name, 1, "the files change while they are read: reload when they are complete")])


def _loaded(folder: Path, schema: Schema, hash_key: bytes, digest: str) -> Loaded:
    rules = load_rules(folder)
    chooser = Chooser(rules)
    found = check(rules, schema, chooser)
    if found:
        raise RuleErrors(found)
    policies = decided(rules, schema, hash_key, chooser)
    failed = [*run_tests(policies), *run_examples(rules.writes, rules.write_examples)]
    if failed:
        raise RuleErrors(failed)
    return Loaded(replace(rules, digest=digest), policies, digest)


def _why(error: Exception) -> str:
    expected = isinstance(error, (RuleError, OSError))
    return str(error) if expected else f"the rules cannot be read: {type(error).__name__}: {error}"


def digest_of(folder: Path) -> str:
    """The SHA-256 of all rule files with their names, as hex."""
    found = hashlib.sha256()
    for path in _files(folder):
        content = path.read_bytes()
        found.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode())
        found.update(content)
    return found.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("*.yaml"))
    yield from sorted((folder / "tests").glob("*.yaml"))


class PolicyStore:
    """The policies in force. `clock` gives the present, in UTC."""

    def __init__(self, folder: Path, schema: Schema, hash_key: bytes, clock: Callable[[], datetime]) -> None:
        """Loads at once; raises RuleErrors."""
        self._folder, self._schema, self._hash_key, self._clock = folder, schema, hash_key, clock
        self._loaded = load_policies(folder, schema, hash_key)
        self._seen, self._tried = self._signature(), self._loaded.digest
        now = clock()
        self._status = Status(self._loaded.policies.version, self._loaded.digest, now, now)

    @property
    def policies(self) -> Policies:
        """The policies in force."""
        return self._loaded.policies

    @property
    def rules(self) -> Rules:
        """The rules in force, as they were written."""
        return self._loaded.rules

    @property
    def status(self) -> Status:
        """Which policies are in force, and what is wrong with newer ones."""
        return self._status

    def granted(self, principal: Principal) -> Grants:
        """What a principal may do by the policies in force; good for as long as its operation lasts."""
        return self._loaded.policies.granted(principal)

    def changed(self) -> bool:
        """Whether the files differ from those that were tried last. Cheap: it reads them only if their times did."""
        seen = self._signature()
        if seen == self._seen:
            return False
        try:
            digest = digest_of(self._folder)
        except OSError:
            return False  # a file just went away: the next call sees what came instead
        self._seen = seen
        return digest != self._tried

    def reload(self) -> Status:
        """Takes the files into use if nothing is wrong with them; the status says whether."""
        now = self._clock()
        try:
            self._tried = digest_of(self._folder)
            loaded = load_policies(self._folder, self._schema, self._hash_key)
        except Exception as error:  # whatever it is, the rules in force stay, and the next change is looked at
            self._status = replace(self._status, tried_at=now, last_error=_why(error))
            return self._status
        self._tried = loaded.digest
        if loaded.digest == self._loaded.digest:
            self._status = replace(self._status, tried_at=now, last_error=None)
            return self._status
        self._loaded = loaded
        self._status = Status(loaded.policies.version, loaded.digest, now, now)
        return self._status

    def _signature(self) -> tuple[tuple[str, int, int], ...]:
        found = []
        for path in _files(self._folder):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            found.append((path.name, stat.st_mtime_ns, stat.st_size))
        return tuple(found)
