"""Who stands at the desk in these tests, and a directory that knows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import pytest

from policies.writes.approvals import Delegation
from resolvers.desk import Desk
from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.refused import Refused
from sources import canonical as c
from sources.store.approvals import Approval
from sources.store.exceptions import ExceptionItem
from sources.store.operations import Outcome, State
from tests.resolvers.sagas.conftest import AGENT, House
from tests.resolvers.sagas.orders import credit

both = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)


def one(subject: str, *roles: str, human: str | None = None) -> Asker:
    return Asker(subject=subject, roles=frozenset(roles), human=human)


FINN, FAY = one("finn", "finance"), one("fay", "finance")
CARL, CORA = one("carl", "finance_controller"), one("cora", "finance_controller")
LEA, REVA, PAT = one("lea", "support_lead"), one("reva", "revops"), one("pat", "platform")
CRIS = one("cris", "credit_manager")


class People:
    """A directory: since when who holds which roles, the last entry up to an instant counts."""

    def __init__(self, **known: Mapping[datetime, set[str]]) -> None:
        self.known = known

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        if person not in self.known:
            return None
        past = [(since, roles) for since, roles in self.known[person].items() if since <= at]
        return frozenset(max(past)[1]) if past else frozenset()

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        return ()


async def refused(sending: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await sending
    return caught.value


def invoice(house: House, total: c.Money) -> None:
    """The invoice that credits are given on is of this amount."""
    zero = c.Money(0, total.currency)
    settled = c.Settlement(cash=zero, credit=zero, write_off=zero, withheld_tax=zero)
    changed = {"total": total, "subtotal": total, "tax": zero, "paid": zero, "settlement": settled}
    house.systems.records = [
        msgspec.structs.replace(each, currency=total.currency, **changed) if isinstance(each, c.Invoice) else each
        for each in house.systems.records
    ]


async def asked(
    house: House, amount: str = "600.00", asker: Asker = FINN, **given: Any
) -> tuple[Answer, list[Approval]]:
    """A credit that waits for approval, and what was asked."""
    answer = await house.send("issueCredit", credit(amount, **given), asker)
    assert answer.member is Outcome.NEEDS_APPROVAL
    await house.until(answer, State.AWAITING_APPROVAL)
    return answer, list(answer.approvals)


async def stuck(house: House) -> tuple[Answer, ExceptionItem]:
    """A credit whose memo meets a closed period: finance's exception. The house has the fault `lock` for it."""
    house.writes._patience = 0.1
    answer = await house.send("issueCredit", credit(), AGENT)
    await house.until(answer, State.NEEDS_ATTENTION)
    (raised,) = await house.exceptions(answer)
    return answer, raised


def desk_of(house: House, **known: Mapping[datetime, set[str]]) -> Desk:
    return Desk(house.writes, People(**known))
