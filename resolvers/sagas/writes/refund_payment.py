"""refundPayment: gives a payment back, all or part, the way it came."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.concerns import LEDGER
from resolvers.sagas.reading import entity, money, one, recurring, some
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do

_GIVEN = (c.PaymentStatus.SUCCEEDED, c.PaymentStatus.PARTIALLY_REFUNDED)


class RefundPayment(msgspec.Struct, frozen=True, kw_only=True):
    """`amount` in major units of the payment's currency."""

    payment: str
    amount: Decimal
    currency: str
    explanation: str | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The amount, exactly."""

    amount: Money


async def gather(read: Read, asked: RefundPayment, now: datetime) -> Facts:
    """The payment, and what of it was given back before."""
    amount = money(asked.amount, asked.currency)
    payment = await one(read, c.Payment, asked.payment)
    gateway = await some(read, c.GatewayPayment, payment.key)
    seller = await entity(read, payment.legal_entity)
    functional = seller.currency if seller else ""
    given = tuple(f"invoice:{each.invoice_key}" for each in payment.applications if each.invoice_key)
    return Facts(
        account=payment.account_key or None,
        entity=payment.legal_entity,
        functional=functional,
        amount=amount,
        flags={"original_method": True},  # the only way there is: the command knows no other
        arr=await recurring(read, payment.account_key, functional) if payment.account_key else None,
        documents=(f"payment:{payment.key}", *given),
        findings=tuple(_refusals(payment, gateway, amount)),
        known=msgspec.to_builtins(Known(amount=amount)),
    )


def _refusals(payment: c.Payment, gateway: c.GatewayPayment | None, amount: Money) -> list[Finding]:
    if payment.amount.currency != amount.currency:
        message = f"the payment is in {payment.amount.currency}, not in {amount.currency}"
        return [Finding(code="CURRENCY_CONFLICT", message=message, path="currency")]
    if gateway is None or gateway.status not in _GIVEN:
        message = "only a settled payment that came through the gateway goes back the way it came"
        return [Finding(code="PAYMENT_NOT_REFUNDABLE", message=message, path="payment")]
    back = gateway.refunded or Money.zero(amount.currency)
    left = payment.amount - back
    if amount.minor > left.minor:
        message = f"{amount.amount} is more than the {left.amount} that was not given back yet"
        return [Finding(code="AMOUNT_EXCEEDS_PAYMENT", message=message, path="amount")]
    return []


def _refund(state: State[RefundPayment, Known]) -> do.ReturnPayment:
    return do.ReturnPayment(
        operation=state.operation,
        correlation=state.correlation,
        payment_key=state.input.payment,
        amount=state.known.amount,
        reason=state.input.explanation,
    )


REFUND_PAYMENT = Saga(
    mutation="refundPayment",
    input=RefundPayment,
    known=Known,
    gather=gather,
    needs=((c.Payment, "key"), (c.GatewayPayment, "key"), (c.LegalEntity, "key"), (c.AccountSubscription, "account")),
    steps=(Step("refund", do.ReturnPayment, _refund, concern=LEDGER, money=True, pivot=True),),
    prompt=True,
)
