"""Writers behind the whole pipeline: it repeats exactly what may be repeated, and says what is not known."""

import asyncio
from collections.abc import Callable

import pytest
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from sources.canonical.commands import CancelSubscription, Command, DropSubscription, Ending, Written
from sources.errors import OutcomeUnknown, Rejected, Remedy
from sources.ports import Effect
from tests.sources.stripe.commands_of import CASES, OP, prepared, preparing, released
from tests.sources.stripe.writing import Billing, billing


def failing(method: str) -> Callable[[Scope], object]:
    async def fault(scope: Scope) -> Response | None:
        return JSONResponse({"error": {"type": "api_error"}}, 500) if scope["method"] == method else None

    return fault


def test_a_write_under_a_key_is_sent_again_by_itself_when_its_answer_is_lost(account: Billing) -> None:
    account.wire.loses += ["subscriptions.create", "invoices.update"]
    written = account.run(account.piped().do(preparing(), "op:prepare"))
    assert written.replayed
    assert account.kinds()["subscription.create"] == 1
    sent = [call for call in account.wire.calls if call.operation == "subscriptions.create"]
    assert (len(sent), len({call.headers["idempotency-key"] for call in sent})) == (2, 1)


def test_a_write_without_a_key_is_not_and_can_be_read_back(account: Billing) -> None:
    command = DropSubscription(subscription_key=prepared(account), **OP)
    account.wire.loses.append("subscriptions.cancel")
    with pytest.raises(OutcomeUnknown) as told:
        account.run(account.piped().do(command, "op:drop"))
    assert told.value.remedy is Remedy.READ_THEN_REPEAT
    assert account.find(command, "op:drop") is not None
    assert len([call for call in account.wire.calls if call.method == "DELETE"]) == 1


def test_a_source_that_goes_on_failing_leaves_an_unknown_outcome_that_a_repetition_settles(account: Billing) -> None:
    account.app.state.fault = failing("POST")
    with pytest.raises(OutcomeUnknown) as told:
        account.run(account.piped().do(preparing(), "op:prepare"))
    assert told.value.remedy is Remedy.REPEAT
    account.app.state.fault = None
    assert account.find(preparing(), "op:prepare") is None
    account.run(account.piped().do(preparing(), "op:prepare"))
    assert account.kinds()["subscription.create"] == 1


def test_what_was_refused_is_not_sent_again(account: Billing) -> None:
    account.wire.calls.clear()
    with pytest.raises(Rejected):
        account.run(account.piped().do(preparing(due_days=-1), "op:prepare"))
    assert [call.operation for call in account.wire.calls].count("subscriptions.create") == 1


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_ten_at_once_are_one_effect(account: Billing, case: Callable[[Billing], Command]) -> None:
    command = case(account)
    before = account.kinds()
    with billing() as twin:
        alone = case(twin)
        start = twin.kinds()
        twin.do(alone)
        expected = {kind: count - start.get(kind, 0) for kind, count in twin.kinds().items()}
    account.work(0.005)
    connector = account.piped()

    async def crowd() -> list[Written | BaseException]:
        return await asyncio.gather(*(connector.do(command, "op:step") for _ in range(10)), return_exceptions=True)

    answers = account.run(crowd())
    after = account.kinds()
    assert {kind: after.get(kind, 0) - before.get(kind, 0) for kind in expected} == expected
    assert {answer.key for answer in answers if isinstance(answer, Written)} == {account.do(command).key}


def test_every_call_says_how_its_repetition_is_made_harmless(account: Billing) -> None:
    for number, (_, case) in enumerate(CASES):
        with billing() as fresh:
            fresh.do(case(fresh), f"op:{number}")
            calls = fresh.wire.calls
            for call in calls:
                keyed = "idempotency-key" in call.headers
                assert (call.effect is Effect.KEYED) is keyed
                assert call.effect is Effect.UPSERT or call.method != "DELETE"
                assert keyed or call.method in ("GET", "DELETE") or call.url.endswith("/create_preview")
            keys = [call.headers["idempotency-key"] for call in calls if "idempotency-key" in call.headers]
            assert len(keys) == len(set(keys))


def test_an_end_now_that_was_lost_is_gone_on_from_there(account: Billing) -> None:
    command = CancelSubscription(subscription_key=released(account), ending=Ending.NOW, **OP)
    account.wire.loses.append("subscriptions.cancel")
    with pytest.raises(OutcomeUnknown):
        account.run(account.piped().do(command, "op:cancel"))
    assert account.find(command, "op:cancel") is not None  # it has ended, and what was collected by itself is not yet
    before = account.kinds()["invoice.update"]
    account.run(account.piped().do(command, "op:cancel"))
    assert account.find(command, "op:cancel") is not None
    assert account.kinds()["subscription.cancel"] == 1
    assert account.kinds()["invoice.update"] == before + 1
