"""Credit and orders in two hands: who orders for a customer sets no limit of whoever owes for it, and the other way."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer, Request
from resolvers.sagas.grounds import Asker, linking
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.accounts import SetCredit
from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.renew_subscription import RenewSubscription
from sources import canonical as c
from sources.canonical import Record
from sources.ports import Page, Reading
from sources.store import grounds
from sources.store.operations import Outcome, State
from tests.resolvers.sagas.asked import ORDERED, PRODUCT, SEATS, TERM, record, usd
from tests.resolvers.sagas.conftest import CPQ, House
from tests.resolvers.sagas.orders import order

HANA = Asker(subject="hana", roles=frozenset({"credit_manager"}))
BUYER, PAYER = "A-1", "A-2"
PARTIES = c.Parties(payer_key=PAYER)
LINE = AmendedLine(price="price_1", quantity=Decimal(1), product="SEAT")
ORDERS: list[tuple[str, Any]] = [
    ("submitOrder", order(parties=PARTIES)),
    ("amendSubscription", AmendSubscription(subscription="sub_1", lines=(LINE,))),
    ("renewSubscription", RenewSubscription(subscription="sub_1")),
]
WHY = ("DUTIES_CONFLICT credit_limit + order",)


@pytest.fixture
async def home(house: House) -> House:
    payer = record(
        c.BillingProfile, "C-2", account_key=PAYER, name="Parent", legal_entity="US", currency="USD",
        credit_limit=usd(10_000_000), balance=usd(0), payer_id="C-3",
    )  # fmt: skip
    last = record(c.BillingProfile, "C-3", account_key="A-3", name="Head", legal_entity="US", currency="USD")
    changed = {c.AccountSubscription: {"items": (SEATS,), "order_key": "801A"}}
    ordered = msgspec.structs.replace(ORDERED, parties=PARTIES)
    house.systems.records = [
        msgspec.structs.replace(each, **changed.get(type(each), {}))
        for each in (*house.systems.records, PRODUCT, TERM, ordered, payer, last)
    ]
    return house


def limit(account: str) -> SetCredit:
    return SetCredit(account=account, legal_entity="US", hold=True)


@pytest.mark.parametrize(("mutation", "given"), ORDERS)
@pytest.mark.parametrize("account", [BUYER, PAYER, "A-3"])
async def test_who_orders_sets_no_limit_for_it_and_the_other_way_round(
    home: House, mutation: str, given: Any, account: str
) -> None:
    """The human behind the service is the one who counts."""
    await home.ended(await home.send(mutation, given, CPQ))
    with pytest.raises(Refused) as caught:
        await home.send("setCredit", limit(account), HANA)
    assert caught.value.reasons == WHY
    other = Asker(subject="carl", roles=HANA.roles)
    assert (await home.send("setCredit", limit(account), other)).member is Outcome.COMPLETED
    with pytest.raises(Refused) as caught:
        await home.send(mutation, given, msgspec.structs.replace(CPQ, human="carl"))
    assert caught.value.reasons == WHY


async def test_after_ninety_days_it_is_forgotten(home: House) -> None:
    await home.ended(await home.send(*ORDERS[0], CPQ))
    home.clock.jump(timedelta(days=90, minutes=1))
    assert (await home.send("setCredit", limit(BUYER), HANA)).member is Outcome.COMPLETED


async def test_who_orders_for_another_customer_may(home: House) -> None:
    home.systems.records.append(
        record(c.BillingProfile, "C-9", account_key="A-9", name="x", legal_entity="US", currency="USD")
    )
    await home.ended(await home.send(*ORDERS[0], CPQ))
    assert (await home.send("setCredit", limit("A-9"), HANA)).member is Outcome.COMPLETED


async def test_orders_of_one_customer_are_not_one_matter(home: House) -> None:
    """Who asked for one of them approves another one, though both take of the same credit."""
    reva = Asker(subject="reva", roles=frozenset({"revops"}))
    first = await home.send("amendSubscription", ORDERS[1][1], reva)
    await home.ended(first)
    waits: Answer = await home.send("submitOrder", order(due_days=60), CPQ)
    assert waits.operation
    await home.until(waits, State.AWAITING_APPROVAL)
    [asked] = await home.approvals(waits)
    cora = msgspec.structs.replace(reva, roles=frozenset({"finance_controller"}))
    await Desk(home.writes).approve(cora, asked.id, asked.evidence_hash)
    assert (await home.ended(waits)).state is State.COMPLETED


def test_credit_is_no_document_that_links() -> None:
    assert linking(("quote:Q", "billingprofile:C-1", "accountsubscription:sub_1")) == {
        "quote:Q", "accountsubscription:sub_1",
    }  # fmt: skip


async def test_whose_credit_it_is_counts_also_where_the_asker_does_not_see_it(home: House) -> None:
    async def read(record: type[Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008
        found = await home.writes.room.read(record, by, keys, page)
        return Reading({}, found.report) if record is c.BillingProfile else found

    request = Request(asker=CPQ, input=ORDERS[0][1], key="unseen", correlation="c-1")
    answer = await home.writes.accept("submitOrder", request, read)
    operation = await home.ended(answer)
    touched = await home.store.read(grounds.documents_of, [operation.id])
    assert {"billingprofile:C-1", "billingprofile:C-2", "billingprofile:C-3"} <= touched[operation.id]
