"""Manifests: which documents a client may run, read from files; every mistake names file and place.

`<client>.json` in the directory of the settings, the texts in it or in files beside it: see docs/documents.md.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import msgspec

from gateway.settings import explained
from resolvers.budget import OperationClass

PREFIX = "sha256:"
_ID = re.compile(rf"(?:{PREFIX})?([0-9a-f]{{64}})")
_LENGTHS = (64, 64 + len(PREFIX))
_LARGEST = 16 * 1024 * 1024  # bytes of one file
_NAME = re.compile(r"[^\s\x00-\x1f]{1,200}")
_Seconds = Annotated[float, msgspec.Meta(ge=0.05, le=60)]


class ManifestErrors(ValueError):
    """Manifests that cannot be used: one line for each mistake, which names file, place and cure."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class Trusted(msgspec.Struct, frozen=True):
    """A document that a client may run, and on what terms.

    `roles`: one of them must be the asker's; None: any. `operation`: the only one of the document that may be run;
    None: any. `operation_class`, `budget` (seconds) and `max_age` (seconds) stand in the place of what its root fields
    declare. `calls`: the upstream calls that it may take at the most. `cost_exempt`: the limit on cost does not count.
    `place`: where it is written.
    """

    client: str
    digest: bytes
    text: str
    place: str
    operation: str | None = None
    roles: frozenset[str] | None = None
    operation_class: OperationClass | None = None
    budget: float | None = None
    max_age: float | None = None
    calls: int | None = None
    cost_exempt: bool = False

    @property
    def id(self) -> str:
        """As clients name it."""
        return PREFIX + self.digest.hex()


class Manifests(msgspec.Struct, frozen=True):
    """What every client may run, by client and by digest. `longest`: characters of the longest document."""

    by_client: Mapping[str, Mapping[bytes, Trusted]] = {}
    longest: int = 0

    def __iter__(self) -> Iterator[Trusted]:
        for documents in self.by_client.values():
            yield from documents.values()

    def __len__(self) -> int:
        return sum(map(len, self.by_client.values()))


class _Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document of a file, as it is written."""

    id: str
    body: str | None = None
    file: str | None = None
    operation: str | None = None
    roles: tuple[str, ...] | None = None
    operation_class: OperationClass | None = msgspec.field(default=None, name="class")
    budget: _Seconds | None = None
    max_age: Annotated[float, msgspec.Meta(ge=0)] | None = msgspec.field(default=None, name="maxAge")
    calls: Annotated[int, msgspec.Meta(ge=0)] | None = None
    cost_exempt: bool = msgspec.field(default=False, name="costExempt")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file, as it is written."""

    documents: tuple[_Entry, ...]
    client: str | None = None
    roles: tuple[str, ...] | None = None


class _Mistake(Exception):
    """What is wrong at a place that whoever catches it knows."""


def digest_of(text: str) -> bytes:
    """The SHA-256 of a document's exact text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def digest_named(id_: str) -> bytes | None:
    """The digest that an id names, `sha256:` and 64 digits or the digits alone; None where it is no such id."""
    return _named(id_) if len(id_) in _LENGTHS else None


@lru_cache(maxsize=1_000)
def _named(id_: str) -> bytes | None:
    found = _ID.fullmatch(id_)
    return bytes.fromhex(found[1]) if found else None


def manifest_files(folder: Path) -> list[Path]:
    """The manifests of a directory."""
    return sorted(folder.glob("*.json"))


def load_manifests(folder: Path) -> Manifests:
    """Reads every manifest of a directory; raises ManifestErrors with everything that is wrong."""
    if not folder.is_dir():
        raise ManifestErrors([f"`{folder}` is no directory: make it, or leave `[documents] directory` out"])
    files = manifest_files(folder)
    if not files:
        raise ManifestErrors([f"`{folder}` has no manifest: that of a client is `<client>.json`"])
    found: dict[str, dict[bytes, Trusted]] = {}
    mistakes: list[str] = []
    for path in files:
        try:
            written = _written(path)
            client = _client(written.client if written.client is not None else path.stem)
            if client in found:
                raise _Mistake(f"client `{client}` has another manifest already: join the two")
        except _Mistake as error:
            mistakes.append(f"{path.name}: {error}")
            continue
        found[client] = {}
        mistakes += _take(found[client], client, written, path)
    if mistakes:
        raise ManifestErrors(mistakes)
    longest = max((len(each.text) for documents in found.values() for each in documents.values()), default=0)
    return Manifests(found, longest)


def _written(path: Path) -> _File:
    """What a file says; raises _Mistake."""
    text = _text(path)
    try:
        tree = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise _Mistake(f"line {error.lineno}, column {error.colno}: this is no JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise _Mistake("it is nested too deeply") from None
    try:
        return msgspec.convert(tree, _File)
    except msgspec.ValidationError as error:
        shape = _Entry if "documents[" in str(error) else _File
        raise _Mistake(explained(str(error), shape)) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for at, (name, _) in enumerate(pairs) if name in {each for each, _ in pairs[:at]})
        raise _Mistake(f"the key `{twice}` is given twice in one place")
    return found


def _text(path: Path) -> str:
    """A file's exact text, line ends and all; raises _Mistake."""
    try:
        if path.stat().st_size > _LARGEST:
            raise _Mistake(f"it has more than {_LARGEST} bytes: divide it")
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise _Mistake(f"`{path.name}` cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise _Mistake(f"`{path.name}` is no UTF-8: see byte {error.start}") from None


def _client(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise _Mistake(f"`{name[:40]}` is no client: a name without spaces, of 200 characters at most")
    return name


def _take(found: dict[bytes, Trusted], client: str, written: _File, path: Path) -> Iterator[str]:
    """Takes the documents of a file; gives its mistakes."""
    for number, entry in enumerate(written.documents):
        named = f" ({entry.operation})" if entry.operation else ""
        place = f"{path.name}: documents[{number}]{named}"
        try:
            trusted = _trusted(client, entry, written, path, place)
            if trusted.digest in found:
                raise _Mistake(f"`{trusted.id}` stands already in {found[trusted.digest].place}: leave one out")
        except _Mistake as error:
            yield f"{place}: {error}"
            continue
        found[trusted.digest] = trusted


def _trusted(client: str, entry: _Entry, written: _File, path: Path, place: str) -> Trusted:
    digest = digest_named(entry.id)
    if digest is None:
        raise _Mistake(f"`id` is `{entry.id[:80]}`: `{PREFIX}` and 64 digits of 0-9a-f are expected")
    text = _body(entry, path.parent)
    actual = digest_of(text)
    if actual != digest:
        raise _Mistake(f"`id` does not fit the text, whose id is `{PREFIX}{actual.hex()}`: review it, then write that")
    roles = entry.roles if entry.roles is not None else written.roles
    if roles is not None and not roles:
        raise _Mistake("`roles` is empty, so that nobody may run it: name some, or leave `roles` out")
    return Trusted(
        client,
        digest,
        text,
        place,
        entry.operation,
        frozenset(roles) if roles is not None else None,
        entry.operation_class,
        entry.budget,
        entry.max_age,
        entry.calls,
        entry.cost_exempt,
    )


def _body(entry: _Entry, folder: Path) -> str:
    if (entry.body is None) is (entry.file is None):
        raise _Mistake("either `body` (the text) or `file` (where it is) is expected")
    if entry.body is not None:
        return entry.body
    assert entry.file is not None
    path = folder / entry.file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _Mistake(f"`file` is `{entry.file}`, which is outside the manifests' directory: move it there")
    return _text(path)
