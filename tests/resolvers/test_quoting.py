"""What a client gave may be somebody's address: no refusal says it again, since refusals end up in logs."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from resolvers import find
from resolvers.changes.places import located
from resolvers.ids import parse_id
from resolvers.sagas.reading import one
from sources import canonical as c
from sources.errors import Ambiguous, BadAsk, Missing, SourceError
from sources.ports import Filter
from sources.vendors.netsuite.writers.lookups import Lookups
from sources.vendors.stripe.readers.filters import chosen, comparable
from sources.vendors.stripe.writers.desk import place

ADDRESS = "ada.lovelace@acme.test"


async def refused(ask: Callable[[], Any]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await ask()
    return caught.value


class _Owned:
    def __init__(self, account_key: str) -> None:
        self.account_key = account_key


async def _two(_record: Any, _by: str, keys: list[str], *_: Any) -> Any:
    """Two of everything."""
    return SimpleNamespace(rows={key: SimpleNamespace(records=(_Owned("1"), _Owned("2"))) for key in keys}, errors={})


async def test_an_id_that_is_none_is_not_quoted() -> None:
    with pytest.raises(BadAsk) as caught:
        parse_id(ADDRESS)
    assert caught.value.message == "this is no id of this graph: use an `id` that it gave you"


@pytest.mark.parametrize("by", ["email", "domain"])
async def test_what_is_ambiguous_is_not_quoted(by: str) -> None:
    asked: Any = SimpleNamespace(key=None, node=None, system=None, id=None, domain=None, email=None)
    setattr(asked, by, ADDRESS)
    read: Any = _two
    told = await refused(lambda: find._account(read, asked))
    assert isinstance(told, Ambiguous)
    assert "ada" not in str(told)
    assert by in told.message


def test_a_filter_that_does_not_fit_is_not_quoted() -> None:
    with pytest.raises(BadAsk) as caught:
        chosen([Filter("status", "eq", ADDRESS)], "status", c.Lifecycle)
    assert caught.value.message == "this is no value of `status`"


async def test_what_is_not_there_is_told_by_its_place_and_else_not_at_all() -> None:
    class Given(msgspec.Struct):
        """An input that names an account."""

        bill_to: str

    async def nobody(_record: Any, _by: str, _keys: Any, *_: Any) -> Any:
        return SimpleNamespace(rows={}, errors={})

    read: Any = nobody
    told = await refused(lambda: one(read, c.Account, ADDRESS))
    assert isinstance(told, BadAsk)
    assert str(told) == "there is no Account of this key, or it is not for you: check the key"
    elsewhere, placed = located(told, Given("001A")), located(told, Given(ADDRESS))
    assert (str(elsewhere), elsewhere.path) == (str(told), None)
    assert (str(placed), placed.path) == (
        "there is no Account of `billTo`, or it is not for you: check the key",
        "billTo",
    )


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda of: of.subsidiary(ADDRESS), "`erp` has no legal entity of this name: map it, or name another one"),
        (lambda of: of.terms(ADDRESS), "`erp` has no payment terms of this name: map it, or name another one"),
        (
            lambda of: of.items(["P1", ADDRESS]),
            "`erp` has no active item for the product of line 2: map it, or name another one",
        ),
        (
            lambda of: of.debtors(ADDRESS),
            "`erp` knows accounts by keys of 18 characters, this is none: check it",
        ),
    ],
    ids=["legal entity", "terms", "item", "account"],
)
async def test_what_the_erp_does_not_know_is_not_quoted(ask: Callable[[Lookups], Any], said: str) -> None:
    async def select(_wanted: Any) -> Any:
        rows = [{"id": "7", "code": "P1"}] if "item i" in _wanted.tables else []
        return SimpleNamespace(rows=rows)

    client: Any = SimpleNamespace(select=select)
    told = await refused(lambda: ask(Lookups("erp", client)))
    assert (told.code, told.message) == ("SOURCE_REJECTED", said)


def test_what_can_be_no_id_of_stripes_is_not_quoted() -> None:
    with pytest.raises(Missing) as caught:
        place("/v1/customers", f"../{ADDRESS}")
    assert caught.value.message == "this is no id of Stripe's: check it"


def test_what_is_no_instant_is_not_quoted() -> None:
    with pytest.raises(BadAsk) as caught:
        comparable(ADDRESS, datetime.now(UTC))
    assert caught.value.message == "an instant is compared with a date or a datetime: give one of them"
