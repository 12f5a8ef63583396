"""Finding accounts by what any system calls them, and nodes by their ids."""

from typing import Any

import pytest
import strawberry
from hypothesis import given
from hypothesis import strategies as st

from resolvers import find
from resolvers.ids import global_id, parse_id
from sources import canonical as c
from sources.canonical import System
from sources.errors import BadAsk, SourceError
from tests.resolvers.world import ACCOUNT, DOWN, Shelf, account, contact, context, customer, organization, profile


def ids(*records: c.Record) -> list[strawberry.ID]:
    return [strawberry.ID(global_id(each)) for each in records]


def crm() -> Shelf:
    read = Shelf(find.ACCOUNT_NEEDS).put("key", ACCOUNT, account()).put("domain", "acme.com", account())
    read.put("email", "ada@acme.com", contact()).put("key", "901", profile())
    return read.put("key", "cus_1", customer()).put("key", "361", organization())


async def by(read: Shelf | None = None, /, **given: Any) -> Any:
    (found,) = await find.account([None], read or crm(), context(), find.AccountBy(**given))
    return found


@pytest.mark.parametrize(
    "given",
    [
        {"key": ACCOUNT},
        {"node": global_id(account())},
        {"system": System.CRM, "id": ACCOUNT},
        {"system": System.BILLING, "id": "cus_1"},
        {"system": System.ERP, "id": "901"},
        {"system": System.SUPPORT, "id": "361"},
        {"domain": " WWW.Acme.com "},
        {"email": "Ada@Acme.com"},
    ],
    ids=str,
)
async def test_an_account_is_found_by_what_any_system_calls_it(given: dict[str, Any]) -> None:
    assert (await by(**given)).key == ACCOUNT


@pytest.mark.parametrize(
    "given", [{"key": "0"}, {"domain": "b.com"}, {"email": "x@b.com"}, {"system": System.ERP, "id": "0"}]
)
async def test_what_is_not_there_is_null(given: dict[str, Any]) -> None:
    assert await by(**given) is None


@pytest.mark.parametrize(
    "given",
    [{}, {"key": "1", "domain": "a.com"}, {"id": "1"}, {"system": System.ERP}, {"system": System.ERP, "key": "1"}],
    ids=str,
)
async def test_exactly_one_way_to_find_it_is_said(given: dict[str, Any]) -> None:
    found = await by(**given)
    assert isinstance(found, BadAsk)
    assert "exactly one" in found.message


async def test_the_id_of_something_else_is_refused() -> None:
    assert isinstance(await by(node=global_id(customer())), BadAsk)


async def test_two_accounts_with_one_domain_are_ambiguous_and_never_a_guess() -> None:
    found = await by(crm().put("domain", "acme.com", account("001B")), domain="acme.com")
    assert isinstance(found, SourceError)
    assert found.code == "IDENTITY_AMBIGUOUS"


async def test_contacts_of_two_accounts_with_one_address_are_ambiguous() -> None:
    twice = crm().put("email", "ada@acme.com", contact("003B"))
    assert (await by(twice, email="ada@acme.com")).key == ACCOUNT
    found = await by(twice.put("email", "ada@acme.com", contact("003C", account_key="001B")), email="ada@acme.com")
    assert isinstance(found, SourceError)
    assert found.code == "IDENTITY_AMBIGUOUS"


@pytest.mark.parametrize(
    ("record", "index", "given"),
    [
        (c.Account, "key", {"key": ACCOUNT}),
        (c.Account, "domain", {"domain": "acme.com"}),
        (c.BillingCustomer, "key", {"system": System.BILLING, "id": "cus_1"}),
    ],
)
async def test_a_source_that_is_away_is_an_error_and_not_nothing(
    record: type[c.Record], index: str, given: dict[str, Any]
) -> None:
    assert await by(crm().fail(record, index), **given) is DOWN


# ---------------------------------------------------------------- nodes


async def test_nodes_keep_their_places() -> None:
    read = Shelf(find.NODE_NEEDS).put("key", ACCOUNT, account()).put("key", "cus_1", customer())
    wanted = ids(customer(), account("001B"), account(), customer())
    (found,) = await find.nodes([None], read, context(), wanted)
    assert [each and each.key for each in found] == ["cus_1", None, ACCOUNT, "cus_1"]
    assert [name for name, _, _ in read.asked] == ["BillingCustomer", "Account"]


async def test_a_node_that_cannot_be_read_is_an_error_at_its_own_place() -> None:
    read = Shelf(find.NODE_NEEDS).put("key", ACCOUNT, account()).fail(c.BillingCustomer, "key")
    (found,) = await find.nodes([None], read, context(), ids(customer(), account()))
    assert found[0] is DOWN
    assert found[1].key == ACCOUNT
    assert await find.node([None], read, context(), *ids(customer())) == [DOWN]


async def test_too_many_or_unknown_ids_are_refused() -> None:
    read = Shelf(find.NODE_NEEDS)
    (many,) = await find.nodes([None], read, context(), ids(account()) * 101)
    (unknown,) = await find.nodes([None], read, context(), [strawberry.ID("x")])
    assert isinstance(many, BadAsk)
    assert isinstance(unknown, BadAsk)


async def test_what_has_no_index_by_key_says_how_it_is_found() -> None:
    evidence = {"key": "77:A", "source": "desk", "source_id": "77"}
    target = c.Sla(**evidence, as_of=account().as_of, case_key="77", metric="A", stage="ACTIVE")  # type: ignore[arg-type]
    (found,) = await find.node([None], Shelf(find.NODE_NEEDS), context(), *ids(target))
    assert isinstance(found, BadAsk)
    assert "`Sla`" in found.message


# ---------------------------------------------------------------- ids


words = st.text(st.characters(codec="utf-8"), min_size=1)


@given(words, words.filter(lambda source: "|" not in source))
def test_an_id_gives_back_what_it_was_made_of(key: str, source: str) -> None:
    assert parse_id(global_id(account(key, source=source))) == (c.Account, source, key)


@given(st.text())
def test_what_is_no_id_is_refused_in_plain_words(text: str) -> None:
    with pytest.raises(BadAsk, match="no id of this graph"):
        parse_id(text)
