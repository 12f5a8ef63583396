"""renewSubscription: another term of a subscription, also when it was signed late.

What still runs goes on: an end that was planned does not come, contract and right last longer. What has ended stays so,
in every system; then a subscription of its own begins on the day after the end, so that no day is missing or billed
twice, and says which one it replaces.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from resolvers.sagas.reading import claimed, entity, many, one, periods, profile_of, today
from resolvers.sagas.saga import Facts, Finding, Read, Saga
from resolvers.sagas.writes.changing import Change, ChangeJudge, plain_change
from resolvers.sagas.writes.fulfilment import credit_left
from resolvers.sagas.writes.order_terms import OrderedLine, contract_value
from resolvers.sagas.writes.parties import ordered, owing, parties_of, sold_by
from resolvers.sagas.writes.renewal_known import Known, support
from resolvers.sagas.writes.renewal_steps import STEPS
from resolvers.sagas.writes.renewal_terms import (
    Limits,
    RenewSubscription,
    counted,
    figures,
    has_ended,
    present,
    renewed,
    term,
    whole,
    wrong_with_lines,
    wrong_with_subscription,
    wrong_with_term,
)
from sources import canonical as c
from sources.canonical.commands import Collection
from sources.errors import BadAsk

__all__ = ["RENEW_SUBSCRIPTION", "Limits", "RenewSubscription", "renew_subscription"]

_USUAL_DAYS = 30

NEEDS = (
    (c.AccountSubscription, "key"),
    (c.SubscriptionContract, "subscription"),
    (c.Renewal, "subscription"),
    (c.Order, "account"),
    (c.Order, "key"),
    (c.Product, "key"),
    (c.Price, "list"),
    (c.LegalEntity, "key"),
    (c.AccountingPeriod, "list"),
    (c.BillingProfile, "account"),
    (c.Entitlement, "account"),
    (c.SupportOrganization, "account"),
    (c.SupportPlan, "list"),
    (c.Case, "account"),
)


def renew_subscription(limits: Limits = Limits(), judge: ChangeJudge = plain_change) -> Saga:  # noqa: B008 - frozen
    """The saga, with the limits of what is a renewal still; `judge` is asked before it is accepted, and again before it
    begins and after approvals."""

    async def gather(read: Read, asked: RenewSubscription, now: datetime) -> Facts:
        _sound(asked)
        subscription, unsold = await sold_by(read, await one(read, c.AccountSubscription, asked.subscription))
        seller = await entity(read, subscription.legal_entity)
        parties = parties_of(subscription, await ordered(read, subscription))
        buyer = parties.sold_to_key or subscription.account_key
        on_record = await _recorded(read, subscription, buyer, parties)
        day, follows = today(seller, now), term(asked, subscription, on_record.contract)
        wrong = [*wrong_with_subscription(subscription), *wrong_with_term(follows, day, limits)]
        wrong += unsold or on_record.findings
        wrong += renewed(on_record.orders, follows, day, now)
        if follows is None:
            return _refused(subscription, wrong)
        prices = {price.key: price for price in on_record.book}
        lines = asked.lines or on_record.lines
        wrong += wrong_with_lines(subscription, lines, on_record.lines, prices, limits)
        amount = contract_value(counted(lines), prices, subscription.currency, follows.start_on, follows.end_on)
        user = subscription.end_customer_key or subscription.account_key
        wanted = Change(
            subscription=subscription,
            parties=parties,
            items=whole(lines),
            adds=amount,
            start_on=follows.start_on,
            end_on=follows.end_on,
            renews=True,
        )
        judged, (_, shut), (serving, lowered), credit = await asyncio.gather(
            judge(read, wanted, now),
            periods(read, max(day, follows.start_on)),
            support(read, subscription, user, asked.support_tier, follows),
            owing(read, subscription.legal_entity, parties),
        )
        exceeded, left = credit_left(amount, judged.headroom)
        due = asked.due_days if asked.due_days is not None else subscription.days_until_due
        charged = subscription.collection_method == "charge_automatically"
        known = Known(
            buyer=buyer,
            parties=parties,
            user=user,
            payer=parties.payer_key or subscription.account_key,
            party=on_record.profile.key if on_record.profile is not None else "",
            customer=subscription.source_account_id or "",
            entity=subscription.legal_entity or "",
            currency=subscription.currency,
            ended=has_ended(subscription),
            lines=lines,
            start_on=follows.start_on,
            end_on=follows.end_on,
            today=day,
            collection=Collection.CHARGE if charged else Collection.INVOICE,
            due_days=None if charged else (due if due is not None else _USUAL_DAYS),
            headroom=left,
            contract=on_record.contract.key if on_record.contract is not None else None,
            contract_of=(on_record.contract.account_key if on_record.contract is not None else "") or buyer,
            contract_runs=on_record.contract is not None and on_record.contract.status == "ACTIVE",
            opportunity=on_record.opportunity,
            **msgspec.structs.asdict(serving),
        )
        usual = subscription.days_until_due if subscription.days_until_due is not None else _USUAL_DAYS
        return Facts(
            account=subscription.account_key or None,
            entity=subscription.legal_entity,
            functional=seller.currency if seller else "",
            amount=amount,
            figures=figures(subscription, lines, prices),
            flags={"backdated": False, "non_standard_terms": due is not None and due > max(usual, _USUAL_DAYS)},
            documents=(f"accountsubscription:{subscription.key}", *credit),
            findings=tuple(dict.fromkeys((*wrong, *judged.findings, *exceeded, *shut, *lowered))),
            known=msgspec.to_builtins(known),
        )

    return Saga(
        mutation="renewSubscription", input=RenewSubscription, known=Known, gather=gather, needs=NEEDS, steps=STEPS
    )


def _sound(asked: RenewSubscription) -> None:
    for number, line in enumerate(asked.lines):
        if not (
            line.quantity.is_finite() and line.quantity >= 0 and line.unit_price.is_finite() and line.unit_price >= 0
        ):
            raise BadAsk(f"`lines.{number}`: a quantity and a price of zero or more are expected")


class _Recorded(msgspec.Struct, frozen=True):
    """What CRM, ERP and price book have of the subscription; `lines` is what it has. Of its buyer's `orders` those for
    another customer to use are left out."""

    contract: c.SubscriptionContract | None
    opportunity: str | None
    profile: c.BillingProfile | None
    orders: tuple[c.Order, ...]
    book: tuple[c.Price, ...]
    lines: tuple[OrderedLine, ...]
    findings: tuple[Finding, ...]


async def _recorded(read: Read, subscription: c.AccountSubscription, buyer: str, parties: c.Parties) -> _Recorded:
    products = tuple(dict.fromkeys(item.product_key for item in subscription.items))
    contracts, deals, orders, (profiles, unlinked), book, sold = await asyncio.gather(
        many(read, c.SubscriptionContract, "subscription", subscription.key),
        many(read, c.Renewal, "subscription", subscription.key),
        many(read, c.Order, "account", *dict.fromkeys((buyer, subscription.account_key))),
        claimed(read, c.BillingProfile, subscription.account_key),
        many(read, c.Price, "list", ""),
        many(read, c.Product, "key", *products),
    )
    profile = profile_of(profiles, subscription.legal_entity)
    unknown = Finding(
        code="CUSTOMER_UNKNOWN",
        message="the ERP has no customer of the account in this legal entity: take it on first",
        owner="revops",
    )
    return _Recorded(
        contract=max(contracts, key=lambda each: (each.status == "ACTIVE", str(each.end_on)), default=None),
        opportunity=next((each.key for each in deals if each.open), None),
        profile=profile,
        orders=tuple(each for each in orders if each.parties.end_customer_key in (None, parties.end_customer_key)),
        book=tuple(book),
        lines=present(subscription, book, {each.key: each.code for each in sold}),
        findings=(*unlinked, *(() if profile is not None or unlinked else (unknown,))),
    )


def _refused(subscription: c.AccountSubscription, findings: list[Finding]) -> Facts:
    """Nothing more is known of a renewal without a term."""
    return Facts(
        account=subscription.account_key or None,
        entity=subscription.legal_entity,
        documents=(f"accountsubscription:{subscription.key}",),
        findings=tuple(findings),
    )


RENEW_SUBSCRIPTION = renew_subscription()
