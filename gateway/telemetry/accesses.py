"""Accesses: operations of which something was withheld, as the engine tells of them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from policies.principal import Principal

DENIED, MASKED, HIDDEN = "denied", "masked", "hidden"


class Withheld(msgspec.Struct, frozen=True):
    """One coordinate: how it was withheld, by which rule, in how many rows. `keys` are those of the first rows, as
    `Type:key`. Of hidden rows the coordinate is their type and the rule that of the rows of the asker's roles."""

    coordinate: str
    how: str
    rule: str
    class_name: str
    rows: int
    keys: tuple[str, ...] = ()


class Access(msgspec.Struct, frozen=True):
    """One operation of which something was withheld: who asked, when, what, and how it is found in logs."""

    at: datetime
    principal: Principal
    correlation_id: str
    operation: str | None  # its name
    digest: bytes  # SHA-256 of the document
    withheld: tuple[Withheld, ...]
