"""What the four systems hold: made by arithmetic, the same in every run.

64 *customers* `C-001`.. (4 subscriptions, 4 contacts, 6 invoices of which 2 open, 4 cases of which 2 open) for single
accounts, 16 regions `R01`.. of 50 *portal accounts* for lists: 2 subscriptions, 2 open invoices and 1 open case on
average. All of a kind have answers of the same shape, so that every request of a workload costs the same.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
CUSTOMERS = tuple(f"C-{number:03}" for number in range(1, 65))
REGIONS = tuple(f"R{number:02}" for number in range(1, 17))
PORTAL = 50  # accounts of a region

_TIERS = ("gold", "silver", "platinum", "bronze")
_COUNTRIES = ("DE", "FR", "NL", "SE", "PL")
_PRODUCTS = ("Observe", "Relay", "Vault", "Forge", "Beacon", "Ledger", "Harbor", "Signal")
_FIRST = ("Ada", "Grace", "Edsger", "Barbara", "Donald", "Radia")
_LAST = ("Keller", "Lindqvist", "Moreau", "Nowak", "Okafor", "Petrov")


def _day(number: int) -> str:
    return f"2026-{1 + number % 12:02}-{1 + number % 28:02}"


def _time(number: int) -> str:
    return f"{_day(number)}T{number % 24:02}:{number % 60:02}:00Z"


def account(key: str, region: str, number: int) -> Row:
    """crm/accounts"""
    name = f"{_LAST[number % 6]} {_PRODUCTS[number % 8]} {number}"
    return {
        "id": key,
        "name": name,
        "legalName": f"{name} GmbH",
        "status": "active",
        "tier": _TIERS[number % 4],
        "region": region,
        "country": _COUNTRIES[number % 5],
        "currency": "EUR",
        "industry": "manufacturing",
        "website": f"https://{key.lower()}.example.test",
        "employees": 40 + number,
        "createdAt": _time(number),
    }


def contact(key: str, number: int, index: int) -> Row:
    """crm/contacts"""
    first, last = _FIRST[(number + index) % 6], _LAST[(number + 2 * index) % 6]
    return {
        "id": f"{key}-P{index}",
        "accountId": key,
        "firstName": first,
        "lastName": last,
        "email": f"{first}.{last}@{key}.example.test".lower(),
        "phone": f"+49 30 {number:04}{index:02}",
        "role": ("billing", "technical", "buyer", "legal")[index % 4],
        "language": "en",
        "primary": index == 0,
        "createdAt": _time(number + index),
    }


def order(key: str, number: int, index: int) -> Row:
    """crm/orders"""
    return {
        "id": f"{key}-O{index}",
        "accountId": key,
        "number": f"SO-{number:04}-{index}",
        "status": ("fulfilled", "open")[index % 2],
        "currency": "EUR",
        "totalCents": 10_000 + 250 * number + index,
        "placedAt": _time(number + 3 * index),
        "requestedAt": _day(number + 5 * index),
        "purchaseOrder": f"PO-{number}{index}",
        "channel": "direct",
    }


def subscription(key: str, number: int, index: int) -> Row:
    """billing/subscriptions"""
    product = (number + index) % 8
    return {
        "id": f"{key}-S{index}",
        "accountId": key,
        "productId": f"P-{product + 1:02}",
        "name": f"{_PRODUCTS[product]} {('Team', 'Business', 'Scale')[index % 3]}",
        "status": ("active", "active", "past_due")[index % 3],
        "quantity": 5 + index,
        "unitCents": 1_900 + 100 * product,
        "currency": "EUR",
        "interval": "month",
        "startedAt": _day(number + index),
        "renewsAt": _day(number + index + 40),
        "autoRenew": index % 2 == 0,
    }


def invoice(key: str, number: int, index: int, *, open_: bool) -> Row:
    """billing/invoices"""
    total = 12_000 + 37 * number + 1_000 * index
    return {
        "id": f"{key}-I{index}",
        "accountId": key,
        "number": f"INV-{number:04}-{index}",
        "status": "open" if open_ else "paid",
        "currency": "EUR",
        "totalCents": total,
        "paidCents": 0 if open_ else total,
        "dueCents": total if open_ else 0,
        "issuedAt": _day(number + index),
        "dueAt": _day(number + index + 30),
        "purchaseOrder": f"PO-{number}{index}",
    }


def entitlement(key: str, number: int, index: int) -> Row:
    """billing/entitlements"""
    return {
        "id": f"{key}-E{index}",
        "accountId": key,
        "feature": ("seats", "support", "storage")[index % 3],
        "status": "active",
        "granted": 100 * (index + 1),
        "used": (number * 7) % 100,
        "unit": ("seat", "tier", "gigabyte")[index % 3],
        "validFrom": _day(number),
        "validUntil": _day(number + 200),
    }


def profile(key: str, number: int) -> Row:
    """erp/profiles: one per account"""
    return {
        "id": f"{key}-B",
        "accountId": key,
        "legalEntity": f"E{1 + number % 2}",
        "paymentTerms": "NET30",
        "creditLimitCents": 5_000_000,
        "openCents": 40_000 + 11 * number,
        "currency": "EUR",
        "creditHold": False,
        "taxNumber": f"DE{100_000_000 + number}",
        "updatedAt": _time(number),
    }


def payment(key: str, number: int, index: int) -> Row:
    """erp/payments"""
    return {
        "id": f"{key}-R{index}",
        "accountId": key,
        "invoiceId": f"{key}-I{index}",
        "amountCents": 12_000 + 37 * number + 1_000 * index,
        "currency": "EUR",
        "method": ("transfer", "card")[index % 2],
        "status": "settled",
        "receivedAt": _day(number + index + 10),
        "reference": f"RF{number:04}{index}",
    }


def organization(key: str, number: int, cases: int) -> Row:
    """support/organizations: one per account"""
    return {
        "id": f"{key}-Z",
        "accountId": key,
        "name": f"{_LAST[number % 6]} {_PRODUCTS[number % 8]} {number}",
        "plan": ("premium", "standard")[number % 2],
        "domain": f"{key.lower()}.example.test",
        "openCount": cases,
        "satisfaction": 70 + number % 30,
        "updatedAt": _time(number),
    }


def case(key: str, number: int, index: int, *, open_: bool) -> Row:
    """support/cases"""
    return {
        "id": f"{key}-T{index}",
        "accountId": key,
        "number": f"{number:04}{index}",
        "subject": f"{_PRODUCTS[(number + index) % 8]} does not sync after the update",
        "status": "open" if open_ else "solved",
        "priority": ("normal", "high", "urgent")[index % 3],
        "channel": ("email", "web")[index % 2],
        "requester": f"{_FIRST[number % 6]} {_LAST[index % 6]}",
        "createdAt": _time(number + index),
        "updatedAt": _time(number + index + 2),
    }


def product(number: int) -> Row:
    """crm/products"""
    return {
        "id": f"P-{number:02}",
        "name": _PRODUCTS[number - 1],
        "sku": f"{_PRODUCTS[number - 1].upper()}-{number:02}",
        "status": "active",
        "currency": "EUR",
        "unitCents": 1_900 + 100 * (number - 1),
        "taxCode": "SW-SAAS",
        "minQuantity": 1,
        "maxQuantity": 500,
    }


def period(entity: str, month: int) -> Row:
    """erp/periods: twelve months of an entity, the last one open"""
    return {
        "id": f"{entity}-{month:02}",
        "entity": entity,
        "name": f"2026-{month:02}",
        "status": "open" if month == 12 else "closed",
        "startsOn": f"2026-{month:02}-01",
        "endsOn": f"2026-{month:02}-28",
        "closedAt": None if month == 12 else _time(month),
        "year": 2026,
    }
