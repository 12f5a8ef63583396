"""`[audit]`: which reads are put on record, and where."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

Kind: TypeAlias = Literal["denied", "masked", "hidden"]


class AuditSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[audit]`. Reads are put on record in `file`, or without it in the store of `[writes]`, or without both nowhere.

    `kinds`: fields that were refused, values that were masked, rows that were hidden. At most `queue` operations wait
    to be written, which is done every `interval` seconds. `zones`: the residency zones of which rows may be named, by
    hashes (none: of every zone); of others it is only said how many there were.
    """

    kinds: tuple[Kind, ...] = ("denied", "masked", "hidden")
    zones: tuple[str, ...] = ()
    file: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    queue: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 10_000
    interval: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
