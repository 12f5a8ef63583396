"""A status with what it was derived from."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from sources import canonical as c


class StatusValue(msgspec.Struct, frozen=True):
    """A status, since when, and the sources' own words for it."""

    value: Any
    since: datetime | None
    derived_from: tuple[c.Evidence, ...]


def status_of(record: Any) -> StatusValue:
    """The status of any record that has one."""
    return StatusValue(record.status, getattr(record, "status_since", None), record.status_evidence)
