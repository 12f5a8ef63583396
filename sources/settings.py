"""What every configured source has, and how a secret is carried without ever being shown."""

from __future__ import annotations

import msgspec


class Secret:
    """A secret value: no repr, no str, no comparison by accident; `reveal()` where it goes on the wire."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[sources.NAME]` table; vendors add their own fields in a subclass.

    In the file a Secret is a reference, `{ env = "NAME" }` or `{ file = "PATH" }`. `connections` bounds concurrent
    sockets, `timeout` (seconds) one call, `max_bytes` one answer. `entities` are the legal entities this source serves
    (empty: all), `zone` the residency zone of what it holds.
    """

    vendor: str
    url: str
    zone: str = "default"
    entities: tuple[str, ...] = ()
    connections: int = 20
    timeout: float = 10.0
    max_bytes: int = 8 * 1024 * 1024
