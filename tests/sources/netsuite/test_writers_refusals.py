"""What the ERP must not be told is refused by the right class, in words that name it, and changes nothing."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sources import errors
from sources.canonical import Money
from sources.canonical.commands import (
    Application,
    ApproveSalesOrder,
    Command,
    CreditPosted,
    PutDebtor,
    SetCredit,
    WriteOffBalance,
)
from sources.vendors.netsuite.wire import Document, Line, Lines, Reference
from sources.vendors.netsuite.writers.settlements import Settlements
from tests.sources.netsuite.simulator.book import ACME
from tests.sources.netsuite.writer_account import Erp, erp
from tests.sources.netsuite.writer_commands import (
    DAY,
    LOCKED_DAY,
    WHO,
    invoice,
    line,
    order,
    placed,
    posted,
    receipt,
    usd,
)

pytestmark = pytest.mark.usefixtures("complaints")


async def _refused(account: Erp, command: Command) -> errors.SourceError:
    before = len(account.effects())
    with pytest.raises(errors.SourceError) as refused:
        await account.connector.do(command, "k-9")
    assert len(account.effects()) == before
    return refused.value


async def test_a_closed_period_is_refused_before_anything_is_sent_and_names_the_next_open_day() -> None:
    async with erp() as account:
        key = await posted(account)
        credit = CreditPosted(**WHO, invoice_key=key, amount=usd(1), posted_on=LOCKED_DAY)
        loss = WriteOffBalance(**WHO, invoice_key=key, amount=usd(1), posted_on=LOCKED_DAY)
        sent = len(account.wire.writes())
        late = (invoice(posted_on=LOCKED_DAY, issued_key="in_8"), receipt(received_on=LOCKED_DAY), credit, loss)
        for command in late:
            refusal = await _refused(account, command)
            assert type(refusal) is errors.Locked
            assert refusal.code == "PERIOD_LOCKED"
            assert "next open day is 2026-11-01" in refusal.message
        assert len(account.wire.writes()) == sent
        nowhere = await _refused(account, invoice(posted_on=date(2031, 1, 1), issued_key="in_8"))
        assert type(nowhere) is errors.Locked


async def test_what_was_posted_before_its_period_closed_is_still_found() -> None:
    async with erp() as account:
        old = invoice(issued_key="in_2", posted_on=date(2026, 10, 5), lines=(line(quantity="1", price="0.1"),))
        again = await account.connector.do(old, "k-1")
        assert (again.key, again.replayed, account.wire.writes()) == ("1002", True, [])


async def test_a_held_customer_buys_nothing_and_whoever_owns_credit_is_told() -> None:
    async with erp() as account:
        key = await placed(account)
        await account.connector.do(SetCredit(**WHO, party="101", hold=True), "k-1")
        for command in (order(order_key="801Y"), ApproveSalesOrder(**WHO, sales_order_key=key)):
            refusal = await _refused(account, command)
            assert type(refusal) is errors.Held
            assert refusal.code == "CREDIT_HOLD"
        await account.connector.do(SetCredit(**WHO, party="101", hold=False), "k-2")
        assert (await account.connector.do(ApproveSalesOrder(**WHO, sales_order_key=key), "k-3")).key == key


async def test_another_document_under_the_same_name_is_not_taken_for_ours() -> None:
    async with erp() as account:
        await account.connector.do(order(), "k-1")
        for other in (
            order(lines=(line(quantity="4"),)),
            order(party="102", currency="EUR", lines=(line(currency="EUR"),)),
        ):
            assert type(await _refused(account, other)) is errors.Duplicate
            with pytest.raises(errors.Duplicate):
                await account.connector.find(other, "k-1")


async def test_a_bank_reference_is_used_once() -> None:
    async with erp() as account:
        await account.connector.do(receipt(), "k-1")
        for other in (receipt(operation="op-2"), receipt(operation="op-2", issued_key="pi_9")):
            refusal = await _refused(account, other)
            assert type(refusal) is errors.Duplicate
            assert "BANK-77" in refusal.message


async def test_amounts_of_another_currency_are_never_taken_for_the_documents_own() -> None:
    async with erp() as account:
        euros: dict[str, Any] = {"party": "102", "legal_entity": "DE", "currency": "EUR"}
        own = invoice(**euros, issued_key="in_7", number="X-7", lines=(line(currency="EUR"),))
        key = (await account.connector.do(own, "k-1")).key
        made = await placed(account)
        await account.connector.do(ApproveSalesOrder(**WHO, sales_order_key=made), "k-2")
        for command in (
            WriteOffBalance(**WHO, invoice_key=key, amount=usd(500), posted_on=DAY),
            CreditPosted(**WHO, invoice_key=key, amount=usd(500), posted_on=DAY),
            invoice(sales_order_key=made, currency="EUR", issued_key="in_8", lines=()),
        ):
            refusal = await _refused(account, command)
            assert type(refusal) is errors.Rejected
            assert "in another currency" in refusal.message


async def test_the_same_figure_in_another_currency_is_another_document() -> None:
    async with erp() as account:
        await account.connector.do(order(), "k-1")
        assert type(await _refused(account, order(currency="EUR", lines=(line(currency="EUR"),)))) is errors.Duplicate


def test_an_amount_of_the_erp_with_too_many_digits_is_a_value_that_nobody_knows() -> None:
    posted_ = Document(
        id="1", item=Lines(items=(Line(line=Decimal(1), item=Reference(id="1"), amount=Decimal("1.001")),))
    )
    nowhere: Any = None
    with pytest.raises(errors.UnknownValue, match="grossAmt"):
        Settlements(nowhere)._shares(usd(1), posted_)


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        (order(lines=(line(code="unheard-of"),)), errors.Rejected, "no active item for the product of line 1"),
        (order(lines=(line(code="old-kit"),)), errors.Rejected, "no active item for the product of line 1"),
        (order(legal_entity="FR"), errors.Rejected, "no legal entity of this name"),
        (order(lines=(line(currency="EUR"),)), errors.Rejected, "line `l1` is in EUR"),
        (order(party="101/../102"), errors.Missing, "ids are digits"),
        (ApproveSalesOrder(**WHO, sales_order_key="999999"), errors.Missing, "no such record"),
        (SetCredit(**WHO, party="999999", hold=True), errors.Missing, "no customer 999999"),
        (SetCredit(**WHO, party="101", limit=usd(-1)), errors.Rejected, "below nothing"),
        (CreditPosted(**WHO, invoice_key="1001", amount=usd(0), posted_on=DAY), errors.Rejected, "above nothing"),
        (CreditPosted(**WHO, invoice_key="1001", amount=usd(11_951), posted_on=DAY), errors.Rejected, "more than"),
        (WriteOffBalance(**WHO, invoice_key="1001", amount=usd(10_031), posted_on=DAY), errors.Rejected, "is left"),
        (receipt(applications=(Application(invoice_key="1001", amount=usd(2_001)),)), errors.Rejected, "was received"),
        (receipt(applications=(Application(invoice_key="1008", amount=usd(1)),)), errors.Rejected, "refuses"),
        (
            receipt(applications=(Application(invoice_key="1001", amount=Money(1, "EUR")),)),
            errors.Rejected,
            "one currency",
        ),
        (
            PutDebtor(
                **WHO,
                account_key=ACME[:17] + "Q",
                legal_entity="US",
                name="N",
                currency="USD",
                address={"planet": "Mars"},
            ),
            errors.Rejected,
            "`planet`",
        ),
        (
            PutDebtor(**WHO, account_key="001", legal_entity="US", name="N", currency="USD"),
            errors.Rejected,
            "keys of 18 characters",
        ),
    ],
)
async def test_what_cannot_be_is_refused_in_words_that_name_it(
    command: Command, kind: type[errors.SourceError], words: str
) -> None:
    async with erp() as account:
        refusal = await _refused(account, command)
        assert type(refusal) is kind
        assert words in refusal.message


async def test_a_total_that_differs_from_what_was_expected_is_said() -> None:
    async with erp() as account:
        done = await account.connector.do(invoice(expected_total=usd(3_084)), "k-1")
        assert done.amounts["difference"] == usd(1)
        found = await account.connector.find(invoice(expected_total=usd(3_084)), "k-1")
        assert found is not None
        assert found.amounts["difference"] == usd(1)
