"""What the billing system is told, it does once: seen by our own reader, whoever dies or stays silent meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from sources.canonical.commands import CancelSubscription, Command, OfferFeature, PrepareSubscription, SetCredit
from sources.errors import BadAsk, TimedOut
from sources.vendors.stripe.writers import TOUCHES, StripeWriter
from tests.sources.stripe.commands_of import CASES, OP, writes
from tests.sources.stripe.writing import BUYER, Billing, Crash, billing


@pytest.fixture(params=[case for _, case in CASES], ids=[name for name, _ in CASES])
def case(request: pytest.FixtureRequest) -> Callable[[Billing], Command]:
    made: Callable[[Billing], Command] = request.param
    return made


def test_every_command_of_billing_is_told_apart_and_says_what_it_touches() -> None:
    assert StripeWriter.commands == frozenset(TOUCHES)
    assert all(command.__module__.endswith(".billing") for command in TOUCHES)


def test_a_command_of_another_system_is_refused(account: Billing) -> None:
    with pytest.raises(BadAsk, match="SetCredit"):
        account.do(SetCredit(party=BUYER, **OP))


def test_the_same_key_is_one_effect_however_often_it_is_sent(
    account: Billing, case: Callable[[Billing], Command]
) -> None:
    command = case(account)
    assert account.find(command) is None
    first = account.do(command)
    effects = account.kinds()
    again, found = account.do(command), account.find(command)
    assert account.kinds() == effects
    assert (first.replayed, again.replayed) == (False, True)
    assert found is not None
    assert {first.key, again.key, found.key} == {first.key}
    assert (first.amounts, first.number) == (again.amounts, again.number) or not again.amounts


def test_after_the_life_of_the_key_it_is_still_one_effect(account: Billing, case: Callable[[Billing], Command]) -> None:
    command = case(account)
    first = account.do(command)
    account.clock.advance(3 * 86_400)
    account.raw("customers")  # time passes when somebody asks
    effects = account.kinds()
    assert account.do(command).key == first.key
    assert account.kinds() == effects


def test_an_answer_that_was_lost_is_found_and_sending_again_does_nothing_more(
    account: Billing, case: Callable[[Billing], Command]
) -> None:
    command = case(account)
    with billing() as twin:
        expected = _effects_of(twin, case)
    before = account.kinds()
    account.wire.loses.append(writes(command)[-1])
    with pytest.raises(TimedOut):
        account.do(command, "op:lost")
    assert account.find(command, "op:lost") is not None
    account.do(command, "op:lost")
    assert _difference(before, account.kinds()) == expected


def _effects_of(account: Billing, case: Callable[[Billing], Command]) -> dict[str, int]:
    command = case(account)
    before = account.kinds()
    account.do(command)
    return _difference(before, account.kinds())


def _difference(before: Any, after: Any) -> dict[str, int]:
    return {kind: count - before.get(kind, 0) for kind, count in after.items() if count != before.get(kind, 0)}


HALVES = {
    (PrepareSubscription, "invoices.update"),
    (CancelSubscription, "invoices.update"),
    (OfferFeature, "features.update"),
}
"""Who dies before these calls leaves something that is to be completed, or taken back."""


def test_who_dies_between_two_calls_is_gone_on_from_there(account: Billing, case: Callable[[Billing], Command]) -> None:
    command = case(account)
    with billing() as twin:
        expected = _effects_of(twin, case)
    before = account.kinds()
    for operation in writes(command):
        account.wire.dies = operation
        with pytest.raises(Crash):
            account.do(command)
        assert (account.find(command) is None) is ((type(command), operation) not in HALVES)
    account.wire.dies = None
    account.do(command)
    assert _difference(before, account.kinds()) == expected


def test_what_was_written_says_which_operation_it_was(account: Billing, case: Callable[[Billing], Command]) -> None:
    command = case(account)
    before = len(account.effects())
    account.do(command, "op:marked")
    assert "op" in {effect.get("operation") for effect in account.effects()[before:]}
