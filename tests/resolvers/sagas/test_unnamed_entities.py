"""A subscription that names no legal entity: it is that of the only customer in the ERP, or somebody has to look."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.refused import Refused
from resolvers.sagas.writes.accounts import SetCredit
from resolvers.sagas.writes.parties import sold_by
from sources import canonical as c
from sources.errors import Ambiguous
from sources.ports import Ask, Page, Reading, Report, Rows
from sources.store.operations import State
from tests.resolvers.sagas.asked import ORDERED, PRODUCT, REVOPS, SEATS, TERM, record, usd
from tests.resolvers.sagas.conftest import House, Open
from tests.resolvers.sagas.test_changing import CHANGES, HELD, TIGHT, Changes, codes, remade

UNKNOWN = "ENTITY_NOT_ALLOWED"
UNNAMED: Changes = {c.AccountSubscription: {"legal_entity": None}}
NAMED: Changes = {c.AccountSubscription: {"legal_entity": "US"}}
CARL = Asker(subject="carl", roles=frozenset({"credit_manager"}))


def customer(key: str, entity: str | None, **given: Any) -> c.BillingProfile:
    plain = {"account_key": "A-1", "name": "Acme", "legal_entity": entity, "currency": "USD", "credit_limit": usd(0)}
    found: c.BillingProfile = record(c.BillingProfile, key, **plain | given)
    return found


NO_OTHERS = [
    [],
    [customer("C-8", "FR", inactive=True)],
    [customer("C-8", "FR", currency="EUR")],
    [customer("C-8", "US", credit_limit=usd(20_000_000))],
]
OTHERS = [[customer("C-8", "FR")], [customer("C-8", None)]]


@pytest.fixture
async def home(opened: Open) -> House:
    house = await opened()
    house.systems.records += [PRODUCT, TERM, ORDERED]
    has = {"items": (SEATS,), "order_key": "801A", "mrr": usd(100_000), "legal_entity": None}
    remade(house, {c.AccountSubscription: has})
    return house


async def looked_at(home: House, answer: Answer) -> list[tuple[str, str]]:
    await home.until(answer, State.NEEDS_ATTENTION)
    return [(each.kind, each.owner) for each in await home.exceptions(answer)]


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
@pytest.mark.parametrize("others", NO_OTHERS, ids=("alone", "inactive", "other currency", "same entity"))
async def test_it_is_sold_by_whom_the_only_customer_is_of(
    home: House, mutation: str, given: Any, others: list[c.BillingProfile]
) -> None:
    home.systems.records += others
    answer = await home.send(mutation, given, REVOPS)
    ended = await home.ended(answer)
    assert (ended.state, ended.entity) == (State.COMPLETED, "US")
    fields = {effect.command: effect.fields for effect in home.ledger.effects()}
    assert {fields[name]["legal_entity"] for name in ("PutOrder", "PlaceSalesOrder")} == {"US"}
    assert fields["PlaceSalesOrder"]["party"] == "C-1"


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
@pytest.mark.parametrize(("changes", "kind"), [(HELD, "CREDIT_HOLD"), (TIGHT, "CREDIT_EXCEEDED")])
async def test_its_hold_and_its_limit_count(
    home: House, mutation: str, given: Any, changes: Changes, kind: str
) -> None:
    remade(home, changes)
    assert await looked_at(home, await home.send(mutation, given, REVOPS)) == [(kind, "credit_manager")]
    assert home.sent() == []


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
async def test_order_and_limit_are_in_two_hands(home: House, mutation: str, given: Any) -> None:
    rita = msgspec.structs.replace(CARL, subject="rita", roles=REVOPS.roles)
    limit = SetCredit(account="A-1", legal_entity="US", hold=True)
    await home.ended(await home.send(mutation, given, rita))
    with pytest.raises(Refused, match="forbidden") as caught:
        await home.send("setCredit", limit, msgspec.structs.replace(CARL, subject="rita"))
    assert caught.value.reasons == ("DUTIES_CONFLICT credit_limit + order",)
    await home.ended(await home.send("setCredit", limit, CARL))
    with pytest.raises(Refused) as caught:
        await home.send(mutation, given, msgspec.structs.replace(rita, subject="carl"))
    assert caught.value.reasons == ("DUTIES_CONFLICT credit_limit + order",)


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
@pytest.mark.parametrize("others", [None, *OTHERS], ids=("none", "two", "one of nobody"))
async def test_where_none_or_several_might_sell_it_revops_look(
    home: House, mutation: str, given: Any, others: list[c.BillingProfile] | None
) -> None:
    whole = list(home.systems.records)
    if others is None:
        home.systems.records = [each for each in whole if not isinstance(each, c.BillingProfile)]
    else:
        home.systems.records += others
    assert codes(await home.send(mutation, given, REVOPS, dry_run=True)) == [UNKNOWN]
    answer = await home.send(mutation, given, REVOPS)
    assert await looked_at(home, answer) == [(UNKNOWN, "revops")]
    assert home.sent() == []
    home.systems.records = whole
    remade(home, NAMED)
    await home.tell(answer, Action.RESUME)
    assert (await home.ended(answer)).state is State.COMPLETED


async def test_who_set_a_limit_meanwhile_does_not_go_on_with_it(home: House) -> None:
    """Whose credit it takes of is known only once the entity is."""
    same = msgspec.structs.replace(REVOPS, roles=CARL.roles)
    whole = list(home.systems.records)
    home.systems.records += OTHERS[0]
    answer = await home.send(*CHANGES[0], REVOPS)
    await looked_at(home, answer)
    limit = SetCredit(account="A-1", legal_entity="US", hold=True)
    await home.ended(await home.send("setCredit", limit, same))
    home.systems.records = whole
    await home.tell(answer, Action.RESUME)
    ended = await home.ended(answer)
    assert (ended.state, ended.reason) == (State.REJECTED, "FORBIDDEN: DUTIES_CONFLICT credit_limit + order")


@pytest.mark.parametrize(("mutation", "given"), CHANGES)
@pytest.mark.parametrize("changes", [UNNAMED, NAMED], ids=("unnamed", "named"))
async def test_where_it_is_not_known_whose_a_customer_is_revops_look(
    home: House, mutation: str, given: Any, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    remade(home, changes)
    reads = home.systems.read

    async def read(ask: Ask) -> Reading:
        if ask.record is not c.BillingProfile:
            return await reads(ask)
        return Reading({}, Report("books"), dict.fromkeys(ask.keys, Ambiguous("two have the account", source="books")))

    monkeypatch.setattr(home.systems, "read", read)
    answer = await home.send(mutation, given, REVOPS)
    assert await looked_at(home, answer) == [("IDENTITY_AMBIGUOUS", "revops")]
    assert home.sent() == []


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (Rows([customer("C-1", "US")]), None),
        (Rows([customer("C-1", "US")], more=True), UNKNOWN),
        (Rows([customer("C-1", "US")], hidden=1), UNKNOWN),
        (None, "IDENTITY_AMBIGUOUS"),
    ],
)
async def test_one_is_the_only_one_where_all_were_told(rows: Rows | None, code: str | None) -> None:
    async def read(record: type[c.Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008
        if rows is None:
            return Reading({}, Report("books"), {key: Ambiguous("two have the account") for key in keys})
        return Reading(dict.fromkeys(keys, rows), Report("books"))

    asked = record(c.AccountSubscription, "sub_1", account_key="A-1", status="ACTIVE", currency="USD")
    found, findings = await sold_by(read, asked)
    assert [(each.code, each.owner) for each in findings] == ([(code, "revops")] if code else [])
    assert found.legal_entity == (None if code else "US")
