"""Salesforce's records as typed structs: what we read of them; amounts are read from the text as Decimal."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Token(msgspec.Struct):
    """The token answer."""

    access_token: str
    instance_url: str | None = None


class Problem(msgspec.Struct):
    """One error of the array."""

    message: str = ""
    errorCode: str = ""
    fields: list[str] | None = None


class Allotment(msgspec.Struct):
    """One of the org's limits."""

    Max: int
    Remaining: int


class Limits(msgspec.Struct):
    """The org's limits."""

    DailyApiRequests: Allotment


class Page(msgspec.Struct, Generic[T]):
    """One page of a query."""

    records: list[T]
    done: bool
    totalSize: int = 0
    nextRecordsUrl: str | None = None


class Result(msgspec.Struct):
    """One subrequest's answer."""

    statusCode: int
    result: msgspec.Raw


class Batch(msgspec.Struct):
    """A composite batch's answer."""

    results: list[Result]


class Named(msgspec.Struct):
    """A related record with a name."""

    Name: str | None = None
    Email: str | None = None
    ProductCode: str | None = None


class Account(msgspec.Struct):
    """Account."""

    Id: str
    Name: str | None = None
    Type: str | None = None
    Industry: str | None = None
    ParentId: str | None = None
    MasterRecordId: str | None = None
    IsDeleted: bool = False
    OwnerId: str | None = None
    Owner: Named | None = None
    Description: str | None = None
    BillingCountry: str | None = None
    Website: str | None = None
    CreatedDate: str | None = None
    LastModifiedDate: str | None = None
    Status__c: str | None = None
    Region__c: str | None = None
    Restriction__c: str | None = None
    Billing_Customer_Id__c: str | None = None
    ERP_Customer_Id__c: str | None = None


class Contact(msgspec.Struct):
    """Contact."""

    Id: str
    AccountId: str | None = None
    FirstName: str | None = None
    LastName: str | None = None
    Name: str | None = None
    Email: str | None = None
    Phone: str | None = None
    Title: str | None = None
    ReportsToId: str | None = None
    IsDeleted: bool = False
    LastModifiedDate: str | None = None
    Role__c: str | None = None
    Support_Authority__c: str | None = None
    Authorised_By__c: str | None = None
    Authorised_Until__c: str | None = None


class Contract(msgspec.Struct):
    """Contract."""

    Id: str
    AccountId: str | None = None
    ContractNumber: str | None = None
    Status: str | None = None
    StatusCode: str | None = None
    StartDate: str | None = None
    EndDate: str | None = None
    ContractTerm: int | None = None
    Subscription_Id__c: str | None = None


class Opportunity(msgspec.Struct):
    """Opportunity."""

    Id: str
    IsClosed: bool
    IsWon: bool
    StageName: str
    AccountId: str | None = None
    Name: str | None = None
    Amount: Decimal | None = None
    CurrencyIsoCode: str | None = None
    CloseDate: str | None = None
    Probability: Decimal | None = None
    ContractId: str | None = None
    Subscription_Id__c: str | None = None


class OrderItem(msgspec.Struct):
    """OrderItem."""

    Id: str
    Quantity: Decimal
    UnitPrice: Decimal | None = None
    TotalPrice: Decimal | None = None
    ServiceDate: str | None = None
    EndDate: str | None = None
    Product2: Named | None = None


class Order(msgspec.Struct):
    """Order, with its items."""

    Id: str
    StatusCode: str
    AccountId: str | None = None
    ContractId: str | None = None
    OrderNumber: str | None = None
    Status: str | None = None
    EffectiveDate: str | None = None
    EndDate: str | None = None
    TotalAmount: Decimal | None = None
    CurrencyIsoCode: str | None = None
    IsReductionOrder: bool = False
    OriginalOrderId: str | None = None
    CreatedDate: str | None = None
    LastModifiedDate: str | None = None
    Legal_Entity__c: str | None = None
    Bill_To__c: str | None = None
    Ship_To__c: str | None = None
    End_Customer__c: str | None = None
    Reseller__c: str | None = None
    Sold_To__c: str | None = None
    Payer__c: str | None = None
    PoNumber: str | None = None
    Gateway_Op_Id__c: str | None = None
    Gateway_Operation__c: str | None = None
    OrderItems: Page[OrderItem] | None = None


class Entitlement(msgspec.Struct):
    """Entitlement."""

    Id: str
    Status: str
    AccountId: str | None = None
    Name: str | None = None
    Type: str | None = None
    StartDate: str | None = None
    EndDate: str | None = None
    IsPerIncident: bool = False
    CasesPerEntitlement: int | None = None
    RemainingCases: int | None = None
    ServiceContractId: str | None = None
    Support_Plan__c: str | None = None
    Coverage__c: str | None = None
    Covers__c: str | None = None
    Subscription_Id__c: str | None = None
    Time_Zone__c: str | None = None


class Case(msgspec.Struct):
    """Case."""

    Id: str
    Status: str
    AccountId: str | None = None
    ContactId: str | None = None
    CaseNumber: str | None = None
    EntitlementId: str | None = None
    Priority: str | None = None
    IsClosed: bool = False
    IsEscalated: bool = False
    IsStopped: bool | None = None
    MilestoneStatus: str | None = None
    SlaStartDate: str | None = None
    SlaExitDate: str | None = None
    Support_Ticket_Id__c: str | None = None


class DeskCase(msgspec.Struct):
    """Case, of an org that is the desk."""

    Id: str
    Status: str | None = None
    AccountId: str | None = None
    ContactId: str | None = None
    CaseNumber: str | None = None
    OwnerId: str | None = None
    Subject: str | None = None
    Description: str | None = None
    Type: str | None = None
    Priority: str | None = None
    IsClosed: bool = False
    IsEscalated: bool = False
    IsStopped: bool | None = None
    CreatedDate: str | None = None
    LastModifiedDate: str | None = None
    ClosedDate: str | None = None


class Right(msgspec.Struct):
    """An entitlement's plan."""

    Support_Plan__c: str | None = None


class DeskAccount(msgspec.Struct):
    """Account, with the plan of the right that it has."""

    Id: str
    Name: str | None = None
    Website: str | None = None
    Region__c: str | None = None
    LastModifiedDate: str | None = None
    Entitlements: Page[Right] | None = None


class SlaProcess(msgspec.Struct):
    """SlaProcess."""

    Id: str
    Name: str
    IsActive: bool = True
