"""`[sources.NAME]` of a NetSuite account."""

from __future__ import annotations

from sources.settings import Secret, SourceSettings, at_least


class NetSuiteSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Machine-to-machine OAuth 2.0. `url` is the account's SuiteTalk host, `https://ACCOUNT.suitetalk.api.netsuite.com`.

    `private_key` is the PEM key of the certificate `certificate_id`; `algorithm` PS256 or ES256 and their longer kin.
    `concurrency` is for all our processes together and stays below the account's shared limit (5 on the smallest tier).
    `hold_preference` and `hold_overdue_days` repeat the account's accounting preferences, which no query shows.
    `window` (seconds) is how long a query waits for others to share its request; `max_rows` bounds the rows of one key.
    Raises ValueError for a figure out of range.
    """

    client_id: str
    certificate_id: str
    private_key: Secret
    algorithm: str = "PS256"
    concurrency: int = 4
    hold_preference: str = "ENFORCE"
    hold_overdue_days: int | None = 60
    window: float = 0.01
    max_rows: int = 2_000

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 0, "window")
        at_least(self, 1, "max_rows")
