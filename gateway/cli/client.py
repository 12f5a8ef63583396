"""A client of a running gateway, for commands: one question over HTTP, and what went wrong as one line."""

from __future__ import annotations

import argparse
import http.client
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.cli.errors import Unusable

GATEWAY = "http://127.0.0.1:4000"
TOKEN = "OPSGRAPH_TOKEN"  # noqa: S105 - the name of a variable
_PATH = "/graphql"
_WAIT = 15.0
_MOST = 64 * 1024 * 1024


class Away(Unusable):
    """The gateway cannot be reached, or has no time: it may soon."""


def declare(command: argparse.ArgumentParser) -> None:
    """The options of a command that asks a gateway."""
    command.add_argument("--gateway", metavar="URL", default=GATEWAY, help=f"where it runs (default: {GATEWAY})")
    command.add_argument("--token-file", type=Path, metavar="FILE", help=f"holds the token (default: in ${TOKEN})")


class Client:
    """Asks one gateway with one token."""

    def __init__(self, gateway: str, token: str) -> None:
        self._gateway, self._token = gateway, token
        parts = urlsplit(gateway if "//" in gateway else f"http://{gateway}")
        try:
            self._host, self._port = parts.hostname, parts.port
        except ValueError:
            self._host, self._port = None, None
        if parts.scheme not in ("http", "https") or not self._host:
            raise Unusable(f"`--gateway {gateway}` is no address: `{GATEWAY}` is")
        self._secure, self._path = parts.scheme == "https", parts.path.rstrip("/") or _PATH

    @classmethod
    def of(cls, options: argparse.Namespace) -> Client:
        """By the options of a command; raises Unusable where there is no token."""
        return cls(options.gateway, _token(options.token_file))

    def ask(self, document: str, variables: Mapping[str, Any], root: str) -> Any:
        """What the one root field of a document is answered; parts of it that this token may not see are null.

        Raises Away where nobody answers, Unusable with the gateway's own words where it refuses.
        """
        said = self._send({"query": document, "variables": variables})
        found = (said.get("data") or {}).get(root)
        errors = said.get("errors") or []
        if found is None and errors:
            raise Unusable(_line(errors[0]))
        return found

    def _send(self, body: Mapping[str, Any]) -> dict[str, Any]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(str(self._host), self._port, timeout=_WAIT)
        headers = {
            "content-type": "application/json",
            "accept": "application/graphql-response+json",
            "authorization": f"Bearer {self._token}",
        }
        try:
            connection.request("POST", self._path, json.dumps(body), headers)
            answer = connection.getresponse()
            return self._read(answer.status, answer.read(_MOST))
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            raise Away(f"no gateway answers at {self._gateway} ({why}): start one, or name its `--gateway`") from None
        finally:
            connection.close()

    def _read(self, status: int, body: bytes) -> dict[str, Any]:
        try:
            said = json.loads(body)
            errors = said.get("errors")
        except (ValueError, AttributeError):
            line = f"what runs at {self._gateway} is no gateway: it answered {status}, and no GraphQL"
            raise Unusable(line) from None
        if status == 401:
            raise Unusable(f"the gateway does not take this token: {_line(errors[0]) if errors else status}")
        if status == 503:
            raise Away(f"the gateway has no time for it: {_line(errors[0]) if errors else status}")
        return dict(said)


def _token(file: Path | None) -> str:
    if file is not None:
        try:
            found = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Unusable(f"`{file}` cannot be read: {error}") from None
    else:
        found = os.environ.get(TOKEN, "").strip()
    if not found or not found.isascii() or not found.isprintable() or " " in found:
        raise Unusable(f"there is no token: put one into ${TOKEN}, or name a file that holds it by `--token-file`")
    return found


def _line(error: Mapping[str, Any]) -> str:
    """An error as one line: what it is, its code, and by which rule."""
    more = error.get("extensions") or {}
    about = ", ".join(str(more[name]) for name in ("code", "rule", "correlationId") if more.get(name))
    message = " ".join(str(error.get("message", "")).split())
    return f"{message} ({about})" if about else message
