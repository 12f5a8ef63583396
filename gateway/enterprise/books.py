"""The four books while they are being written."""

from __future__ import annotations

from dataclasses import dataclass, field

from sources.simulation.enterprise import (
    BillCreditNote,
    BillCustomer,
    BillEntitlement,
    BillInvoice,
    BillPayment,
    BillSubscription,
    BillUsage,
    Contradiction,
    CrmAccount,
    CrmCase,
    CrmContact,
    CrmContract,
    CrmEntitlement,
    CrmOpportunity,
    CrmOrder,
    DeskOrganization,
    DeskTicket,
    DeskUser,
    ErpCustomer,
    ErpDocument,
    ErpRevenue,
)


@dataclass
class Books:
    """Entries in the order they were made, by kind."""

    accounts: list[CrmAccount] = field(default_factory=list)
    contacts: list[CrmContact] = field(default_factory=list)
    contracts: list[CrmContract] = field(default_factory=list)
    opportunities: list[CrmOpportunity] = field(default_factory=list)
    orders: list[CrmOrder] = field(default_factory=list)
    crm_entitlements: list[CrmEntitlement] = field(default_factory=list)
    cases: list[CrmCase] = field(default_factory=list)
    bill_customers: list[BillCustomer] = field(default_factory=list)
    usage: list[BillUsage] = field(default_factory=list)
    subscriptions: list[BillSubscription] = field(default_factory=list)
    invoices: list[BillInvoice] = field(default_factory=list)
    payments: list[BillPayment] = field(default_factory=list)
    credit_notes: list[BillCreditNote] = field(default_factory=list)
    bill_entitlements: list[BillEntitlement] = field(default_factory=list)
    erp_customers: list[ErpCustomer] = field(default_factory=list)
    documents: list[ErpDocument] = field(default_factory=list)
    revenue: list[ErpRevenue] = field(default_factory=list)
    organizations: list[DeskOrganization] = field(default_factory=list)
    users: list[DeskUser] = field(default_factory=list)
    tickets: list[DeskTicket] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)

    def contradict(self, account_id: str, kind: str, left: str, right: str) -> None:
        """Records where two books disagree on purpose; each side is `system: what it says`."""
        self.contradictions.append(Contradiction(account_id=account_id, kind=kind, left=left, right=right))
