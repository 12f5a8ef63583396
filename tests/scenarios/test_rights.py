"""Rights that are given for a time and ended: what the CRM holds of them, and who agrees to the third."""

from datetime import timedelta

import pytest

from resolvers.sagas.writes.rights import GrantEntitlement, RevokeEntitlement
from sources import canonical as c
from sources.store.operations import Outcome, State
from tests.scenarios.holdings import facts
from tests.scenarios.office import CONTROLLER, LEAD, REVOPS, TODAY, Office, person

pytestmark = pytest.mark.slow

GRANTED = {"crm": {"Entitlement.added": 1}}


def granting(account: str, tier: str, days: int, incidents: int | None = None) -> GrantEntitlement:
    until = TODAY + timedelta(days=days - 1)
    return GrantEntitlement(
        account=account, name="a month to try", tier=tier, start_on=TODAY, end_on=until, incidents=incidents
    )


async def test_a_month_of_the_next_tier_is_one_right_in_the_crm_and_the_third_in_a_year_is_agreed_to(
    office: Office,
) -> None:
    account = office.account("merge_winner")
    rights = await office.read(c.Entitlement, "account", account)
    before = office.town.holdings()
    await office.completed(await office.send("grantEntitlement", granting(account, "platinum", 30), REVOPS))

    right = await office.new(c.Entitlement, account, rights)
    assert facts(right) == {
        "key": right.key,
        "account_key": account,
        "name": "a month to try",
        "support_tier": "platinum",
        "status": c.EntitlementStatus.ACTIVE,
        "coverage": c.Coverage.OWN,
        "starts_on": TODAY,
        "ends_on": TODAY + timedelta(days=29),
    }
    assert office.town.changes(before).told == GRANTED

    await office.completed(await office.send("grantEntitlement", granting(account, "platinum", 5), REVOPS))
    before = office.town.holdings()
    third = await office.send("grantEntitlement", granting(account, "platinum", 5), REVOPS)
    assert (third.member, [each.role for each in third.approvals]) == (Outcome.NEEDS_APPROVAL, ["revops"])
    await office.until(third, State.AWAITING_APPROVAL)
    assert office.town.changes(before).told == {}
    await office.approve(person("rolf", "revops"), third)
    await office.completed(third)
    assert office.town.changes(before).told == GRANTED


async def test_a_pack_for_longer_than_a_year_is_the_controllers(office: Office) -> None:
    account = office.account("overdue")
    rights = await office.read(c.Entitlement, "account", account)
    before = office.town.holdings()
    answer = await office.send("grantEntitlement", granting(account, "premium", 400, incidents=3), LEAD)
    assert [each.role for each in answer.approvals] == ["finance_controller"]
    await office.until(answer, State.AWAITING_APPROVAL)
    assert office.town.changes(before).told == {}
    await office.approve(CONTROLLER, answer)
    await office.completed(answer)
    right = await office.new(c.Entitlement, account, rights)
    assert (right.pack, right.ends_on) == (c.Pack(total=3, remaining=3), TODAY + timedelta(days=399))
    assert office.town.changes(before).told == GRANTED


async def test_a_right_ends_on_its_last_day_and_nothing_else_does(office: Office) -> None:
    account = office.account("delinquent")
    [right] = [each for each in await office.read(c.Entitlement, "account", account) if each.support_tier]
    before = office.town.holdings()
    last = TODAY + timedelta(days=3)
    answer = await office.send("revokeEntitlement", RevokeEntitlement(entitlement=right.key, end_on=last), LEAD)
    assert [each.role for each in answer.approvals] == ["revops"]
    await office.until(answer, State.AWAITING_APPROVAL)
    assert office.town.changes(before).told == {}
    await office.approve(REVOPS, answer)
    await office.completed(answer)
    [after] = [each for each in await office.read(c.Entitlement, "account", account) if each.key == right.key]
    assert facts(after) == facts(right) | {"ends_on": last}
    changes = office.town.changes(before)
    assert changes.told == {"crm": {"Entitlement.changed": 1}}
    assert changes.one("crm", "Entitlement.changed").key == right.key
