"""Accepting: from a recording to a client's manifest, which a person reviews before it is used."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from graphql import GraphQLError

from gateway.cli import offline
from gateway.cli.documents import measured
from gateway.cli.errors import Unusable
from gateway.engine.documents import Refused
from gateway.engine.manifests import Trusted, digest_named, digest_of
from gateway.engine.recording import Recorded, read_recording
from gateway.engine.warm import Warmer, failures

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def record(options: argparse.Namespace) -> int:
    """Prints what a recording holds, the most used first."""
    found = _recorded(options.recording)
    for each in sorted(found, key=lambda each: (each.client, -each.uses)):
        alike = f"  {each.alike} more differ by their values only: put these in variables" if each.alike else ""
        roles = ",".join(each.roles)
        print(f"{each.client}  {each.operation or '-'}  {each.id[:19]}  {each.uses} times  {roles}{alike}")
    print(f"{len(found)} documents of {len({each.client for each in found})} clients")
    return 0


def _recorded(path: Path) -> list[Recorded]:
    if not path.is_file():
        raise Unusable(f"`{path}` does not exist: a gateway in mode `record` writes it after some seconds")
    try:
        return read_recording(path)
    except (OSError, ValueError) as error:
        raise Unusable(str(error)) from None


def accept(options: argparse.Namespace) -> int:
    """Writes what is new into the client's manifest; exit status 1 where something could not be taken."""
    known = offline.offline(options, company=True)
    folder = _folder(options, known)
    wanted = [each for each in _recorded(options.recording) if each.client == options.client and _is(each, options)]
    if not wanted:
        raise Unusable(
            f"the recording has no such document of client `{options.client}`: see `opsgraph documents record`"
        )
    slug = options.client if _SAFE.fullmatch(options.client) else f"client-{digest_of(options.client).hex()[:12]}"
    path = folder / f"{slug}.json"
    manifest = _manifest(path, options.client, slug)
    there = {each.get("id") for each in manifest["documents"]}
    warmer, failed, taken = Warmer(known.engine, lambda: known.roles), 0, 0
    for each in wanted:
        if each.id in there:
            continue
        try:
            manifest["documents"].append(_entry(each, folder, slug, known, warmer))
        except Refused as error:
            failed += 1
            print(f"{each.operation or each.id[:19]}: left out: {failures(error)}")
            continue
        taken += 1
    path.write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{taken} documents taken into {path}: review them, then `opsgraph documents check --calls {folder}`")
    return int(failed > 0)


def _folder(options: argparse.Namespace, known: offline.Offline) -> Path:
    named = options.directory or known.settings.documents.directory
    if named is None:
        raise Unusable(
            "there is no directory of manifests: name one by `--directory`, or a `--config` with `[documents]`"
        )
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _is(each: Recorded, options: argparse.Namespace) -> bool:
    return not options.only or any(each.operation == name or each.id.startswith(name) for name in options.only)


def _manifest(path: Path, client: str, slug: str) -> dict[str, Any]:
    if not path.exists():
        return {**({} if slug == client else {"client": client}), "documents": []}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found["documents"] = list(found["documents"])
    except (OSError, ValueError, TypeError, KeyError):
        raise Unusable(f"`{path}` is no manifest: see `opsgraph documents check {path.parent}`") from None
    return found


def _entry(each: Recorded, folder: Path, slug: str, known: offline.Offline, warmer: Warmer) -> dict[str, Any]:
    """What a manifest says of a document, whose text is written beside it; raises Refused."""
    roles = sorted(set(each.roles) & set(known.roles))
    if not roles:
        raise Refused([GraphQLError("nobody asked for it by a role that the rules know")])
    digest = digest_named(each.id)
    if digest is None or digest != digest_of(each.body):
        raise Unusable(f"the recording's `{each.id[:80]}` does not fit its text: record anew")
    trusted = Trusted(each.client, digest, each.body, each.id, each.operation, frozenset(roles))
    calls = measured(trusted, known, warmer).calls
    file = _file(folder / slug, each)
    return {
        "id": each.id,
        **({"operation": each.operation} if each.operation else {}),
        "file": file.relative_to(folder).as_posix(),
        "roles": roles,
        "calls": calls,
    }


def _file(folder: Path, each: Recorded) -> Path:
    """The text as a file, exactly; named after its operation, with a number where another has that name."""
    folder.mkdir(exist_ok=True)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", each.operation or "document").strip("_").lower() or "document"
    number = 1
    while True:
        path = folder / f"{words}{f'_{number}' if number > 1 else ''}.graphql"
        if not path.exists():
            path.write_bytes(each.body.encode())
            return path
        if path.read_bytes() == each.body.encode():
            return path
        number += 1
