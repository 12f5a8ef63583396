"""What a writer reads back of records, and the answers of a composite request."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from sources.deeds import keys_of


class Stamped(msgspec.Struct, kw_only=True):
    """What every record that we write has. `Gateway_Op_Id__c` is the key of the change that made it, unique;
    `Gateway_Changes__c` the keys of the last changes, one a line, the newest first."""

    Id: str
    CreatedDate: str | None = None
    LastModifiedDate: str | None = None
    Gateway_Op_Id__c: str | None = None
    Gateway_Changes__c: str | None = None

    def has(self, key: str) -> bool:
        """Whether the change with this key is in the record."""
        return key == self.Gateway_Op_Id__c or key in keys_of(self.Gateway_Changes__c)


class Account(Stamped, kw_only=True):
    """Account."""


class Opportunity(Stamped, kw_only=True):
    """Opportunity."""

    CurrencyIsoCode: str | None = None


class Contract(Stamped, kw_only=True):
    """Contract."""

    AccountId: str
    ContractNumber: str | None = None
    StatusCode: str
    StartDate: str | None = None
    EndDate: str | None = None


class Order(Stamped, kw_only=True):
    """Order."""

    AccountId: str
    OrderNumber: str | None = None
    StatusCode: str
    TotalAmount: Decimal | None = None
    CurrencyIsoCode: str | None = None
    OriginalOrderId: str | None = None
    Pricebook2Id: str | None = None
    ContractId: str | None = None
    Legal_Entity__c: str | None = None
    Bill_To__c: str | None = None
    Ship_To__c: str | None = None
    End_Customer__c: str | None = None
    Reseller__c: str | None = None
    Sold_To__c: str | None = None
    Payer__c: str | None = None


class Entitlement(Stamped, kw_only=True):
    """Entitlement. `Status` follows from its days."""

    AccountId: str
    Status: str | None = None
    StartDate: str | None = None


class Case(Stamped, kw_only=True):
    """Case. `Gateway_Asked__c` is a hash of what it was opened with."""

    CaseNumber: str | None = None
    Priority: str | None = None
    IsClosed: bool = False
    Gateway_Asked__c: str | None = None


class OrderItem(msgspec.Struct):
    """A product of an order; `Gateway_Op_Id__c` is `{key of the change}:{line's key}`."""

    Id: str
    Quantity: Decimal
    PricebookEntryId: str | None = None
    UnitPrice: Decimal | None = None
    AvailableQuantity: Decimal | None = None
    Gateway_Op_Id__c: str | None = None


class PricebookEntry(msgspec.Struct):
    """A price of a product."""

    Id: str
    Pricebook2Id: str
    ProductCode: str | None = None


class Done(msgspec.Struct):
    """A record that was made."""

    id: str


class Part(msgspec.Struct):
    """One answer in a composite one."""

    httpStatusCode: int
    referenceId: str
    body: msgspec.Raw = msgspec.Raw(b"null")


class Composite(msgspec.Struct):
    """The answers, in order."""

    compositeResponse: list[Part]


def fields(shape: type[Any]) -> str:
    """The names that a `shape` reads."""
    return ",".join(each.encode_name for each in msgspec.structs.fields(shape))
