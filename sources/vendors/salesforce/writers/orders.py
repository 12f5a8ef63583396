"""Orders: drafts with their lines, activated, taken back, reduced.

Vendor facts (vendors.md 1.2, 1.7): an order is made as Draft and frozen once activated, all its lines are of one price
book, and a reduction is an order of its own whose lines have negative quantities and name the lines they reduce.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal, localcontext
from typing import Any

from sources.canonical.commands import ActivateOrder, CancelOrder, Command, PutOrder, ReduceOrder, Written
from sources.errors import Ambiguous, BadAsk, Locked, Rejected
from sources.vendors.salesforce import facts
from sources.vendors.salesforce.settings import SalesforceSettings
from sources.vendors.salesforce.soql import Query, literal, one_of
from sources.vendors.salesforce.writers import wire
from sources.vendors.salesforce.writers.making import Line, Maker, Making
from sources.vendors.salesforce.writers.org import Org
from sources.vendors.salesforce.writers.outcome import written

_DIGITS = 60  # enough for any figure


class Orders:
    """Orders of one org, from its `price_book` (None: the standard one)."""

    def __init__(self, org: Org, settings: SalesforceSettings) -> None:
        self._org, self._price_book, self._maker = org, settings.price_book, Maker(org)
        self._quantity, self._price = settings.quantity_decimals, settings.price_decimals

    # ------------------------------------------------------------ drafts

    async def put(self, command: PutOrder, key: str) -> Written:
        """A draft with its lines. A repetition makes only what is not there."""
        _check(self._org, command)
        for line in command.lines:
            self._demand_digits(f"the quantity of line `{line.key}`", line.quantity, self._quantity)
            self._demand_digits(f"the price of line `{line.key}`", line.unit_price.amount, self._price)
        prices = await self._prices(command)
        first = next(iter(prices.values()))
        head = {
            "AccountId": command.account_key,
            "Status": facts.DRAFT,
            "CurrencyIsoCode": command.currency,
            "EffectiveDate": command.effective_on,
            "EndDate": command.end_on,
            "Pricebook2Id": first.Pricebook2Id,
            "ContractId": command.contract_key,
            "PoNumber": command.purchase_order,
            "Opportunity__c": command.opportunity_key,
            "Legal_Entity__c": command.legal_entity,
            "Sold_To__c": command.parties.sold_to_key,
            "Bill_To__c": command.parties.bill_to_key,
            "Ship_To__c": command.parties.ship_to_key,
            "Payer__c": command.parties.payer_key,
            "End_Customer__c": command.parties.end_customer_key,
            "Reseller__c": command.parties.reseller_key,
        }
        lines = [
            Line(
                line.key,
                {
                    "PricebookEntryId": prices[line.product_code].Id,
                    "Quantity": line.quantity,
                    "UnitPrice": line.unit_price.amount,
                    "ServiceDate": line.service_on,
                    "EndDate": line.end_on,
                    "Description": line.description,
                },
            )
            for line in command.lines
        ]
        return await self._maker.make(command, key, self._drafted(command), head, lines, activated=False)

    async def found_draft(self, command: PutOrder, key: str) -> Written | None:
        """The order with all its lines; None where any of them is missing: to do it again adds those."""
        return await self._maker.found(key, self._drafted(command), activated=False)

    async def begun_draft(self, command: PutOrder, key: str) -> Written | None:
        """The order with the lines that it has."""
        return await self._maker.begun(key, self._drafted(command))

    def _demand_digits(self, what: str, figure: Decimal, decimals: int) -> None:
        """Raises Rejected for a figure that the org would round without a word."""
        with localcontext() as context:
            context.prec = _DIGITS
            kept = round(figure, decimals)
        if figure != kept:
            message = f"{what} is {figure}, and the org keeps {decimals} digits after the point"
            raise Rejected(f"`{self._org.source}`: {message}", source=self._org.source, vendor_code="DIGITS")

    @staticmethod
    def _drafted(command: PutOrder) -> Making:
        quantities = {line.key: line.quantity for line in command.lines}
        return Making(quantities, {"AccountId": command.account_key, "CurrencyIsoCode": command.currency})

    async def _prices(self, command: PutOrder) -> dict[str, wire.PricebookEntry]:
        """The price book's entry of each product, in the order's currency."""
        codes = list(dict.fromkeys(line.product_code for line in command.lines))
        book = f"Pricebook2Id = {literal(self._price_book)}" if self._price_book else "Pricebook2.IsStandard = true"
        found: dict[str, wire.PricebookEntry] = {}
        for start in range(0, len(codes), facts.IN_LIST):
            part = codes[start : start + facts.IN_LIST]
            currency = f"{facts.CURRENCY} = {literal(command.currency)}"
            where = (one_of("ProductCode", part), currency, book, "IsActive = true")
            query = Query(wire.fields(wire.PricebookEntry), "PricebookEntry", where, ("Id ASC",))
            for entry in await self._org.select(query, wire.PricebookEntry):
                code = str(entry.ProductCode)
                if code in found:
                    raise Ambiguous(
                        f"`{self._org.source}` has several prices of `{code}` in {command.currency}: leave one active",
                        source=self._org.source,
                    )
                found[code] = entry
        missing = [code for code in codes if code not in found]
        if missing:
            raise Rejected(
                f"`{self._org.source}` has no active price of `{missing[0]}` in {command.currency}: add it to the "
                "price book",
                source=self._org.source,
            )
        return found

    # ------------------------------------------------------------ what becomes of an order

    async def activate(self, command: ActivateOrder, key: str) -> Written:
        """Makes a draft binding."""
        order = await self._org.one(wire.Order, command.order_key)
        if order.has(key) or order.StatusCode == facts.ACTIVATED:
            return written(self._org, order, number=order.OrderNumber, replayed=True)
        if order.StatusCode != facts.DRAFT:
            raise Locked(
                f"`{self._org.source}` has order `{order.OrderNumber}` as `{order.StatusCode}`: only a draft is "
                "activated",
                source=self._org.source,
            )
        return await self._status(order, facts.ACTIVATED, command, key)

    async def cancel(self, command: CancelOrder, key: str) -> Written:
        """Takes back a draft."""
        order = await self._org.one(wire.Order, command.order_key)
        if order.has(key) or order.StatusCode == facts.CANCELED:
            return written(self._org, order, number=order.OrderNumber, replayed=True)
        if order.StatusCode != facts.DRAFT:
            raise Locked(
                f"`{self._org.source}` has order `{order.OrderNumber}` as `{order.StatusCode}`: reduce it instead",
                source=self._org.source,
            )
        return await self._status(order, facts.CANCELED, command, key)

    async def altered(self, command: ActivateOrder | CancelOrder, key: str) -> Written | None:
        """Whether the change is in the order."""
        order = await self._org.one(wire.Order, command.order_key)
        return written(self._org, order, number=order.OrderNumber, replayed=True) if order.has(key) else None

    async def _status(self, order: wire.Order, status: str, command: Command, key: str) -> Written:
        changed, request = await self._org.change(order, {"Status": status}, command, key, f"order.{status.lower()}")
        return written(self._org, changed, number=changed.OrderNumber, request_id=request)

    # ------------------------------------------------------------ reductions

    async def reduce(self, command: ReduceOrder, key: str) -> Written:
        """An activated reduction order: what goes is gone with it."""
        if not command.lines or any(quantity <= 0 for quantity in command.lines.values()):
            raise BadAsk("a reduction says of each line how much goes, more than nothing", source=self._org.source)
        for line, quantity in command.lines.items():
            self._demand_digits(f"what goes of line `{line}`", quantity, self._quantity)
        original = await self._org.one(wire.Order, command.order_key)
        items = {item.Id: item for item in await self._org.items(original.Id)}
        unknown = next((line for line in command.lines if line not in items), None)
        if unknown is not None:
            raise Rejected(
                f"`{self._org.source}` has no line `{unknown}` in order `{original.OrderNumber}`",
                source=self._org.source,
            )
        head = {
            "AccountId": original.AccountId,
            "Status": facts.DRAFT,
            "CurrencyIsoCode": original.CurrencyIsoCode,
            "EffectiveDate": command.effective_on,
            "IsReductionOrder": True,
            "OriginalOrderId": original.Id,
            "Pricebook2Id": original.Pricebook2Id,
            "ContractId": original.ContractId,
            "Legal_Entity__c": original.Legal_Entity__c,
            "Sold_To__c": original.Sold_To__c,
            "Bill_To__c": original.Bill_To__c,
            "Ship_To__c": original.Ship_To__c,
            "Payer__c": original.Payer__c,
            "End_Customer__c": original.End_Customer__c,
            "Reseller__c": original.Reseller__c,
        }
        lines = [Line(line, _reduced(items[line], quantity)) for line, quantity in command.lines.items()]
        return await self._maker.make(command, key, _reducing(command), head, lines, activated=True)

    async def begun_reduction(self, command: ReduceOrder, key: str) -> Written | None:
        """The reduction, also as a draft that lacks lines."""
        return await self._maker.begun(key, _reducing(command))

    async def found_reduction(self, command: ReduceOrder, key: str) -> Written | None:
        """The reduction, once it is activated."""
        return await self._maker.found(key, _reducing(command), activated=True)


def _reducing(command: ReduceOrder) -> Making:
    quantities = {line: -quantity for line, quantity in command.lines.items()}
    return Making(quantities, {"OriginalOrderId": command.order_key})


def _reduced(item: wire.OrderItem, quantity: Decimal) -> dict[str, Any]:
    return {
        "OriginalOrderItemId": item.Id,
        "PricebookEntryId": item.PricebookEntryId,
        "Quantity": -quantity,
        "UnitPrice": item.UnitPrice,
    }


def _check(org: Org, command: PutOrder) -> None:
    """Raises BadAsk for an order that is none."""
    if not command.lines:
        raise BadAsk("an order has at least one line", source=org.source)
    twice = [key for key, count in Counter(line.key for line in command.lines).items() if count > 1]
    if twice:
        raise BadAsk(f"the line key `{twice[0]}` is there twice: each line has one of its own", source=org.source)
    other = [line.unit_price.currency for line in command.lines if line.unit_price.currency != command.currency]
    if other:
        raise BadAsk(f"a line is priced in {other[0]} and the order in {command.currency}", source=org.source)
