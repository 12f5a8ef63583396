"""What an object remembers of its last changes, also where two change it at once."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.canonical.commands import PauseSubscription, PutCustomer, ResumeSubscription
from sources.vendors.stripe import facts
from sources.vendors.stripe.writers.marks import KEPT, marked, marks
from tests.sources.stripe.commands_of import OP, released
from tests.sources.stripe.writing import Billing

COMMAND = PauseSubscription(subscription_key="sub_1", **OP)


def merged(before: dict[str, str], said: dict[str, str]) -> dict[str, str]:
    """As Stripe does it: by name, and what is empty goes."""
    return {name: value for name, value in {**before, **said}.items() if value}


@given(st.lists(st.integers(0, 40).map(str), min_size=1))
def test_the_last_changes_are_remembered_and_no_more(keys: list[str]) -> None:
    metadata: dict[str, str] = {facts.ACCOUNT: "001"}
    for key in keys:
        metadata = merged(metadata, marks(COMMAND, key, metadata))
        assert marked(key, metadata)
    assert sum(name.startswith(facts.KEYS) for name in metadata) == min(len(set(keys)), KEPT)
    assert (metadata[facts.ACCOUNT], metadata[facts.KEY]) == ("001", keys[-1])
    fresh = list(dict.fromkeys(keys))
    if len(fresh) == len(keys):
        assert [marked(key, metadata) for key in fresh[-KEPT:]] == [True] * len(fresh[-KEPT:])


@given(st.lists(st.integers(0, 30).map(str), max_size=30), st.lists(st.integers(31, 40).map(str), min_size=2))
def test_changes_at_once_do_not_take_each_other_away(before: list[str], at_once: list[str]) -> None:
    metadata: dict[str, str] = {}
    for key in before:
        metadata = merged(metadata, marks(COMMAND, key, metadata))
    after = metadata
    for said in [marks(COMMAND, key, metadata) for key in at_once]:  # all have seen the same
        after = merged(after, said)
    assert all(marked(key, after) for key in at_once)


def test_a_repetition_says_the_same_so_that_its_key_is_good_for_it() -> None:
    before = marks(COMMAND, "a")
    assert marks(COMMAND, "b", before) == marks(COMMAND, "b", before)
    assert marks(COMMAND, "b", merged(before, marks(COMMAND, "b", before))) == marks(COMMAND, "b", before)


def test_two_operations_on_one_subscription_at_once_are_both_remembered(account: Billing) -> None:
    key = released(account)
    pause, resume = PauseSubscription(subscription_key=key, **OP), ResumeSubscription(subscription_key=key, **OP)

    async def meanwhile() -> None:
        await account.connector.do(resume, "b")

    account.wire.before["subscriptions.change"] = meanwhile
    account.do(pause, "a")
    assert account.find(pause, "a") is not None
    assert account.find(resume, "b") is not None


@pytest.mark.parametrize("lag", [0, 3_600])
def test_operations_on_one_new_customer_are_all_remembered(account: Billing, lag: float) -> None:
    given_: dict[str, Any] = {"account_key": "001New", "name": "New", "currency": "EUR", "legal_entity": "DE", **OP}
    command = PutCustomer(**given_)
    account.lag(lag)
    for number in range(3):
        account.do(command, f"op{number}:customer")
    account.lag(0)
    assert all(account.find(command, f"op{number}:customer") is not None for number in range(3))
