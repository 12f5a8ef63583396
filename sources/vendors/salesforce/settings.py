"""`[sources.NAME]` of a Salesforce org."""

from __future__ import annotations

import msgspec

from sources.settings import Secret, SourceSettings, at_least, within


class SalesforceSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the org's My Domain host. With `client_secret` the client-credentials flow is used; with `username` and
    `private_key` the JWT bearer flow (RS256), at `login_url`, whose assertion is for `audience`.

    `daily_calls` is our part of the org's calls of a day, for all our processes together (None: what the org has).
    `token_seconds` is how long a token is used: the answers do not say. `window` (seconds) is how long a query waits
    for others to share its request, `max_rows` the rows of one key, `regions` maps the org's region words to ours,
    `price_book` is the id of the one that orders are priced from (None: the standard one), `quantity_decimals` and
    `price_decimals` how many digits after the point the org keeps of an order line's: it rounds others without a word.
    Raises ValueError for a figure out of range.
    """

    client_id: str
    client_secret: Secret | None = None
    username: str | None = None
    private_key: Secret | None = None
    login_url: str | None = None
    audience: str = "https://login.salesforce.com"
    api_version: str = "v66.0"
    concurrency: int = 20
    daily_calls: int | None = None
    token_seconds: int = 1_800
    window: float = 0.003
    max_rows: int = 2_000
    regions: dict[str, str] = msgspec.field(default_factory=dict)
    price_book: str | None = None
    quantity_decimals: int = 2
    price_decimals: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "window")
        within(self, 0, 18, "quantity_decimals", "price_decimals")
        at_least(self, 1, "max_rows", "token_seconds")
        if self.daily_calls is not None:
            at_least(self, 1, "daily_calls")
