"""Accounts, deals, contracts and rights that are written in the simulated organisation."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sources import canonical as c
from sources.canonical import EntitlementStatus, Lifecycle, Money, Restriction
from sources.canonical.commands import (
    ChangeOpportunity,
    Command,
    DropRight,
    EndRight,
    GrantRight,
    LinkRight,
    PutAccount,
    SetContract,
    TouchCases,
)
from sources.errors import BadAsk, Contended, Duplicate, Locked, Missing, OutcomeUnknown, Rejected
from sources.vendors.salesforce.writers import COMMANDS, TOUCHES
from sources.vendors.salesforce.writers.months import last_day, whole_months
from tests.sources.salesforce.simulator.book import ACME, CONTRACT, ENTITLEMENT, KANJI, PLAIN, RENEWAL, UMLAUT, key
from tests.sources.salesforce.writers.conftest import Open, World

FIRST, LAST = date(2026, 12, 1), date(2027, 11, 30)
NEW_ACCOUNT = PutAccount(operation="op-1", correlation="req-1", fields={"name": "Neu GmbH", "country": "DE"})
NEW_CONTRACT = SetContract(
    operation="op-1", account_key=UMLAUT, start_on=FIRST, end_on=LAST, active=True, subscription_key="sub_9"
)
GRANT = GrantRight(
    operation="op-1", account_key=UMLAUT, name="Platinum", tier="platinum", start_on=FIRST, end_on=LAST, incidents=5
)
CHANGES: dict[str, tuple[Command, str, Callable[[], type[Any]]]] = {
    "account made": (NEW_ACCOUNT, "account.create", lambda: c.Account),
    "account": (
        PutAccount(operation="op-1", account_key=ACME, fields={"industry": "Retail"}),
        "account.update",
        lambda: c.Account,
    ),
    "deal": (
        ChangeOpportunity(operation="op-1", opportunity_key=RENEWAL, stage="Closed Won"),
        "opportunity.update",
        lambda: c.Renewal,
    ),
    "contract made": (NEW_CONTRACT, "contract.create", lambda: c.SubscriptionContract),
    "right made": (GRANT, "entitlement.create", lambda: c.Entitlement),
    "right": (
        EndRight(operation="op-1", entitlement_key=ENTITLEMENT, end_on=LAST),
        "entitlement.update",
        lambda: c.Entitlement,
    ),
    "right linked": (
        LinkRight(operation="op-1", entitlement_key=ENTITLEMENT, subscription_key="sub_9"),
        "entitlement.update",
        lambda: c.Entitlement,
    ),
}


@pytest.fixture(params=list(CHANGES))
def change(request: pytest.FixtureRequest) -> tuple[Command, str, type[Any]]:
    command, effect, record = CHANGES[request.param]
    return command, effect, record()


# ---------------------------------------------------------------- what holds of every one


async def test_a_change_happens_once_for_its_key_and_our_reader_shows_it(
    world: World, change: tuple[Command, str, type[Any]]
) -> None:
    command, effect, record = change
    assert await world.find(command, "op-1:step") is None
    done = await world.do(command, "op-1:step")
    again = await world.do(command, "op-1:step")
    assert (done.replayed, again.replayed, again.key, again.number) == (False, True, done.key, done.number)
    assert await world.find(command, "op-1:step") == again
    assert world.effects(effect) == [effect]
    assert (await world.read(record, done.key)).key == done.key


async def test_an_answer_that_was_lost_is_found(world: World, change: tuple[Command, str, type[Any]]) -> None:
    command, effect, _ = change
    world.wire.lost = 1
    with pytest.raises(OutcomeUnknown):
        await world.do(command, "op-1:step")
    found = await world.find(command, "op-1:step")
    assert found is not None
    assert (await world.do(command, "op-1:step")) == found
    assert world.effects(effect) == [effect]


async def test_a_late_repetition_does_not_undo_what_came_after(world: World) -> None:
    first = EndRight(operation="op-1", entitlement_key=ENTITLEMENT, end_on=LAST)
    second = replace(first, operation="op-2", end_on=LAST + timedelta(days=30))
    await world.do(first, "op-1:end")
    await world.do(second, "op-2:end")
    assert (await world.do(first, "op-1:end")).replayed
    assert (await world.read(c.Entitlement, ENTITLEMENT)).ends_on == second.end_on
    assert await world.find(first, "op-1:end") is not None


async def test_the_operation_and_the_request_are_in_the_record(world: World) -> None:
    made = await world.do(NEW_ACCOUNT, "op-1:account")
    await world.do(
        PutAccount(operation="op-2", correlation="req-2", account_key=made.key, fields={"industry": "Retail"}),
        "op-2:account",
    )
    names = ("Gateway_Op_Id__c", "Gateway_Operation__c", "Gateway_Correlation__c", "Gateway_Changes__c")
    row = world.org.get(f"/sobjects/Account/{made.key}")
    assert [row[name] for name in names] == ["op-1:account", "op-2", "req-2", "op-2:account"]


async def test_a_record_keeps_the_keys_of_its_last_changes(world: World) -> None:
    keys = [f"op-{number}:end" for number in range(103)]
    for number, name in enumerate(keys):
        on = LAST + timedelta(days=number)
        await world.do(EndRight(operation="op", entitlement_key=ENTITLEMENT, end_on=on), name)
    row = world.org.get(f"/sobjects/Entitlement/{ENTITLEMENT}")
    assert row["Gateway_Changes__c"].splitlines() == keys[:2:-1]


async def test_a_record_that_changes_between_read_and_write_is_read_again(world: World) -> None:
    command = PutAccount(operation="op-1", account_key=ACME, fields={"industry": "Retail"})

    def meddle() -> None:
        world.clock.advance(2)
        world.org.call("PATCH", f"/sobjects/Account/{ACME}", json={"Gateway_Changes__c": "op-0:meanwhile"})

    world.wire.meddle = meddle
    assert not (await world.do(command, "op-1:account")).replayed
    assert world.wire.writes == 2
    assert world.org.get(f"/sobjects/Account/{ACME}")["Gateway_Changes__c"].splitlines() == [
        "op-1:account",
        "op-0:meanwhile",
    ]


async def test_a_command_that_is_not_the_crm_s_and_a_key_of_two_lines_are_refused(world: World) -> None:
    with pytest.raises(BadAsk, match="TouchCases"):
        await world.do(TouchCases(operation="op-1", case_keys=("1",), note=""), "op-1:touch")
    for name in ("", "a\nb"):
        with pytest.raises(BadAsk, match="key"):
            await world.do(NEW_ACCOUNT, name)


def test_every_command_says_which_records_it_touches() -> None:
    assert set(TOUCHES) == COMMANDS
    assert all(command.target in records for command, records in TOUCHES.items())


# ---------------------------------------------------------------- accounts


async def test_an_account_is_made_and_changed_by_canonical_names(opened: Open) -> None:
    async with opened(regions={"EMEA": "EU"}) as world:
        fields = {
            "name": "Neu GmbH", "industry": "Retail", "country": "DE", "domain": "neu.example", "region": "EU",
            "lifecycle": "PROSPECT", "restrictions": "FRAUD", "parent_key": ACME, "owner_notes": "by phone",
        }  # fmt: skip
        made = await world.do(replace(NEW_ACCOUNT, fields=fields), "op-1:account")
        account = await world.read(c.Account, made.key)
        assert (account.name, account.domain, account.region, account.parent_key) == (
            "Neu GmbH",
            "neu.example",
            "EU",
            ACME,
        )
        assert (account.lifecycle, account.restrictions) == (Lifecycle.PROSPECT, (Restriction.FRAUD,))
        emptied = {"restrictions": None, "owner_notes": None, "lifecycle": "ACTIVE", "external_ids.BILLING": "cus_9"}
        await world.do(PutAccount(operation="op-2", account_key=made.key, fields=emptied), "op-2:account")
        account = await world.read(c.Account, made.key)
        assert (account.lifecycle, account.restrictions, account.owner_notes) == (Lifecycle.ACTIVE, (), None)
        assert [(each.system, each.id) for each in account.external_ids] == [("BILLING", "cus_9")]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"colour": "blue"}, BadAsk),
        ({"lifecycle": "CHURNED"}, BadAsk),
        ({"lifecycle": "LOST"}, BadAsk),
        ({"restrictions": "WHIM"}, BadAsk),
        ({"region": "MARS"}, BadAsk),
        ({"parent_key": ACME}, Rejected),
        ({"name": None}, Rejected),
        ({"name": "@{made.id}"}, BadAsk),
    ],
)
async def test_values_that_an_account_cannot_have_are_refused(
    opened: Open, fields: dict[str, str | None], error: type[Exception]
) -> None:
    async with opened(regions={"EMEA": "EU"}) as world:
        with pytest.raises(error):
            await world.do(PutAccount(operation="op-1", account_key=ACME, fields=fields), "op-1:account")
        assert world.effects() == []


async def test_an_account_that_exists_already_is_a_duplicate_and_not_ours(world: World) -> None:
    with pytest.raises(Duplicate):
        await world.do(
            replace(NEW_ACCOUNT, fields={"name": "Acme, Inc.", "domain": "https://acme.example"}), "op-1:account"
        )
    assert world.effects() == []


async def test_an_account_that_was_changed_since_it_was_seen_is_left_alone(world: World) -> None:
    seen = (await world.read(c.Account, ACME)).updated_at.isoformat()
    command = PutAccount(operation="op-1", account_key=ACME, fields={"industry": "Retail"}, expected_updated_at=seen)
    assert not (await world.do(command, "op-1:account")).replayed
    before = world.wire.writes
    with pytest.raises(Contended):
        await world.do(replace(command, fields={"industry": "Media"}), "op-2:account")
    assert (await world.do(command, "op-1:account")).replayed
    assert world.wire.writes == before
    with pytest.raises(BadAsk):
        await world.do(replace(command, expected_updated_at="yesterday"), "op-3:account")


# ---------------------------------------------------------------- deals


async def test_a_deal_moves_and_what_is_not_said_stays(world: World) -> None:
    command = ChangeOpportunity(
        operation="op-1", opportunity_key=RENEWAL, stage="Closed Won", amount=Money(200_001, "USD")
    )
    await world.do(command, "op-1:deal")
    deal = await world.read(c.Renewal, RENEWAL)
    assert (deal.stage, deal.won, deal.amount, deal.close_on) == (
        "Closed Won",
        True,
        Money(200_001, "USD"),
        date(2027, 1, 31),
    )
    with pytest.raises(Rejected, match="USD"):
        await world.do(replace(command, amount=Money(1, "EUR")), "op-2:deal")
    with pytest.raises(Missing):
        await world.do(replace(command, opportunity_key=key("006", 99)), "op-3:deal")


@pytest.mark.parametrize(("won", "stage"), [(True, "Closed Won"), (False, "Closed Lost")])
async def test_a_deal_ends_in_the_orgs_own_words(world: World, won: bool, stage: str) -> None:
    await world.do(ChangeOpportunity(operation="op-1", opportunity_key=RENEWAL, won=won), "op-1:deal")
    deal = await world.read(c.Renewal, RENEWAL)
    assert (deal.stage, deal.open, deal.won) == (stage, False, won)


# ---------------------------------------------------------------- contracts


async def test_a_contract_is_made_active_with_its_term_and_terminated(world: World) -> None:
    made = await world.do(NEW_CONTRACT, "op-1:contract")
    contract = await world.read(c.SubscriptionContract, made.key)
    assert (contract.status, contract.term_months, contract.end_on) == ("ACTIVE", 12, LAST)
    assert (contract.subscription_key, contract.number) == ("sub_9", made.number)
    assert world.effects() == ["contract.create", "contract.activate"]
    longer = SetContract(
        operation="op-2", account_key=UMLAUT, contract_key=made.key, end_on=date(2028, 11, 30), active=False
    )
    await world.do(longer, "op-2:contract")
    contract = await world.read(c.SubscriptionContract, made.key)
    assert (contract.status, contract.start_on, contract.end_on) == ("TERMINATED", FIRST, date(2028, 11, 30))
    with pytest.raises(Rejected):
        await world.do(replace(longer, active=True), "op-3:contract")


async def test_a_contract_that_stays_as_it_is_is_not_activated_again(world: World) -> None:
    made = await world.do(NEW_CONTRACT, "op-1:contract")
    await world.do(replace(NEW_CONTRACT, contract_key=made.key), "op-2:contract")
    assert world.effects("contract.activate") == ["contract.activate"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"end_on": date(2027, 11, 15)}, BadAsk),
        ({"start_on": None}, BadAsk),
        ({"active": False}, BadAsk),
        ({"account_key": KANJI, "contract_key": CONTRACT}, Rejected),
        ({"account_key": ACME, "contract_key": CONTRACT}, Locked),
    ],
    ids=["no whole months", "no start", "terminated", "another's", "in approval"],
)
async def test_a_contract_against_the_rules_is_refused(
    world: World, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await world.do(replace(NEW_CONTRACT, **changes), "op-1:contract")
    assert world.effects() == []


async def test_a_key_that_made_another_account_s_contract_is_refused(world: World) -> None:
    await world.do(NEW_CONTRACT, "op-1:contract")
    for ask in (world.do, world.find):
        with pytest.raises(Duplicate):
            await ask(replace(NEW_CONTRACT, account_key=PLAIN), "op-1:contract")


@given(start=st.dates(date(2000, 1, 1), date(2090, 1, 1)), months=st.integers(1, 120))
def test_a_term_of_whole_months_is_told_from_its_days(start: date, months: int) -> None:
    found = whole_months(start, last_day(start, months))
    assert found is not None
    assert last_day(start, found) == last_day(start, months)


@given(start=st.dates(date(2000, 1, 1), date(2090, 1, 1)), days=st.integers(-400, 4_000))
def test_days_that_no_term_ends_on_are_none(start: date, days: int) -> None:
    end = start + timedelta(days=days)
    ends = {last_day(start, months) for months in range(1, 140)}
    assert (whole_months(start, end) is not None) == (end in ends)


# ---------------------------------------------------------------- rights


async def test_a_right_is_granted_with_its_incidents_and_ended(world: World) -> None:
    made = await world.do(replace(GRANT, subscription_key="sub_9"), "op-1:right")
    right = await world.read(c.Entitlement, made.key)
    assert (right.support_tier, right.starts_on, right.ends_on, right.subscription_key) == (
        "platinum",
        FIRST,
        LAST,
        "sub_9",
    )
    assert (right.status, right.pack) == (EntitlementStatus.PENDING, c.Pack(total=5, remaining=5))
    end = EndRight(operation="op-2", entitlement_key=made.key, end_on=date(2027, 1, 31))
    await world.do(end, "op-2:right")
    assert (await world.read(c.Entitlement, made.key)).ends_on == date(2027, 1, 31)
    with pytest.raises(Rejected):
        await world.do(replace(end, end_on=date(2026, 1, 1)), "op-3:right")


async def test_a_right_that_was_granted_ahead_is_linked_once_its_subscription_has_begun(world: World) -> None:
    made = await world.do(replace(GRANT, subscription_key=None), "op-1:right_ahead")
    await world.do(LinkRight(operation="op-1", entitlement_key=made.key, subscription_key="sub_9"), "op-1:right")
    right = await world.read(c.Entitlement, made.key)
    assert (right.subscription_key, right.starts_on) == ("sub_9", FIRST)


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_right_that_has_not_begun_is_gone_without_a_trace(world: World, lost: int) -> None:
    made = await world.do(GRANT, "op-1:right")
    drop = DropRight(operation="op-1", entitlement_key=made.key)
    assert await world.find(drop, "op-1:right:undo") is None
    world.wire.lost = lost
    if lost:
        with pytest.raises(OutcomeUnknown):
            await world.do(drop, "op-1:right:undo")
    done, again = [await world.do(drop, "op-1:right:undo") for _ in range(2)]
    assert (done.key, done.replayed, again.key, again.replayed) == (made.key, bool(lost), made.key, True)
    assert await world.find(drop, "op-1:right:undo") is not None
    assert world.effects("entitlement.delete") == ["entitlement.delete"]


async def test_a_right_that_has_begun_ends_today_and_stays_on_record(world: World) -> None:
    drop = DropRight(operation="op-1", entitlement_key=ENTITLEMENT)
    done, again = [await world.do(drop, "op-1:right:undo") for _ in range(2)]
    assert (done.replayed, again.replayed) == (False, True)
    assert (await world.read(c.Entitlement, ENTITLEMENT)).ends_on == datetime.now(UTC).date()
    assert (world.effects("entitlement.delete"), world.effects("entitlement.update")) == ([], ["entitlement.update"])


async def test_a_right_without_a_count_has_no_pack(world: World) -> None:
    made = await world.do(replace(GRANT, incidents=None, tier=None, end_on=None), "op-1:right")
    right = await world.read(c.Entitlement, made.key)
    assert (right.pack, right.support_tier, right.ends_on) == (None, None, None)


async def test_amounts_travel_with_their_own_digits(world: World) -> None:
    command = ChangeOpportunity(operation="op-1", opportunity_key=RENEWAL, amount=Money(10, "USD"))
    await world.do(command, "op-1:deal")
    body = world.wire.calls[-1].body or b""
    assert b'"Amount":0.10' in body
    assert (await world.read(c.Renewal, RENEWAL)).amount == Money.of(Decimal("0.1"), "USD")
