"""cancelSubscription, suspendSubscription, resumeSubscription: what runs is ended, stopped, and started again."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from resolvers.sagas.concerns import LEDGER, RECORDS
from resolvers.sagas.reading import entity, one, some
from resolvers.sagas.saga import Build, Facts, Finding, Gather, Read, Saga, State, Step
from resolvers.sagas.writes.order_terms import day_before
from sources import canonical as c
from sources.canonical import commands as do
from sources.canonical.commands import Command, Ending
from sources.errors import BadAsk

_OVER = (
    c.SubscriptionStatus.CANCELED,
    c.SubscriptionStatus.TERMINATED,
    c.SubscriptionStatus.EXPIRED,
    c.SubscriptionStatus.NEVER_ACTIVATED,
)
_HELD = (c.SuspensionReason.DUNNING_EXHAUSTED, c.SuspensionReason.HOLD)
_OURS = (c.SuspensionReason.CUSTOMER_REQUEST, c.SuspensionReason.HOLD)  # billing comes upon the others by itself
NEEDS = ((c.AccountSubscription, "key"), (c.LegalEntity, "key"), (c.SubscriptionContract, "subscription"))


class CancelSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """`credit` gives back what was paid for the rest of the period; `on` goes with ON_DATE."""

    subscription: str
    ending: Ending = Ending.PERIOD_END
    on: date | None = None
    credit: bool = False


class SuspendSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """`notice_sent_at`: when the customer was told; without it nothing is suspended. `until` None: until resumed."""

    subscription: str
    reason: c.SuspensionReason
    notice_sent_at: datetime | None = None
    until: date | None = None


class ResumeSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """Collects again; takes back a cancellation that has not come yet."""

    subscription: str


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`contract` is the CRM's for this subscription; `ends_on` the last day of its period."""

    account: str
    contract: str | None
    ends_on: date | None


async def _running(read: Read, key: str, flags: dict[str, bool]) -> tuple[Facts, c.AccountSubscription]:
    subscription = await one(read, c.AccountSubscription, key)
    contract = await some(read, c.SubscriptionContract, key, "subscription")
    seller = await entity(read, subscription.legal_entity)
    over = subscription.status in _OVER
    finding = Finding(code="SUBSCRIPTION_ENDED", message=f"it is {subscription.status} already", path="subscription")
    end = subscription.period_end
    known = Known(
        account=subscription.account_key,
        contract=contract.key if contract else None,
        ends_on=day_before(end, contract.start_on if contract else None) if end else None,
    )
    facts = Facts(
        account=subscription.account_key or None,
        entity=subscription.legal_entity,
        functional=seller.currency if seller else "",
        flags=flags,
        documents=(f"accountsubscription:{key}",),
        findings=(finding,) if over else (),
        known=msgspec.to_builtins(known),
    )
    return facts, subscription


async def gather_cancel(read: Read, asked: CancelSubscription, now: datetime) -> Facts:
    """The subscription, and whether money goes back."""
    flags = {"at_period_end": asked.ending is Ending.PERIOD_END, "refund": asked.credit}
    facts, _ = await _running(read, asked.subscription, flags)
    if (asked.ending is Ending.ON_DATE) == (asked.on is None):
        finding = Finding(code="BAD_INPUT", message="`on` is given with `ON_DATE`, and only with it", path="on")
        return msgspec.structs.replace(facts, findings=(*facts.findings, finding))
    return facts


async def gather_suspend(read: Read, asked: SuspendSubscription, now: datetime) -> Facts:
    """The subscription, and whether the customer was told. Raises BadAsk for a reason that nobody decides."""
    if asked.reason not in _OURS:
        ours = " or ".join(f"`{each}`" for each in _OURS)
        raise BadAsk(f"`{asked.reason}` is what billing finds by itself: say {ours}", path="suspensionReason")
    told = asked.notice_sent_at is not None and asked.notice_sent_at <= now
    facts, _ = await _running(read, asked.subscription, {"notice_sent": told, "refund": False})
    return facts


async def gather_resume(read: Read, asked: ResumeSubscription, now: datetime) -> Facts:
    """The subscription, and why it was stopped; where nobody recorded that, the flag is not stated."""
    facts, subscription = await _running(read, asked.subscription, {"refund": False})
    suspension, paused = subscription.suspension, c.SubscriptionOverlay.COLLECTION_PAUSED in subscription.overlays
    if suspension is None and (paused or subscription.status is c.SubscriptionStatus.SUSPENDED):
        return facts
    held = suspension is not None and suspension.reason in _HELD
    return msgspec.structs.replace(facts, flags={**facts.flags, "held_for_credit": held})


def _cancel(state: State[CancelSubscription, Known]) -> do.CancelSubscription:
    return do.CancelSubscription(
        operation=state.operation,
        correlation=state.correlation,
        subscription_key=state.input.subscription,
        ending=state.input.ending,
        on=state.input.on,
        credit=state.input.credit,
    )


def _end_contract(state: State[CancelSubscription, Known]) -> do.SetContract | None:
    """The CRM's contract ends when the subscription does: at once it is terminated, else it has a last day; where that
    day is not known yet, it follows the event."""
    asked, known = state.input, state.known
    now, last = asked.ending is Ending.NOW, asked.on if asked.ending is Ending.ON_DATE else known.ends_on
    if known.contract is None or (last is None and not now):
        return None
    return do.SetContract(
        operation=state.operation,
        correlation=state.correlation,
        contract_key=known.contract,
        account_key=known.account,
        end_on=None if now else last,
        active=False if now else None,
    )


def _pause(state: State[SuspendSubscription, Known]) -> do.PauseSubscription:
    return do.PauseSubscription(
        operation=state.operation,
        correlation=state.correlation,
        subscription_key=state.input.subscription,
        until=state.input.until,
        reason=state.input.reason,
        notice_sent_at=state.input.notice_sent_at,
    )


def _resume(state: State[ResumeSubscription, Known]) -> do.ResumeSubscription:
    return do.ResumeSubscription(
        operation=state.operation, correlation=state.correlation, subscription_key=state.input.subscription
    )


def _one_step(mutation: str, asked: type, gather: Gather, name: str, writes: type[Command], build: Build) -> Saga:
    step = Step(name, writes, build, concern=RECORDS)
    return Saga(mutation=mutation, input=asked, known=Known, gather=gather, needs=NEEDS, steps=(step,), prompt=True)


CANCEL_SUBSCRIPTION = Saga(
    mutation="cancelSubscription",
    input=CancelSubscription,
    known=Known,
    gather=gather_cancel,
    needs=NEEDS,
    steps=(
        Step("cancel", do.CancelSubscription, _cancel, concern=LEDGER, pivot=True),
        Step("contract", do.SetContract, _end_contract, concern=RECORDS, changeable=("end_on",)),
    ),
    prompt=True,
)
SUSPEND_SUBSCRIPTION = _one_step(
    "suspendSubscription", SuspendSubscription, gather_suspend, "suspend", do.PauseSubscription, _pause
)
RESUME_SUBSCRIPTION = _one_step(
    "resumeSubscription", ResumeSubscription, gather_resume, "resume", do.ResumeSubscription, _resume
)
