"""`[sources.NAME]` of a Zendesk account."""

from __future__ import annotations

from sources.settings import Secret, SourceSettings, at_least, within


class ZendeskSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """OAuth client credentials (API tokens are being withdrawn). `url` is `https://SUBDOMAIN.zendesk.com`.

    `token_seconds` is the life asked for (over 300, under 172,800). `max_rows` bounds the rows
    of one key. `search_lag` (seconds) is how far the search index may be behind. `scope` says what may
    be done: with `tickets:write` cases are written, with `organizations:write` organizations are.
    Raises ValueError for a figure out of range.
    """

    client_id: str
    client_secret: Secret
    scope: str = "tickets:read organizations:read users:read"
    token_seconds: int = 7_200
    concurrency: int = 8
    max_rows: int = 2_000
    search_lag: float = 120.0

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "search_lag")
        at_least(self, 1, "max_rows")
        within(self, 301, 172_799, "token_seconds")
