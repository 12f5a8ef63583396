"""`[sources.NAME]` of one company in a Tryton database."""

from __future__ import annotations

from sources.settings import Secret, SourceSettings, at_least


class TrytonSettings(SourceSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url` is the server's address, `database` the database's name on it, `key` that of a user application `rest`.

    `company` is the id of the one company that is read and written; another company is another source. `receipts` is
    the name of the payment method that receipts are posted by. `credit_limits` says that account_credit_limit is
    active there. `max_rows` bounds the rows of one key. Raises ValueError for a figure out of range.
    """

    database: str
    key: Secret
    company: int
    concurrency: int = 8
    timeout: float = 20.0  # posting also prints, which takes seconds
    receipts: str = "Bank"
    credit_limits: bool = False
    max_rows: int = 2_000

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(self, 1, "company", "max_rows")
        if not self.database or "/" in self.database:
            raise ValueError(f"`database` is `{self.database}`: the name of a database is expected")
