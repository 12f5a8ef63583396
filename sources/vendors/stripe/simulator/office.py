"""Where writes are done: the store, the clock, the registers, and the ledger of what happened."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sources.simulation.kit import Clock, Written
from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.registers import Registers
from sources.vendors.stripe.simulator.shapes import Object
from sources.vendors.stripe.simulator.store import Store


class Office:
    """One account's. `key` is the idempotency key of the request under way. Time moves on what was made or changed
    here, not what the book tells of: `running` subscriptions, `drafts` of invoices, `schedules`. `said`: prices that
    lines said themselves."""

    def __init__(self, store: Store, clock: Clock, written: Written) -> None:
        self.store, self.written = store, written
        self.registers = Registers(store.book)
        self.key: str | None = None
        self.running: set[str] = set()
        self.drafts: set[str] = set()
        self.schedules: set[str] = set()
        self.said: set[str] = set()
        self._clock = clock
        self._instant: int | None = None

    def now(self) -> int:
        """The present in unix seconds, or the past instant at which something fell due."""
        return self._instant if self._instant is not None else int(self._clock.now().timestamp())

    @contextmanager
    def at(self, instant: int) -> Iterator[None]:
        """Does something as of an instant."""
        before, self._instant = self._instant, instant
        try:
            yield
        finally:
            self._instant = before

    def new(self, prefix: str) -> str:
        """An id."""
        return f"{prefix}_{secrets.token_hex(8)}"

    def put(self, kind: str, made: Object, **parents: str | None) -> Object:
        """Adds or replaces an object; searches find it after their lag."""
        return self.store.put(kind, made, self._clock.now().timestamp(), **parents)

    def get(self, kind: str, key: str) -> Object:
        """One object, or the vendor's 404."""
        return self.store.get(kind, key)

    def tell(self, kind: str, found: Object, amount: int | None = None) -> None:
        """Records an effect; `amount` in minor units of the object's currency."""
        self.written.add(
            kind,
            found["id"],
            idempotency_key=self.key,
            operation=(found.get("metadata") or {}).get(facts.OPERATION),
            amount=amount,
            currency=found.get("currency") if amount is not None else None,
        )
