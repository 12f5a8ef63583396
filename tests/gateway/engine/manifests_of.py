"""Manifests of a test, as records and as files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.engine.manifests import PREFIX, Manifests, Trusted, digest_of


def trusted(client: str, text: str, **terms: Any) -> Trusted:
    return Trusted(client, digest_of(text), text, f"{client}.json: documents[0]", **terms)


def manifests(*documents: Trusted) -> Manifests:
    by_client: dict[str, dict[bytes, Trusted]] = {}
    for each in documents:
        by_client.setdefault(each.client, {})[each.digest] = each
    return Manifests(by_client, max((len(each.text) for each in documents), default=0))


def id_of(text: str) -> str:
    return PREFIX + digest_of(text).hex()


def entry(text: str, **more: Any) -> dict[str, Any]:
    return {"id": id_of(text), "body": text, **more}


def write(folder: Path, name: str, /, *entries: Mapping[str, Any], **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"documents": entries, **more}), encoding="utf-8")
    return path
