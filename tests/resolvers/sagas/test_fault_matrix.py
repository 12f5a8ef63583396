"""Every command of an order and of the writes that move money, and every way of taking one back, meets every fault.

A crash before and after each command is `test_crashes.py`'s.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from resolvers.desk import Desk
from resolvers.sagas.answer import Answer, Request
from resolvers.sagas.grounds import Asker
from resolvers.sagas.instruction import Action
from resolvers.sagas.writes.amend_subscription import AmendedLine, AmendSubscription
from resolvers.sagas.writes.invoices import RecordPayment, WriteOff
from resolvers.sagas.writes.refund_payment import RefundPayment
from sources import canonical as c
from sources.canonical import Record
from sources.canonical.commands import Command
from sources.store import reservations
from sources.store.operations import Outcome, State
from tests.fakes.ledger import NOW, FakeWriter, company
from tests.resolvers.sagas.asked import FINANCE, GATEWAY, PAYMENT, PLANS, REVOPS, record, role
from tests.resolvers.sagas.conftest import AGENT, CPQ, House, Open
from tests.resolvers.sagas.orders import credit, order
from tests.resolvers.sagas.test_order import BACK

PASSING = ["away", "hang", "late", "lose", "lose_before"]
"""Faults that pass, or that are found to have passed: nothing was sent; no answer, and nothing happened (`hang`,
`lose_before`) or it did (`late`, `lose`)."""
CONTROLLER = role("finance_controller")


class Write(NamedTuple):
    """A governed write; `given` makes its input for an account, `forward` are its commands in order, `back` is what
    takes one back, from `pivot` on there is no way back."""

    mutation: str
    asker: Asker
    given: Callable[[str], Any]
    forward: Sequence[str]
    back: Mapping[str, str] = {}
    pivot: str | None = None

    def bound(self, command: str) -> bool:
        """Whether a command comes after the point of no return."""
        return self.pivot is not None and self.forward.index(command) > self.forward.index(self.pivot)

    def taken_back(self, before: str) -> list[str]:
        """What happens where a command is refused: all before it, and its opposite in reverse."""
        done = list(self.forward[: self.forward.index(before)])
        return [*done, *(self.back[each] for each in reversed(done) if each in self.back)]


ORDER = Write(
    "submitOrder", CPQ, lambda account: order(account=account, contract=f"K-{account}"),
    (
        "PutDebtor", "PutCustomer", "PutOrganization", "PutOrder", "PlaceSalesOrder", "PrepareSubscription",
        "ReleaseSubscription", "ApproveSalesOrder", "GrantRight", "SetSupportPlan", "TouchCases", "ActivateOrder",
        "SetContract",
    ),
    BACK, "ReleaseSubscription",
)  # fmt: skip
CREDIT = Write(
    "issueCredit", AGENT, lambda _: credit("1.00"), ("CreditInvoice", "CreditPosted"), {"CreditInvoice": "VoidCredit"}
)
AMENDMENT = Write(
    "amendSubscription", REVOPS,
    lambda account: AmendSubscription(
        subscription=f"sub-{account}", support_tier="premium",
        lines=(AmendedLine(price="price_1", quantity=Decimal(1), product="SEAT"),),
    ),
    ("PlaceSalesOrder", "ChangeSubscription", "ApproveSalesOrder", "GrantRight", "SetSupportPlan", "TouchCases"),
    {"PlaceSalesOrder": "CloseSalesOrder"}, "ChangeSubscription",
)  # fmt: skip
WRITES = (
    ORDER,
    CREDIT,
    AMENDMENT,
    Write(
        "refundPayment", FINANCE,
        lambda _: RefundPayment(payment="pay_1", amount=Decimal("1.00"), currency="USD"), ("ReturnPayment",),
    ),
    Write(
        "recordPayment", FINANCE,
        lambda account: RecordPayment(
            invoice="in_1", amount=Decimal("1.00"), currency="USD", received_on=NOW.date(), reference=account
        ),
        ("ReceivePayment",),
    ),
    Write(
        "writeOff", FINANCE,
        lambda _: WriteOff(invoice="in_1", amount=Decimal("0.10"), currency="USD", explanation="small balance"),
        ("WriteOffBalance",),
    ),
)  # fmt: skip
EACH = [(write, command) for write in WRITES for command in write.forward]
UNDONE = [(write, command) for write in WRITES for command in write.back]


class Case(NamedTuple):
    """One write under way, with faults of its own."""

    write: Write
    command: str
    key: str
    answer: Answer


class Chosen(FakeWriter):
    """Every request has faults of its own, by its correlation."""

    by_request: dict[str, dict[str, list[str]]]

    def fault(self, command: Command, name: str) -> str | None:
        waiting = self.by_request.get(command.correlation, {}).get(name, [])
        return waiting.pop(0) if waiting else None


class Matrix:
    """Sends writes side by side, each with the faults it is to meet."""

    def __init__(self, house: House) -> None:
        self.house, self.desk = house, Desk(house.writes)
        self._keys = (f"A{number}" for number in itertools.count())
        self._writer = house.systems.books = Chosen(house.ledger, {})
        self._writer.by_request = {}
        house.systems.records = [*company(), PAYMENT, GATEWAY, *PLANS]
        house.writes._patience = 0.05  # nobody waits for the end of those that come quickly

    async def send(self, write: Write, command: str, faults: dict[str, list[str]]) -> Case:
        key = next(self._keys)
        self._writer.by_request[key] = faults
        self.house.systems.records += _customer(key, new=write is ORDER)
        person = "human" if write.asker.human else "subject"  # a person of its own: some duties do not go together
        asker = msgspec.structs.replace(write.asker, **{person: f"person {key}"})
        request = Request(asker=asker, input=write.given(key), key=key, correlation=key)
        answer = await self.house.writes.accept(write.mutation, request)
        if answer.member is Outcome.NEEDS_APPROVAL:
            await self.house.until(answer, State.AWAITING_APPROVAL)
            for asked in await self.house.approvals(answer):
                await self.desk.approve(CONTROLLER, asked.id, asked.evidence_hash)
        return Case(write, command, key, answer)

    def did(self, case: Case) -> list[str]:
        assert case.answer.operation
        return [effect.command for effect in self.house.ledger.effects(case.answer.operation.id)]

    def net_zero(self, case: Case) -> bool:
        """Whether everything that was made has been taken back."""
        assert case.answer.operation
        return not self.house.ledger.open_records(case.answer.operation.id)

    async def reserved(self, case: Case) -> int:
        return await self.house.store.read(reservations.held, "credit", f"{case.key}/US", "USD")


def _customer(account: str, *, new: bool) -> Iterator[Record]:
    """What there is of an account of its own: a customer with a contract and a subscription; `new` to the desk or not."""
    kept = (c.Account, c.BillingProfile, c.AccountSubscription, c.Case) + (() if new else (c.SupportOrganization,))
    for each in company(account):
        if isinstance(each, c.AccountSubscription):
            yield msgspec.structs.replace(each, key=f"sub-{account}")
        elif isinstance(each, kept):
            yield each
    yield record(
        c.SubscriptionContract, f"K-{account}", account_key=account, status="ACTIVE", subscription_key=f"sub-{account}"
    )


@pytest.fixture
async def matrix(opened: Open) -> Matrix:
    return Matrix(await opened())


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_or_is_found_again_changes_nothing(matrix: Matrix, fault: str) -> None:
    cases = await asyncio.gather(*(matrix.send(write, command, {command: [fault]}) for write, command in EACH))
    for case in cases:
        operation = await matrix.house.ended(case.answer)
        assert (operation.state, operation.reason) == (State.COMPLETED, None), case[:2]
        assert matrix.did(case) == list(case.write.forward), (case.command, "each effect once, in order")


async def test_a_refusal_takes_back_what_was_done_in_reverse_or_goes_forward_only(matrix: Matrix) -> None:
    cases = await asyncio.gather(*(matrix.send(write, command, {command: ["refuse"]}) for write, command in EACH))
    for case in cases:
        if case.write.bound(case.command):
            await _is_its_owners(matrix, case)
            continue
        operation = await matrix.house.ended(case.answer)
        alone = case.write is not ORDER and case.command == case.write.forward[0]  # an order reserves credit before
        assert operation.state is (State.REJECTED if alone else State.COMPENSATED), case[:2]
        assert operation.reason == f"SOURCE_REJECTED: `{case.command}` is refused"
        assert matrix.did(case) == case.write.taken_back(case.command)
        assert matrix.net_zero(case)
        assert await matrix.reserved(case) == 0
    assert await matrix.house.audit_breaks() == []


async def _is_its_owners(matrix: Matrix, case: Case) -> None:
    """Past the point of no return nothing is taken back: the step's owner has it, and it goes on from there."""
    house = matrix.house
    await house.until(case.answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(case.answer)
    saga = house.writes.sagas[case.write.mutation]
    owner = next(step.concern.owner for step in saga.steps if step.writes.__name__ == case.command)
    assert (raised.owner, raised.kind) == (owner, "SOURCE_REJECTED")
    await house.tell(case.answer, Action.COMPENSATE)  # is not heard: there is no way back
    await house.tell(case.answer, Action.RESUME)
    assert (await house.ended(case.answer)).state is State.COMPLETED
    assert matrix.did(case) == list(case.write.forward)


@pytest.mark.parametrize("fault", [*PASSING, "refuse"])
async def test_what_takes_a_step_back_meets_faults_too(matrix: Matrix, fault: str) -> None:
    """The first command that cannot be taken back is refused, so that everything before it is."""
    last = {write.mutation: write.pivot or write.forward[-1] for write, _ in UNDONE}
    refused = [({last[write.mutation]: ["refuse"], write.back[undone]: [fault]}, write) for write, undone in UNDONE]
    for case in await asyncio.gather(*(matrix.send(write, last[write.mutation], faults) for faults, write in refused)):
        if fault == "refuse":
            await matrix.house.until(case.answer, State.NEEDS_ATTENTION)
            (raised,) = await matrix.house.exceptions(case.answer)
            assert (raised.owner, raised.kind) == ("finance", "SOURCE_REJECTED")
            assert matrix.did(case) == case.write.taken_back(case.command)[: len(matrix.did(case))]
            await matrix.house.tell(case.answer, Action.RESUME)
        operation = await matrix.house.ended(case.answer)
        assert operation.state is State.COMPENSATED
        assert matrix.did(case) == case.write.taken_back(case.command), "each once, the last one first"
        assert matrix.net_zero(case)
        assert await matrix.reserved(case) == 0
