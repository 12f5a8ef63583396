"""The governed writes: what is asked, what must be known, and the steps in order."""

from resolvers.sagas.saga import Saga
from resolvers.sagas.systems import Systems
from resolvers.sagas.writes.accounts import SET_CREDIT, UPDATE_ACCOUNT
from resolvers.sagas.writes.amend_subscription import AMEND_SUBSCRIPTION, amend_subscription
from resolvers.sagas.writes.cases import ESCALATE_CASE
from resolvers.sagas.writes.changing import ChangeJudge, plain_change
from resolvers.sagas.writes.invoices import RECORD_PAYMENT, WRITE_OFF
from resolvers.sagas.writes.issue_credit import SAGA as ISSUE_CREDIT
from resolvers.sagas.writes.onboard_account import ONBOARD_ACCOUNT
from resolvers.sagas.writes.open_case import Entitled, open_case
from resolvers.sagas.writes.order import Judge, plain_judge
from resolvers.sagas.writes.previewing import previewed_by
from resolvers.sagas.writes.refund_payment import REFUND_PAYMENT
from resolvers.sagas.writes.renew_subscription import RENEW_SUBSCRIPTION, renew_subscription
from resolvers.sagas.writes.reverse_order import REVERSE_ORDER
from resolvers.sagas.writes.rights import GRANT_ENTITLEMENT, REVOKE_ENTITLEMENT
from resolvers.sagas.writes.submit_order import submit_order
from resolvers.sagas.writes.subscriptions import CANCEL_SUBSCRIPTION, RESUME_SUBSCRIPTION, SUSPEND_SUBSCRIPTION

WRITES: tuple[Saga, ...] = (
    submit_order(),
    AMEND_SUBSCRIPTION,
    RENEW_SUBSCRIPTION,
    REVERSE_ORDER,
    CANCEL_SUBSCRIPTION,
    SUSPEND_SUBSCRIPTION,
    RESUME_SUBSCRIPTION,
    ISSUE_CREDIT,
    RECORD_PAYMENT,
    REFUND_PAYMENT,
    WRITE_OFF,
    SET_CREDIT,
    UPDATE_ACCOUNT,
    ONBOARD_ACCOUNT,
    GRANT_ENTITLEMENT,
    REVOKE_ENTITLEMENT,
    open_case(),
    ESCALATE_CASE,
)
"""Every governed write, without what only a whole gateway can judge (`submit_order(judge)`, `open_case(entitled)`, what
changes by `judge`) or the systems can tell (`amend_subscription(preview)`)."""


def writes_over(
    systems: Systems,
    judge: Judge = plain_judge,
    entitled: Entitled | None = None,
    changing: ChangeJudge = plain_change,
) -> tuple[Saga, ...]:
    """Every governed write over the systems that carry it out."""
    joined = (
        submit_order(judge),
        amend_subscription(previewed_by(systems), changing),
        renew_subscription(judge=changing),
        open_case(entitled),
    )
    own = {saga.mutation: saga for saga in joined}
    return tuple(own.get(saga.mutation, saga) for saga in WRITES)
