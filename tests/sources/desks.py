"""Sources that count what they are asked, behind the memory and the catalog."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sources import canonical as c
from sources.cache import Cache, Cached
from sources.canonical import Record, Served, System
from sources.catalog import Catalog, Source
from sources.errors import SourceError
from sources.ports import Ask, Capability, Page, Position, Reading, Report, Rows
from sources.settings import SourceSettings
from tests.sources.cache.book import EPOCH, wall

LAG = 60.0


class Desk:
    """A source that counts what it is asked; records by class, found by the attribute that an index stands for."""

    vendor = "fake"
    attributes: Mapping[str, str] = {"key": "key", "account": "account_key", "customer": "source_account_id"}

    def __init__(
        self,
        name: str,
        system: System,
        facet: type[Record] | None,
        capabilities: Mapping[tuple[type[Record], str], Capability],
        *records: Record,
    ) -> None:
        self.name, self.system, self.account_facet, self.capabilities = name, system, facet, capabilities
        self.records = list(records)
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []
        self.fault: SourceError | None = None

    async def read(self, ask: Ask) -> Reading:
        self.asked.append((ask.record.__name__, ask.by, ask.keys))
        if self.fault is not None:
            raise self.fault
        own = self.capabilities[ask.record, ask.by].own_account_ids
        attribute = "source_account_id" if own else self.attributes.get(ask.by, ask.by)
        rows: dict[str, Rows] = {}
        for key in ask.keys:
            mine = [
                each for each in self.records if type(each) is ask.record and self._found(each, ask.by, attribute, key)
            ]
            if mine or ask.by not in ("key", "external"):
                rows[key] = self._page(mine, ask.page)
        return Reading(rows, Report(self.name, calls=1))

    def _found(self, each: Any, by: str, attribute: str, key: str) -> bool:
        if by == "list":
            return True
        if by == "external":
            return any(f"{noted.system}:{noted.id}" == key for noted in each.external_ids)
        return bool(getattr(each, attribute) == key)

    def _page(self, found: Sequence[Record], page: Page) -> Rows:
        if page.first is None or len(found) <= page.first:
            return Rows(list(found))
        kept = list(found[: page.first])
        return Rows(kept, True, Position(None, kept[-1].source_id))

    async def check(self) -> str:
        return "fine"

    async def close(self) -> None:
        return None


def made(kind: Any, source: str, key: str, **given: Any) -> Any:
    return kind(key=key, source=source, source_id=key, as_of=datetime.fromtimestamp(EPOCH, UTC), **given)


def right(key: str, source: str, **given: Any) -> c.Entitlement:
    found: c.Entitlement = made(c.Entitlement, source, key, name=key, status=c.EntitlementStatus.ACTIVE, **given)
    return found


def accounts(*keys: str) -> list[c.Account]:
    return [made(c.Account, "crm", key, name=key, lifecycle=c.Lifecycle.ACTIVE) for key in keys]


PLAIN = Capability()
OWN = Capability(own_account_ids=True)


def crm(*records: Record) -> Desk:
    able: dict[tuple[type[Record], str], Capability] = {
        (c.Account, "key"): PLAIN,
        (c.Account, "external"): PLAIN,
        (c.Account, "list"): PLAIN,
        (c.Entitlement, "account"): PLAIN,
    }
    return Desk("crm", System.CRM, None, able, *records)


def billing(*records: Record) -> Desk:
    able: dict[tuple[type[Record], str], Capability] = {
        (c.BillingCustomer, "key"): PLAIN,
        (c.BillingCustomer, "account"): Capability(search_lag=LAG),
        (c.Entitlement, "account"): OWN,
        (c.Refund, "account"): OWN,
        (c.Refund, "key"): PLAIN,
        (c.AccountSubscription, "account"): Capability(search_lag=LAG),
        (c.AccountSubscription, "customer"): OWN,
    }
    return Desk("billing", System.BILLING, c.BillingCustomer, able, *records)


def customer(key: str, account: str) -> c.BillingCustomer:
    found: c.BillingCustomer = made(c.BillingCustomer, "billing", key, account_key=account)
    return found


def refund(key: str, own: str, account: str = "") -> c.Refund:
    money = c.Money(5, "EUR")
    found: c.Refund = made(
        c.Refund, "billing", key, source_account_id=own, account_key=account, amount=money, status="SUCCEEDED"
    )
    return found


def catalog_of(*desks: Desk) -> Catalog:
    cache = Cache(wall=wall, chance=lambda: 0.0)
    settings = SourceSettings(vendor="fake", url="http://127.0.0.1")
    return Catalog([Source(Cached(each, cache), settings, None) for each in desks], cache=cache)  # type: ignore[arg-type] # nothing is sent


def keys_of(reading: Reading | None) -> dict[str, list[str]]:
    assert reading is not None
    return {key: [each.key for each in rows.records] for key, rows in reading.rows.items()}


def served(reading: Reading | None) -> dict[str, Served]:
    assert reading is not None
    return {key: rows.served for key, rows in reading.rows.items()}
