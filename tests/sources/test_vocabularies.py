"""Every status of a vendor maps, or fails loudly with vendor, field and value; and rows with nothing in them still map."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical import Lifecycle, Money, Priority
from sources.errors import UnknownValue
from sources.vendors.netsuite import mapping as erp
from sources.vendors.salesforce import mapping as crm
from sources.vendors.salesforce import wire as crm_wire
from sources.vendors.zendesk import mapping as desk
from sources.vendors.zendesk import wire as desk_wire

NOW = datetime(2026, 11, 20, tzinfo=UTC)
CRM = crm.Origin("crm", NOW, {})
ERP = erp.Origin("erp", NOW)
ROW = {"id": "1", "currency": "EUR", "total": "1.00", "account_key": "001A"}


def order(status: str) -> Any:
    return crm.order(crm_wire.Order(Id="801", StatusCode=status), CRM)


def contract(status: str) -> Any:
    return crm.contract(crm_wire.Contract(Id="800", StatusCode=status), CRM)


def right(status: str) -> Any:
    return crm.entitlement(crm_wire.Entitlement(Id="550", Status=status), CRM)


def account(status: str) -> Any:
    return crm.account(crm_wire.Account(Id="001", Status__c=status), CRM)


def ticket(status: str) -> Any:
    return desk.case(desk_wire.Ticket(id=1, status=status), "support", NOW)


def priority(value: str) -> Any:
    return desk.case(desk_wire.Ticket(id=1, status="open", priority=value), "support", NOW)


def target(stage: str) -> Any:
    slas = desk_wire.Slas([desk_wire.Metric("first_reply_time", stage)])
    return desk.case(desk_wire.Ticket(id=1, status="open", slas=slas), "support", NOW)


def posted(status: str) -> Any:
    return erp.posted_invoice({**ROW, "status": status}, ERP)


def sold(status: str) -> Any:
    return erp.sales_order({**ROW, "status": status}, ERP)


def paid(status: str) -> Any:
    return erp.payment([{**ROW, "status": status}], ERP)


def credited(status: str) -> Any:
    return erp.credit_memo([{**ROW, "status": status}], ERP)


def recognised(status: str) -> Any:
    return erp.revenue_schedule({**ROW, "status": status}, ERP)


VOCABULARIES: list[tuple[str, str, Callable[[str], Any], frozenset[str]]] = [
    ("salesforce", "Order.StatusCode", order, frozenset(crm.ORDER)),
    ("salesforce", "Contract.StatusCode", contract, frozenset(crm.CONTRACT)),
    ("salesforce", "Entitlement.Status", right, frozenset(crm.ENTITLEMENT)),
    ("salesforce", "Account.Status__c", account, frozenset(crm.LIFECYCLE)),
    ("zendesk", "ticket.status", ticket, frozenset(desk.STATUS)),
    ("zendesk", "ticket.priority", priority, frozenset(desk.PRIORITY)),
    ("zendesk", "slas.stage", target, frozenset(desk.STAGE)),
    ("netsuite", "transaction.status of an invoice", posted, frozenset(erp.INVOICE_STATUS)),
    ("netsuite", "transaction.status of a sales order", sold, frozenset(erp.ORDER_STATUS)),
    ("netsuite", "transaction.status of a payment", paid, frozenset(erp.PAYMENT_STATUS)),
    ("netsuite", "transaction.status of a credit memo", credited, frozenset(erp.CREDIT_STATUS)),
    ("netsuite", "revenueelement.status", recognised, frozenset(erp.REVENUE_STATE)),
]


@pytest.mark.parametrize(("vendor", "field", "build", "known"), VOCABULARIES, ids=[row[1] for row in VOCABULARIES])
@given(raw=st.one_of(st.text(min_size=1, max_size=12), st.sampled_from(["A", "open", "Active", "closed", "active"])))
def test_a_status_maps_or_fails_loudly(
    vendor: str, field: str, build: Callable[[str], Any], known: frozenset[str], raw: str
) -> None:
    for value in known:
        assert build(value) is not None
    if raw in known:
        return
    with pytest.raises(UnknownValue) as unknown:
        build(raw)
    assert (unknown.value.vendor, unknown.value.field, unknown.value.value) == (vendor, field, raw)
    assert vendor in unknown.value.message
    assert field in unknown.value.message


def test_a_merged_account_is_merged_and_a_deleted_one_says_so() -> None:
    merged = crm.account(crm_wire.Account(Id="001L", Status__c="Active", MasterRecordId="001W", IsDeleted=True), CRM)
    assert (merged.lifecycle, merged.merged_into_key, merged.deleted) == (Lifecycle.MERGED, "001W", True)


def test_rows_with_nothing_in_them_still_map() -> None:
    empty = crm.account(crm_wire.Account(Id="001"), CRM)
    assert (empty.name, empty.region, empty.owner, empty.restrictions) == ("", None, None, ())
    assert crm.contact(crm_wire.Contact(Id="003"), CRM).name == ""
    assert desk.organization(desk_wire.Organization(id=1), "support", NOW).account_key == ""
    assert desk.case(desk_wire.Ticket(id=1, status="new"), "support", NOW).priority is Priority.NORMAL
    profile = erp.billing_profile({"id": "1", "currency": "EUR"}, ERP)
    assert (profile.balance, profile.credit_limit, profile.days_overdue) == (None, None, 0)


@pytest.mark.parametrize(
    ("currency", "text", "minor"),
    [("JPY", "1500", 1500), ("JPY", "1500.00", 1500), ("EUR", "-12.5", -1250), ("KWD", "1.234", 1234)],
)
def test_amounts_keep_their_digits_in_every_currency(currency: str, text: str, minor: int) -> None:
    profile = erp.billing_profile({"id": "1", "currency": currency, "balance": text}, ERP)
    assert profile.balance == Money(minor, currency)


def test_an_amount_with_more_digits_than_its_currency_has_is_refused() -> None:
    with pytest.raises(UnknownValue, match="balance"):
        erp.billing_profile({"id": "1", "currency": "JPY", "balance": "1.5"}, ERP)


def test_a_credit_memos_negative_header_is_read_by_its_size() -> None:
    memo = erp.credit_memo(
        [{**ROW, "total": "-20.00", "unused": "-5.00", "status": "A", "externalid": "stripe:cn_1"}], ERP
    )
    assert (memo.key, memo.total, memo.unapplied) == ("cn_1", Money(2000, "EUR"), Money(500, "EUR"))


def test_unicode_passes_unharmed() -> None:
    found = crm.account(crm_wire.Account(Id="001", Name="株式会社北星 🚀", Website="HTTPS://WWW.Köln.example/x?y"), CRM)
    assert (found.name, found.domain) == ("株式会社北星 🚀", "köln.example")
