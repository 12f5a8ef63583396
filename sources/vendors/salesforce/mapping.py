"""Salesforce records into canonical ones: pure and total; an unknown word is an error with its field and value."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from sources import canonical as c
from sources.canonical import EntitlementStatus as Right
from sources.canonical import Evidence, ExternalId, Lifecycle, Money, OrderStatus, System
from sources.errors import UnknownValue
from sources.vendors.salesforce import facts, wire

VENDOR = "salesforce"
T = TypeVar("T")

LIFECYCLE = {"Prospect": Lifecycle.PROSPECT, "Active": Lifecycle.ACTIVE, "Inactive": Lifecycle.INACTIVE}
RESTRICTION = {
    "Legal Hold": c.Restriction.LEGAL_HOLD,
    "Sanctions": c.Restriction.SANCTIONS,
    "Fraud": c.Restriction.FRAUD,
}
ROLE = {
    "Business": c.ContactRole.BUSINESS,
    "Billing": c.ContactRole.BILLING,
    "Technical": c.ContactRole.TECHNICAL,
    "Shipping": c.ContactRole.SHIPPING,
}
AUTHORITY = {
    "None": c.SupportAuthority.NONE,
    "View": c.SupportAuthority.VIEW,
    "Open": c.SupportAuthority.OPEN,
    "Escalate": c.SupportAuthority.ESCALATE,
    "Admin": c.SupportAuthority.ADMIN,
}
CONTRACT = {
    "Draft": "DRAFT",
    "InApproval": "PENDING_ACTIVATION",
    "Activated": "ACTIVE",
    "Terminated": "TERMINATED",
    "Expired": "EXPIRED",
}
ORDER = {
    "Draft": OrderStatus.DRAFT,
    "Activated": OrderStatus.APPROVED,
    "Canceled": OrderStatus.CANCELED,
    "Expired": OrderStatus.CLOSED,
}
ENTITLEMENT = {"Active": Right.ACTIVE, "Expired": Right.EXPIRED, "Inactive": Right.PENDING}
COVERAGE = {"Own": c.Coverage.OWN, "Affiliates": c.Coverage.AFFILIATES, "Listed": c.Coverage.LISTED}
CASE = {"New": "NEW", "Working": "OPEN", "Escalated": "OPEN", "Closed": "CLOSED"}
PRIORITY = {"High": c.Priority.HIGH, "Medium": c.Priority.NORMAL, "Low": c.Priority.LOW}
DESK_STATUS = {"New": c.CaseStatus.NEW, "Working": c.CaseStatus.OPEN, "Escalated": c.CaseStatus.OPEN}
KIND = {"Problem": "PROBLEM", "Incident": "INCIDENT", "Question": "QUESTION", "Task": "TASK"}
MILESTONE = {
    "Compliant": "COMPLIANT",
    "Open Violation": "OPEN_VIOLATION",
    "Closed Violation": "CLOSED_VIOLATION",
}


class Origin(msgspec.Struct, frozen=True):
    """Where and when records were read, and how the org's region words are ours."""

    source: str
    as_of: datetime
    regions: Mapping[str, str]
    zone: str | None = None


def word(table: Mapping[str, T], field: str, raw: str | None) -> T:
    """A vocabulary's entry; raises UnknownValue."""
    try:
        return table[raw or ""]
    except KeyError:
        raise UnknownValue(VENDOR, field, raw) from None


def instant(field: str, raw: str | None) -> datetime | None:
    """`2026-11-21T06:18:00.000+0000`, UTC."""
    try:
        return datetime.fromisoformat(raw).astimezone(UTC) if raw else None
    except (ValueError, OverflowError):
        raise UnknownValue(VENDOR, field, raw) from None


def day(field: str, raw: str | None) -> date | None:
    """A plain day."""
    try:
        return date.fromisoformat(raw) if raw else None
    except ValueError:
        raise UnknownValue(VENDOR, field, raw) from None


def money(field: str, amount: Decimal | None, currency: str | None) -> Money | None:
    """An amount in the record's currency."""
    if amount is None or currency is None:
        return None
    try:
        return Money.of(amount, currency)
    except ValueError:
        raise UnknownValue(VENDOR, field, f"{amount} {currency}") from None


def number(field: str, value: Decimal) -> Decimal:
    """A number that can be calculated with; `nan` is text that counts as one."""
    if not c.sensible(value):
        raise UnknownValue(VENDOR, field, value)
    return value


def domain(website: str | None) -> str | None:
    """The bare host of a website, lower case, without `www.`."""
    if not website:
        return None
    host = website.strip().lower().partition("://")[2] or website.strip().lower()
    host = host.partition("/")[0].partition("?")[0].partition(":")[0].removeprefix("www.")
    return host or None


def _base(origin: Origin, key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "source": origin.source, "source_id": key, "as_of": origin.as_of, **more}


def _owned(origin: Origin, key: str, account: str | None) -> dict[str, Any]:
    return _base(origin, key, account_key=account or "", source_account_id=account or "")


def account(found: wire.Account, origin: Origin) -> c.Account:
    """An account; the loser of a merge is MERGED whatever else it says."""
    lifecycle, field, raw = _lifecycle(found)
    country = found.BillingCountry
    return c.Account(
        **_base(origin, found.Id, external_ids=_external(found)),
        name=found.Name or "",
        lifecycle=lifecycle,
        lifecycle_evidence=(Evidence(origin.source, field, raw or ""),),
        restrictions=(word(RESTRICTION, "Account.Restriction__c", found.Restriction__c),)
        if found.Restriction__c
        else (),
        parent_key=found.ParentId,
        merged_into_key=found.MasterRecordId,
        deleted=found.IsDeleted,
        owner=_owner(found),
        owner_notes=found.Description,
        industry=found.Industry,
        region=_region(found.Region__c, origin),
        country=country if country and len(country) == 2 and country.isupper() else None,
        domain=domain(found.Website),
        residency_zone=origin.zone,
        created_at=instant("Account.CreatedDate", found.CreatedDate),
        updated_at=instant("Account.LastModifiedDate", found.LastModifiedDate),
    )


def _lifecycle(found: wire.Account) -> tuple[Lifecycle, str, str | None]:
    if found.MasterRecordId is not None:
        return Lifecycle.MERGED, "Account.MasterRecordId", found.MasterRecordId
    if found.Status__c is not None:
        return word(LIFECYCLE, "Account.Status__c", found.Status__c), "Account.Status__c", found.Status__c
    prospect = found.Type == "Prospect"
    return (Lifecycle.PROSPECT if prospect else Lifecycle.ACTIVE), "Account.Type", found.Type


def _owner(found: wire.Account) -> c.Owner | None:
    if found.OwnerId is None:
        return None
    person = found.Owner or wire.Named()
    return c.Owner(found.OwnerId, person.Name, person.Email)


def _external(found: wire.Account) -> tuple[ExternalId, ...]:
    known = ((System.BILLING, found.Billing_Customer_Id__c), (System.ERP, found.ERP_Customer_Id__c))
    return tuple(ExternalId(system, id_) for system, id_ in known if id_)


def _region(raw: str | None, origin: Origin) -> str | None:
    """A word that no map knows is no region: a rule by region then denies."""
    if raw is None:
        return None
    return origin.regions.get(raw) if origin.regions else raw


def contact(found: wire.Contact, origin: Origin) -> c.Contact:
    """A contact."""
    return c.Contact(
        **_owned(origin, found.Id, found.AccountId),
        first_name=found.FirstName,
        last_name=found.LastName,
        name=_called(found),
        email=found.Email.lower() if found.Email else None,
        phone=found.Phone,
        title=found.Title,
        role=word(ROLE, "Contact.Role__c", found.Role__c) if found.Role__c else c.ContactRole.BUSINESS,
        reports_to_key=found.ReportsToId,
        support_authority=word(AUTHORITY, "Contact.Support_Authority__c", found.Support_Authority__c or "None"),
        authorised_by=found.Authorised_By__c,
        authorised_until=instant("Contact.Authorised_Until__c", found.Authorised_Until__c),
        deleted=found.IsDeleted,
        updated_at=instant("Contact.LastModifiedDate", found.LastModifiedDate),
    )


def _called(found: wire.Contact) -> str:
    return found.Name or " ".join(each for each in (found.FirstName, found.LastName) if each)


def contract(found: wire.Contract, origin: Origin) -> c.SubscriptionContract:
    """A contract."""
    return c.SubscriptionContract(
        **_owned(origin, found.Id, found.AccountId),
        subscription_key=found.Subscription_Id__c,
        number=found.ContractNumber,
        status=word(CONTRACT, "Contract.StatusCode", found.StatusCode),
        status_evidence=(Evidence(origin.source, "Contract.StatusCode", found.StatusCode or ""),),
        start_on=day("Contract.StartDate", found.StartDate),
        end_on=day("Contract.EndDate", found.EndDate),
        term_months=found.ContractTerm,
    )


def renewal(found: wire.Opportunity, origin: Origin) -> c.Renewal:
    """An opportunity of the type Renewal."""
    return c.Renewal(
        **_owned(origin, found.Id, found.AccountId),
        name=found.Name or "",
        subscription_key=found.Subscription_Id__c,
        contract_key=found.ContractId,
        stage=found.StageName,
        open=not found.IsClosed,
        won=found.IsWon,
        amount=money("Opportunity.Amount", found.Amount, found.CurrencyIsoCode),
        close_on=day("Opportunity.CloseDate", found.CloseDate),
        probability=None if found.Probability is None else number("Opportunity.Probability", found.Probability),
    )


def order(found: wire.Order, origin: Origin) -> c.Order:
    """An order with its lines."""
    currency = found.CurrencyIsoCode
    items = found.OrderItems.records if found.OrderItems else []
    return c.Order(
        **_owned(origin, found.Id, found.AccountId),
        number=found.OrderNumber,
        status=word(ORDER, "Order.StatusCode", found.StatusCode),
        status_evidence=(Evidence(origin.source, "Order.StatusCode", found.StatusCode),),
        currency=currency,
        total=money("Order.TotalAmount", found.TotalAmount, currency),
        effective_on=day("Order.EffectiveDate", found.EffectiveDate),
        end_on=day("Order.EndDate", found.EndDate),
        lines=tuple(_line(item, currency) for item in items),
        contract_key=found.ContractId,
        reduction=found.IsReductionOrder,
        original_order_key=found.OriginalOrderId,
        legal_entity=found.Legal_Entity__c,
        parties=c.Parties(
            sold_to_key=found.Sold_To__c,
            payer_key=found.Payer__c,
            bill_to_key=found.Bill_To__c,
            ship_to_key=found.Ship_To__c,
            end_customer_key=found.End_Customer__c,
            reseller_key=found.Reseller__c,
        ),
        purchase_order=found.PoNumber,
        operation=found.Gateway_Operation__c or found.Gateway_Op_Id__c,
        created_at=instant("Order.CreatedDate", found.CreatedDate),
        updated_at=instant("Order.LastModifiedDate", found.LastModifiedDate),
    )


def _line(item: wire.OrderItem, currency: str | None) -> c.OrderLine:
    product = item.Product2 or wire.Named()
    unit_price = None
    if item.UnitPrice is not None and currency is not None:
        unit_price = c.UnitPrice(number("OrderItem.UnitPrice", item.UnitPrice), currency)
    return c.OrderLine(
        key=item.Id,
        product_code=product.ProductCode,
        product_name=product.Name,
        quantity=number("OrderItem.Quantity", item.Quantity),
        unit_price=unit_price,
        total=money("OrderItem.TotalPrice", item.TotalPrice, currency),
        service_on=day("OrderItem.ServiceDate", item.ServiceDate),
        end_on=day("OrderItem.EndDate", item.EndDate),
    )


def entitlement(found: wire.Entitlement, origin: Origin) -> c.Entitlement:
    """A right to support."""
    status = word(ENTITLEMENT, "Entitlement.Status", found.Status)
    pack = None
    if found.IsPerIncident:
        pack = c.Pack(total=found.CasesPerEntitlement, remaining=found.RemainingCases or 0)
        status = Right.EXHAUSTED if status is Right.ACTIVE and pack.remaining <= 0 else status
    covers = tuple(each.strip() for each in (found.Covers__c or "").split(";") if each.strip())
    return c.Entitlement(
        **_owned(origin, found.Id, found.AccountId),
        name=found.Name or "",
        support_tier=found.Support_Plan__c.lower() if found.Support_Plan__c else None,
        status=status,
        status_evidence=(Evidence(origin.source, "Entitlement.Status", found.Status),),
        coverage=word(COVERAGE, "Entitlement.Coverage__c", found.Coverage__c or "Own"),
        covers=covers,
        starts_on=day("Entitlement.StartDate", found.StartDate),
        ends_on=day("Entitlement.EndDate", found.EndDate),
        time_zone=found.Time_Zone__c,
        pack=pack,
        subscription_key=found.Subscription_Id__c,
        contract_key=None,
    )


def case_mirror(found: wire.Case, origin: Origin) -> c.CaseMirror:
    """The org's copy of a ticket."""
    return c.CaseMirror(
        **_owned(origin, found.Id, found.AccountId),
        case_key=found.Support_Ticket_Id__c,
        number=found.CaseNumber,
        status="CLOSED" if found.IsClosed else word(CASE, "Case.Status", found.Status),
        escalated=found.IsEscalated or found.Status == "Escalated",
        closed=found.IsClosed,
        priority=word(PRIORITY, "Case.Priority", found.Priority) if found.Priority else None,
        milestone_status=word(MILESTONE, "Case.MilestoneStatus", found.MilestoneStatus)
        if found.MilestoneStatus
        else None,
        entitlement_key=found.EntitlementId,
        contact_key=found.ContactId,
        sla_start_at=instant("Case.SlaStartDate", found.SlaStartDate),
        sla_exit_at=instant("Case.SlaExitDate", found.SlaExitDate),
        stopped=bool(found.IsStopped),
    )


def case(found: wire.DeskCase, origin: Origin) -> c.Case:
    """A case of an org that is the desk. No priority means normal; a type that is none of our kinds is none."""
    status, field, raw = _case_status(found)
    owner, queue = found.OwnerId, (found.OwnerId or "").startswith(facts.QUEUE)
    return c.Case(
        **_owned(origin, found.Id, found.AccountId),
        number=found.CaseNumber,
        subject=found.Subject,
        description=found.Description,
        status=status,
        status_evidence=(Evidence(origin.source, field, raw or ""),),
        priority=word(PRIORITY, "Case.Priority", found.Priority) if found.Priority else c.Priority.NORMAL,
        kind=KIND.get(found.Type or ""),
        escalated=found.IsEscalated or found.Status == facts.ESCALATED,
        requester_key=found.ContactId,
        assignee_key=None if queue else owner,
        queue=owner if queue else None,
        created_at=instant("Case.CreatedDate", found.CreatedDate),
        updated_at=instant("Case.LastModifiedDate", found.LastModifiedDate),
        solved_at=instant("Case.ClosedDate", found.ClosedDate),
    )


def _case_status(found: wire.DeskCase) -> tuple[c.CaseStatus, str, str | None]:
    if found.IsClosed:
        return c.CaseStatus.CLOSED, "Case.IsClosed", "true"
    if found.IsStopped:
        return c.CaseStatus.ON_HOLD, "Case.IsStopped", "true"
    return word(DESK_STATUS, "Case.Status", found.Status), "Case.Status", found.Status


def support_organization(found: wire.DeskAccount, origin: Origin) -> c.SupportOrganization:
    """An account as the party of its cases; its plan is that of the right in force that began last."""
    rights = found.Entitlements.records if found.Entitlements else []
    plan = next((each.Support_Plan__c for each in rights if each.Support_Plan__c), None)
    host = domain(found.Website)
    return c.SupportOrganization(
        **_owned(origin, found.Id, found.Id),
        name=found.Name or "",
        domains=(host,) if host else (),
        support_plan=plan.lower() if plan else None,
        region=_region(found.Region__c, origin),
        updated_at=instant("Account.LastModifiedDate", found.LastModifiedDate),
    )


def requester(found: wire.Contact, origin: Origin) -> c.Requester:
    """A contact as somebody who opens cases."""
    return c.Requester(
        **_owned(origin, found.Id, found.AccountId),
        name=_called(found),
        email=found.Email.lower() if found.Email else None,
        contact_key=found.Id,
        role="END_USER",
        updated_at=instant("Contact.LastModifiedDate", found.LastModifiedDate),
    )


def sla_process(found: wire.SlaProcess, origin: Origin) -> c.SlaProcess:
    """An SLA process; its plan is the first word of its name."""
    words = found.Name.split()
    return c.SlaProcess(
        **_base(origin, found.Id),
        plan_key=words[0].lower() if words else "",
        name=found.Name,
        active=found.IsActive,
    )
