"""How often each kind of round is made."""

from __future__ import annotations

from datetime import timedelta

import msgspec

_LONGEST = timedelta(days=31).total_seconds()


class Rota(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[writes.rounds]`, in seconds. `look`: how often it is looked whether one is due. `expire` is of approvals and of
    what is held, `remind` of reminders and escalations, `left` of what was accepted and never begun, `failed` of what
    failed by a fault of ours, `seal` of the audit, `forget` of what is older than it is kept."""

    look: float = 5.0
    expire: float = 15.0
    remind: float = 60.0
    left: float = 30.0
    failed: float = 600.0
    seal: float = 24 * 3600.0
    forget: float = 3600.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if not 0 < getattr(self, name) <= _LONGEST:
                raise ValueError(f"`{name}` is {getattr(self, name):g}: more than 0 and at most 31 days are possible")
