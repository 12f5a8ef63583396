"""`[writes]`: whether there are governed writes, where they are kept, and which process carries them out."""

from __future__ import annotations

from typing import Annotated, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

import msgspec

from sources.durable import Role
from sources.settings import Secret
from sources.store.retention import Retention
from sources.store.rota import Rota

_FILE, _SERVER = "sqlite", "postgresql"
_EXPECTED = "`sqlite:///PATH` or `postgresql://HOST/NAME` is expected"
_Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
_BEATS = 2  # that may be missed before a silence


class WritesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[writes]`. Without a `store` there are no governed writes.

    `store` holds our own tables, `durable` the work under way: `sqlite:///PATH` (two files, for one process) or
    `postgresql://HOST/NAME` (one address will do, for many processes); `password` is that of the server's user. `role`
    is what this process does; `executor` names it in the audit (none: a name of its own), and no two processes may
    have one name. `people` is a file that says who holds which roles since when (`resolvers/desk/listed.py`).

    In seconds: `patience`, for which a caller waits for the end of a short write; `beat`, after which a process on
    PostgreSQL says again that it lives, and `silence`, after which others take over what it ran. Raises ValueError for
    what cannot be used.
    """

    store: str | None = None
    durable: str | None = None
    password: Secret | None = None
    role: Role = Role.EMBEDDED
    executor: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    people: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    patience: Annotated[float, msgspec.Meta(ge=0, le=30)] = 2.0
    beat: _Seconds = 5.0
    silence: _Seconds = 30.0
    retention: Retention = Retention()
    rounds: Rota = Rota()

    def __post_init__(self) -> None:
        if self.store is None:
            if self.durable is not None:
                raise ValueError("`durable` is given without a `store`: name both, or none to do without writes")
            return
        kept, worked = _parts("store", self.store), _parts("durable", self.durable or self.store)
        if kept.scheme != worked.scheme:
            raise ValueError("`store` and `durable` are of two kinds: use SQLite for both, or PostgreSQL for both")
        if kept.scheme == _FILE and self.durable is None:
            raise ValueError("`durable` is missing: work under way has an SQLite file of its own")
        if kept.scheme == _FILE and kept.path == worked.path:
            raise ValueError(f"`durable` is the file of `store`, `{self.store}`: give it one of its own")
        if kept.scheme == _FILE and self.role is not Role.EMBEDDED:
            raise ValueError(f"`role` is `{self.role}`: processes share writes over PostgreSQL, not over SQLite files")
        if self.password is not None and kept.scheme == _SERVER and not (kept.username and worked.username):
            raise ValueError("`password` is given without a user: `postgresql://USER@HOST/NAME` is expected")
        if self.silence <= _BEATS * self.beat:
            raise ValueError(f"`silence` is {self.silence:g}: more than {_BEATS} times `beat` is expected")

    @property
    def on(self) -> bool:
        """Whether there are governed writes."""
        return self.store is not None

    def urls(self) -> tuple[str, str]:
        """Where the tables and the work are, with the password: for whoever opens them, and nobody's log."""
        if self.store is None:
            raise ValueError("there are no governed writes: `[writes]` has no `store`")
        return self._opened(self.store), self._opened(self.durable or self.store)

    def _opened(self, url: str) -> str:
        parts = urlsplit(url)
        if self.password is None or parts.scheme == _FILE:
            return url
        user, _, host = parts.netloc.rpartition("@")
        secret = quote(self.password.reveal(), safe="")
        return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{host}"))


def _parts(name: str, url: str) -> SplitResult:
    """An address in its parts. Raises ValueError, without telling what may be a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"`{name}` is no address: {_EXPECTED}") from None
    if parts.scheme not in (_FILE, _SERVER):
        raise ValueError(f"`{name}` is of the kind `{parts.scheme}`: {_EXPECTED}")
    if parts.password:
        raise ValueError(f"`{name}` holds a password: name it in `password`, as a reference")
    if parts.scheme == _FILE and (parts.netloc or parts.path.strip("/") in ("", ":memory:")):
        raise ValueError(f"`{name}` is `{url}` and names no file: `sqlite:///PATH` is expected")
    if parts.scheme == _SERVER and (port == 0 or not parts.path.strip("/")):
        raise ValueError(f"`{name}` names no database: `postgresql://HOST/NAME` is expected")
    return parts
