"""Recording: what clients ask for, from which `opsgraph documents accept` makes a manifest.

Texts of documents that passed, never the values of their variables. A text that differs from others of the same client
only by the literals in it is noted a few times and then counted: its values belong in variables.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from graphql import (
    DocumentNode,
    FloatValueNode,
    IntValueNode,
    Node,
    StringValueNode,
    Visitor,
    print_ast,
    visit,
)

from gateway.engine.manifests import PREFIX
from policies.principal import Principal

_ALIKE = 3  # texts that differ by their literals only
_ROLES = 20
_NAME = 200  # characters of a client's name
_log = logging.getLogger("opsgraph.documents")


class Recorded(msgspec.Struct):
    """One document of one client. `uses`: how often it was asked; `alike`: how many texts like it were left out."""

    client: str
    id: str
    body: str
    operation: str | None = None
    roles: list[str] = []
    uses: int = 0
    alike: int = 0


class Recording:
    """What was asked, at most `most` documents, and the file where it is kept.

    Processes may share the file: each adds what it has noted since it wrote last.
    """

    def __init__(self, path: Path, most: int) -> None:
        self._path, self._most = path, most
        self._noted: dict[tuple[str, bytes], Recorded] = {}
        self._first: dict[tuple[str, str], Recorded] = {}  # of each client and shape
        self._alike: dict[tuple[str, str], int] = {}
        self._changed: dict[str, Recorded] = {}
        self.left_out = 0  # documents for which there was no room
        self._told = 0

    def note(
        self, principal: Principal, digest: bytes, text: str, document: DocumentNode, operation: str | None
    ) -> None:
        """Notes a document that passed. Who names no client, nobody can make a manifest for."""
        client = principal.client
        if client is None or len(client) > _NAME:
            return
        known = self._noted.get((client, digest))
        if known is None:
            known = self._new(client, digest, text, document, operation)
        if known is None:
            return
        known.uses += 1
        if not principal.roles.issubset(known.roles):
            known.roles = sorted({*known.roles, *principal.roles})[:_ROLES]
        self._changed[client + known.id] = known

    def _new(
        self, client: str, digest: bytes, text: str, document: DocumentNode, operation: str | None
    ) -> Recorded | None:
        if len(self._noted) >= self._most:
            self.left_out += 1
            return None
        if not _is_text(text):
            return None
        shape = (client, shape_of(document))
        self._alike[shape] = self._alike.get(shape, 0) + 1
        if self._alike[shape] > _ALIKE:
            first = self._first[shape]
            first.alike += 1
            self._changed[client + first.id] = first
            return None
        made = self._noted[client, digest] = Recorded(client, PREFIX + digest.hex(), text, operation)
        self._first.setdefault(shape, made)
        return made

    async def keep(self, seconds: float) -> None:
        """Writes every so often until it is cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(seconds)
                taken = self.take()
                self._wrote(taken, await asyncio.to_thread(self._write, taken))
        finally:
            self.write()

    def write(self) -> None:
        """Writes at once."""
        taken = self.take()
        self._wrote(taken, self._write(taken))

    def take(self) -> list[Recorded]:
        """What was noted since the last time, to be written; counting begins anew."""
        taken = [msgspec.structs.replace(each) for each in self._changed.values()]
        for each in self._changed.values():
            each.uses = each.alike = 0
        self._changed = {}
        return taken

    def _write(self, taken: list[Recorded]) -> int | None:
        """How many found no room in the file; None: it could not be written."""
        try:
            return add(self._path, self._most, taken) if taken else 0
        except (OSError, ValueError) as error:
            _log.error("what clients ask cannot be recorded in `%s`: %s", self._path, error)
            return None

    def _wrote(self, taken: list[Recorded], left_out: int | None) -> None:
        if left_out is None:
            for each in taken:  # the next time again
                known = self._noted[each.client, bytes.fromhex(each.id.removeprefix(PREFIX))]
                known.uses, known.alike = known.uses + each.uses, known.alike + each.alike
                self._changed[each.client + each.id] = known
        self.left_out += left_out or 0
        if self.left_out > self._told:
            self._told = self.left_out
            _log.warning("the recording is full: %d documents were left out", self.left_out)


def add(path: Path, most: int, taken: list[Recorded]) -> int:
    """Adds to a file, as a whole or not at all, up to `most` documents; gives how many found no room. Raises OSError,
    and ValueError where the file is no recording."""
    left_out = 0
    with _alone(path):
        kept = {(each.client, each.id): each for each in read_recording(path)}
        for each in taken:
            known = kept.get((each.client, each.id))
            if known is not None:
                known.uses, known.alike = known.uses + each.uses, known.alike + each.alike
                known.roles = sorted({*known.roles, *each.roles})[:_ROLES]
            elif len(kept) < most:
                kept[each.client, each.id] = each
            else:
                left_out += 1
        _replace(path, msgspec.json.format(msgspec.json.encode(list(kept.values())), indent=1))
    return left_out


def read_recording(path: Path) -> list[Recorded]:
    """What a file holds, nothing where there is none; raises OSError, and ValueError where it is no recording."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Recorded])
    except FileNotFoundError:
        return []
    except msgspec.DecodeError as error:
        raise ValueError(f"`{path}` is no recording: {error}") from None


def shape_of(document: DocumentNode) -> str:
    """The same for documents that differ by nothing but the values written in them."""
    return hashlib.sha256(print_ast(visit(document, _Blank())).encode("utf-8", "surrogatepass")).hexdigest()


class _Blank(Visitor):
    """Takes the values out of literals; a new tree is made, the document stays as it is."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> Node:
        return StringValueNode(value="")

    def enter_int_value(self, node: IntValueNode, *_: object) -> Node:
        return IntValueNode(value="0")

    def enter_float_value(self, node: FloatValueNode, *_: object) -> Node:
        return FloatValueNode(value="0.0")


def _is_text(text: str) -> bool:
    """Whether it can be written in UTF-8 at all: a file that holds half a character fits no id."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While no other process writes."""
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: bytes) -> None:
    """For nobody else to read: a document may have anything written into it."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    new.replace(path)
