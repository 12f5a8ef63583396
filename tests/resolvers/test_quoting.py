"""What a client gave may be somebody's address: no refusal says it again, since refusals end up in logs."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from resolvers import find
from resolvers.ids import parse_id
from sources import canonical as c
from sources.errors import Ambiguous, BadAsk, SourceError
from sources.ports import Filter
from sources.vendors.stripe.readers.filters import chosen

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
