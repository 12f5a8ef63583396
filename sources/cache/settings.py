"""`[cache]`: whether facts are remembered, how many bytes of them, and where processes share them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from sources.cache.freshness import NAMES, Overrides
from sources.settings import Secret

_MIB = 1024 * 1024


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`bytes` bounds what this process remembers. `redis` is the address of a server that processes share
    (`redis://host:6379/0`, `rediss://` for TLS; none: each remembers for itself), `redis_user` and `redis_password` (a
    reference) how to log in, `prefix` what its keys begin with, `zones` the residency zones of which it may hold facts
    (none: of every zone); facts of others are remembered by each process for itself.

    In seconds: `grace`, for which a flight goes on that nobody waits for any more; `lease`, for which one process asks
    and the others wait; `operation`, after which Redis is left. `types` overrides the freshness of single types.
    Not `enabled`: nothing is remembered, but who asks the same at once still shares one flight.
    """

    enabled: bool = True
    bytes: int = 64 * _MIB
    redis: str | None = None
    redis_user: str | None = None
    redis_password: Secret | None = None
    prefix: str = "opsgraph"
    zones: tuple[str, ...] = ()
    grace: float = 1.0
    lease: float = 3.0
    operation: float = 0.02
    types: Mapping[str, Overrides] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _MIB <= self.bytes <= 64 * 1024 * _MIB:
            raise ValueError(f"`bytes` is {self.bytes}: from 1 MiB ({_MIB}) to 64 GiB is expected")
        if not self.prefix or any(sign.isspace() for sign in self.prefix) or len(self.prefix) > 64:
            raise ValueError(f"`prefix` is `{self.prefix}`: 1 to 64 characters without spaces are expected")
        for name, low, high in (("grace", 0.0, 60.0), ("lease", 0.1, 60.0), ("operation", 0.001, 1.0)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"`{name}` is {value}: {low} to {high} seconds are expected")
        self._check_address()
        for name in self.types:
            if name not in NAMES:
                close = difflib.get_close_matches(name, NAMES, 1)
                meant = f"did you mean `{close[0]}`?" if close else f"the known ones are {', '.join(sorted(NAMES))}"
                raise ValueError(f"`types` has the unknown type `{name}`: {meant}")

    def shares(self, zone: str) -> bool:
        """Whether facts of a residency zone may be held where processes share them."""
        return not self.zones or zone in self.zones

    def _check_address(self) -> None:
        if self.redis is None:
            return
        try:
            parts = urlsplit(self.redis)
            path = parts.path.strip("/")
            valid = parts.scheme in ("redis", "rediss") and bool(parts.hostname) and parts.port != 0
            valid = valid and (not path or path.isdigit())
        except ValueError:
            raise ValueError("`redis` is no address: `redis://host:6379/0` is expected") from None
        if parts.password or parts.username:
            raise ValueError("`redis` holds a user or password: name them in `redis_user` and `redis_password`")
        if not valid:
            raise ValueError(f"`redis` is `{self.redis}`: an address such as `redis://host:6379/0` is expected")
