"""`[sources.NAME]` of a Stripe account."""

from __future__ import annotations

from sources.settings import Secret, SourceSettings
from sources.vendors.stripe import facts


class StripeSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Stripe account (several legal entities may share it). `key` is a secret or restricted key.

    `version` is sent with every request. `concurrency` bounds the requests under way at once; `max_rows` the rows read
    for one key, beyond which a list goes on at a position; `wide` the keys of a read that costs one request each.
    `search_lag` (seconds) is how far a search may be behind, `search_clauses` how many conditions one search may join.
    `evidence` says whether invoices are read together with open disputes and payments under way: without it their
    overlays DISPUTED and PAYMENT_PENDING are never set. Raises ValueError for a figure out of range.
    """

    key: Secret
    url: str = facts.URL
    version: str = facts.VERSION
    concurrency: int = 10
    max_rows: int = 2_000
    wide: int = 25
    search_lag: float = facts.SEARCH_LAG
    search_clauses: int = facts.SEARCH_CLAUSES
    evidence: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.key:
            raise ValueError("`key` is empty: give a secret key (`sk_`) or a restricted key (`rk_`)")
        for name in ("concurrency", "max_rows", "wide", "search_clauses"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` is {getattr(self, name)}: at least 1 is expected")
        if self.search_lag < 0:
            raise ValueError(f"`search_lag` is {self.search_lag}: at least 0 seconds are expected")
