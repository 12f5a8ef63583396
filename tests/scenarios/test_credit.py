"""What customers may owe: the limit, the hold, and what a hold stops."""

import msgspec
import pytest

from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.accounts import SetCredit
from sources import canonical as c
from sources.canonical import Money
from sources.store.operations import Outcome, State
from tests.scenarios.holdings import ORDERED
from tests.scenarios.office import CONTROLLER, CREDIT, HANA, Office

pytestmark = pytest.mark.slow


async def test_a_limit_is_raised_in_the_ledger_alone_and_beyond_a_tenth_the_controller_agrees(office: Office) -> None:
    account = office.account("merge_winner")
    profile = await office.one(c.BillingProfile, "account", account)
    assert profile.credit_limit
    before = office.town.holdings()
    limit = profile.credit_limit.amount + 9_000
    await office.completed(
        await office.send("setCredit", SetCredit(account=account, legal_entity="US", limit=limit), CREDIT)
    )
    after = await office.one(c.BillingProfile, "account", account)
    raised = {"credit_limit": Money.of(limit, "USD"), "as_of": after.as_of, "updated_at": after.updated_at}
    assert after == msgspec.structs.replace(profile, **raised)
    changes = office.town.changes(before)
    assert changes.told == {"erp": {"customer.changed": 1}}
    changed = changes.one("erp", "customer.changed")
    assert (changed.key, changed.fields["creditlimit"]) == (profile.key, float(limit))

    before = office.town.holdings()
    more = SetCredit(account=account, legal_entity="US", limit=limit + 2_000)
    answer = await office.send("setCredit", more, CREDIT)
    assert [each.role for each in answer.approvals] == ["finance_controller"], "both together are more than 10,000"
    await office.until(answer, State.AWAITING_APPROVAL)
    assert office.town.changes(before).told == {}
    await office.approve(CONTROLLER, answer)
    await office.completed(answer)
    assert office.town.changes(before).told == {"erp": {"customer.changed": 1}}


async def test_a_hold_stops_what_is_ordered_and_who_ordered_does_not_lift_it(office: Office) -> None:
    """The credit manager sets it alone; taking it off is somebody else's to agree to."""
    account = office.account("overdue")
    profile = await office.one(c.BillingProfile, "account", account)
    before = office.town.holdings()
    held = SetCredit(account=account, legal_entity="US", hold=True)
    await office.completed(await office.send("setCredit", held, CREDIT))
    changes = office.town.changes(before)
    assert changes.told == {"erp": {"customer.changed": 1}}, "what was paid for goes on"
    assert changes.one("erp", "customer.changed").fields["creditholdoverride"] == "ON"
    assert (await office.one(c.BillingProfile, "account", account)).credit_limit == profile.credit_limit

    before = office.town.holdings()
    order = await office.send("submitOrder", await office.order(account))
    await office.until(order, State.NEEDS_ATTENTION)
    (raised,) = await office.exceptions(order)
    assert (raised.kind, raised.owner) == ("CREDIT_HOLD", "credit_manager")
    assert office.town.changes(before).told == {}

    lifting = await office.send("setCredit", SetCredit(account=account, legal_entity="US", hold=False), CREDIT)
    assert (lifting.member, [each.role for each in lifting.approvals]) == (
        Outcome.NEEDS_APPROVAL, ["finance_controller"],
    )  # fmt: skip
    await office.until(lifting, State.AWAITING_APPROVAL)
    with pytest.raises(Refused) as caught:
        await office.approve(HANA, lifting)
    assert caught.value.reasons == ("DUTIES_CONFLICT",), "it is her order that the hold is for"
    assert office.town.changes(before).told == {}
    await office.approve(CONTROLLER, lifting)
    await office.completed(lifting)
    assert office.town.changes(before).told == {"erp": {"customer.changed": 1}}
    await office.resolve(CREDIT, order, Action.RESUME)
    await office.completed(order)
    assert office.town.changes(before).told == ORDERED
