"""The writer against localstripe, a billing server that is not ours, in a process of its own.

It speaks an old dialect (no prices, no search, no schedules, no credit notes), so that of our commands it knows three: what
is said of a known customer, the return of a payment, and the void of an invoice. It keeps no idempotency keys either:
what is done once here is done once by what the objects themselves remember.
"""

from collections.abc import Iterator

import pytest

from sources.canonical import Money
from sources.canonical.commands import PutCustomer, ReturnPayment, VoidInvoice
from sources.errors import Locked
from sources.pipeline.reading import reading
from sources.settings import Secret
from sources.transport import Transport
from sources.vendors.stripe.connector import StripeConnector, open_connector
from sources.vendors.stripe.settings import StripeSettings
from tests.sources.stripe.till import KEY, Till, running

pytestmark = [pytest.mark.live, pytest.mark.slow]
DECLINED = "4000000000000341"  # is attached, and declined when it is charged


@pytest.fixture(scope="module")
def localstripe() -> Iterator[str]:
    with running() as address:
        yield address


def writer(url: str, transport: Transport) -> StripeConnector:
    return open_connector("billing", StripeSettings(vendor="stripe", url=url, key=Secret(KEY)), reading(transport.send))


async def test_localstripe_takes_what_is_said_of_a_customer_once(localstripe: str) -> None:
    till = Till(localstripe)
    known = {"account_key": "001A", "party": till.buyer(), "name": "Müller & Söhne", "address": {"city": "Köln"}}
    command = PutCustomer(operation="op-1", correlation="r", **known)  # type: ignore[arg-type]
    async with Transport("billing") as transport:
        billing = writer(localstripe, transport)
        first, again = [await billing.do(command, "op-1:customer") for _ in range(2)]
    assert (first.key, first.replayed, again.key, again.replayed) == (known["party"], False, known["party"], True)
    kept = till.get(f"/v1/customers/{first.key}")
    assert (kept["name"], kept["address"]["city"]) == ("Müller & Söhne", "Köln")
    assert kept["metadata"]["crm_account_id"] == "001A"


async def test_localstripe_returns_a_payment_once_for_its_key(localstripe: str) -> None:
    till = Till(localstripe)
    paid = till.get(f"/v1/invoices/{till.subscribed(till.buyer())}")
    command = ReturnPayment(operation="op-1", payment_key=paid["payment_intent"], amount=Money(300, "USD"))
    async with Transport("billing") as transport:
        billing = writer(localstripe, transport)
        first, again = [await billing.do(command, "op-1:refund") for _ in range(2)]
    assert (first.amounts, again.key, again.replayed) == ({"total": Money(300, "USD")}, first.key, True)
    (refund,) = till.get("/v1/refunds", payment_intent=command.payment_key)["data"]
    assert (refund["id"], refund["amount"]) == (first.key, 300)


async def test_localstripe_voids_an_open_invoice_and_no_paid_one(localstripe: str) -> None:
    till = Till(localstripe)
    paid, key = till.subscribed(till.buyer()), till.subscribed(till.buyer(DECLINED))
    assert [till.get(f"/v1/invoices/{each}")["status"] for each in (key, paid)] == ["open", "paid"]
    async with Transport("billing") as transport:
        billing = writer(localstripe, transport)
        first, again = [await billing.do(VoidInvoice(operation="op-1", invoice_key=key), "op-1:void") for _ in range(2)]
        with pytest.raises(Locked):
            await billing.do(VoidInvoice(operation="op-1", invoice_key=paid), "op-1:other")
    assert (first.replayed, again.replayed) == (False, True)
    assert [till.get(f"/v1/invoices/{each}")["status"] for each in (key, paid)] == ["void", "paid"]
