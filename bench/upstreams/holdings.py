"""The rows of every resource, found by the key that its question has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bench.upstreams import rows
from bench.upstreams.rows import Row

RESOURCES: Mapping[str, str] = {
    "crm/accounts": "ids",
    "crm/contacts": "account_ids",
    "crm/orders": "account_ids",
    "crm/products": "ids",
    "billing/subscriptions": "account_ids",
    "billing/invoices": "account_ids",
    "billing/entitlements": "account_ids",
    "erp/profiles": "account_ids",
    "erp/payments": "account_ids",
    "erp/periods": "entity",
    "support/organizations": "account_ids",
    "support/cases": "account_ids",
}
"""Resource -> the parameter that holds its keys; crm/accounts is also listed by `region` and `limit`."""

_ROW_KEYS = {"ids": "id", "account_ids": "accountId", "entity": "entity"}


class Holdings:
    """All rows in memory: `rows[resource][key]`, and the accounts of each region in order of id."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, list[Row]]] = {name: defaultdict(list) for name in RESOURCES}
        self.regions: dict[str, list[Row]] = {}
        for number in range(1, 9):
            self._add("crm/products", [rows.product(number)])
        for entity in ("E1", "E2"):
            self._add("erp/periods", (rows.period(entity, month) for month in range(1, 13)))
        for number, key in enumerate(rows.CUSTOMERS, 1):
            self._account(key, "C", number, (4, [False, False, False, False, True, True], [True, True, False, False]))
        for place, region in enumerate(rows.REGIONS, 1):
            for number in range(1, rows.PORTAL + 1):
                shape = (3, [True], [True, True]) if number % 2 else (1, [True, True, True], [])
                self._account(f"{region}-{number:03}", region, 100 * place + number, shape)

    def _account(self, key: str, region: str, number: int, shape: tuple[int, list[bool], list[bool]]) -> None:
        subscriptions, invoices, cases = shape
        account = rows.account(key, region, number)
        self.regions.setdefault(region, []).append(account)
        self._add("crm/accounts", [account])
        self._add("crm/contacts", (rows.contact(key, number, index) for index in range(4)))
        self._add("crm/orders", (rows.order(key, number, index) for index in range(3)))
        self._add("billing/subscriptions", (rows.subscription(key, number, index) for index in range(subscriptions)))
        self._add(
            "billing/invoices",
            (rows.invoice(key, number, index, open_=open_) for index, open_ in enumerate(invoices)),
        )
        self._add("billing/entitlements", (rows.entitlement(key, number, index) for index in range(3)))
        self._add("erp/profiles", [rows.profile(key, number)])
        self._add("erp/payments", (rows.payment(key, number, index) for index in range(3)))
        self._add("support/organizations", [rows.organization(key, number, sum(cases))])
        self._add("support/cases", (rows.case(key, number, index, open_=open_) for index, open_ in enumerate(cases)))

    def _add(self, resource: str, made: Iterable[Row]) -> None:
        held = self.rows[resource]
        for row in made:
            held[row[_ROW_KEYS[RESOURCES[resource]]]].append(row)

    def find(self, resource: str, parameters: Mapping[str, Sequence[str]]) -> list[Row] | None:
        """The rows a question is answered with, in the order of its keys; None where it makes no sense.

        Keys come as `a,b,c` or as a repeated parameter; every other parameter is an equality on a row's field.
        """
        key = RESOURCES.get(resource)
        if key is None:
            return None
        filters = {name: values[0] for name, values in parameters.items() if name not in (key, "region", "limit")}
        if key in parameters:
            keys = [each for value in parameters[key] for each in value.split(",") if each]
            held = self.rows[resource]
            found = [row for each in dict.fromkeys(keys) for row in held.get(each, ())]
        elif resource == "crm/accounts" and "region" in parameters:
            found = self.regions.get(parameters["region"][0], [])[: int(parameters.get("limit", ["50"])[0])]
        else:
            return None
        return [row for row in found if all(str(row.get(name)) == value for name, value in filters.items())]
