"""Records of a small shop: accounts, their bills and cases, products; and a shelf of them."""

from datetime import UTC, datetime
from typing import Any

from sources.canonical import Account as AccountRecord
from sources.canonical import BillingProfile, Lifecycle, Owned, Record
from tests.gateway.engine.catalog_of import Shelf

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Bill(Owned, frozen=True, gc=False, kw_only=True):
    status: str = "OPEN"
    total: int = 0
    payer: str = ""
    tags: tuple[str, ...] = ()
    legal_entity: str = ""
    product_key: str | None = None
    related: tuple[str, ...] = ()


class Case(Owned, frozen=True, gc=False, kw_only=True):
    subject: str = ""


class Product(Record, frozen=True, gc=False, kw_only=True):
    title: str = ""


def account(key: str, region: str = "DE", **more: Any) -> AccountRecord:
    """An account called like its key."""
    more = {"name": f"name of {key}", "industry": "steel", **more}
    return AccountRecord(
        key=key, source="crm", source_id=key, as_of=NOW, lifecycle=Lifecycle.INACTIVE, region=region, **more
    )


def bill(key: str, owner: str = "a1", **more: Any) -> Bill:
    """A bill of an account."""
    return Bill(key=key, source="billing", source_id=key, as_of=NOW, account_key=owner, **more)


def case(key: str, owner: str = "a1", **more: Any) -> Case:
    """A case of an account."""
    return Case(key=key, source="desk", source_id=key, as_of=NOW, account_key=owner, **more)


def profile(key: str, owner: str, entity: str) -> BillingProfile:
    """What an account buys from a legal entity."""
    facts: dict[str, Any] = {"name": key, "currency": "EUR", "legal_entity": entity}
    return BillingProfile(key=key, source="erp", source_id=key, as_of=NOW, account_key=owner, **facts)


def product(key: str) -> Product:
    """A product."""
    return Product(key=key, source="billing", source_id=key, as_of=NOW, title=f"title of {key}")


def small(kind: type[Shelf] = Shelf) -> Shelf:
    """Three accounts (the third in France), two bills each, a case each, two products."""
    keys = ("a1", "a2", "a3")
    accounts = [account(key, "FR" if key == "a3" else "DE") for key in keys]
    bills = [
        bill(f"b{at}{part}", key, total=10 * at + part, payer=f"payer {part}", product_key=f"p{part}")
        for at, key in enumerate(keys, 1)
        for part in (1, 2)
    ]
    cases = [case(f"c{at}", key, subject=f"help {at}") for at, key in enumerate(keys, 1)]
    return kind([*accounts, *bills, *cases, product("p1"), product("p2")])
