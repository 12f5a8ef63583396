"""What a running operation carries: who asks, when, under which correlation id. No methods."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from policies.principal import Principal


class Context(msgspec.Struct, frozen=True):
    """`now` is the operation's one present (UTC): every judgement by time uses it. `rules` are the compiled decision
    tables that computations consult (entitlement). `unknown` are the records whose types this audience is not shown."""

    principal: Principal
    now: datetime
    correlation_id: str
    rules: Any = None
    unknown: frozenset[type] = frozenset()
