"""updateAccount and setCredit: who the customer is, and how much it may owe."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from resolvers.sagas.concerns import CREDIT, RECORDS
from resolvers.sagas.reading import entity, many, money, one, profile_of, version
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from sources import canonical as c
from sources.canonical import Money
from sources.canonical import commands as do
from sources.errors import BadAsk

_CHANGEABLE = frozenset({"name", "industry", "region", "country", "domain", "parent_key", "owner_notes"})
_HUNDRED = Decimal(100)


class UpdateAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`fields` by their canonical names; None empties one."""

    account: str
    fields: Mapping[str, str | None]


class AccountKnown(msgspec.Struct, frozen=True, kw_only=True):
    """When the CRM last saw the account change."""

    updated_at: str | None


async def gather_account(read: Read, asked: UpdateAccount, now: datetime) -> Facts:
    """The account as it is. Financial fields (bill-to, tax number, terms, entity, bank) are none of the CRM's."""
    wrong = sorted(set(asked.fields) - _CHANGEABLE)
    if wrong or not asked.fields:
        which = f"`{wrong[0]}` is no field that is changed here" if wrong else "`fields` is empty"
        raise BadAsk(f"{which}: use {', '.join(f'`{each}`' for each in sorted(_CHANGEABLE))}")
    account = await one(read, c.Account, asked.account)
    return Facts(
        account=account.key,
        flags=dict.fromkeys(("bill_to", "tax_id", "terms", "entity", "bank_details"), False),
        documents=(f"account:{account.key}",),
        versions=(seen := version("account", account.updated_at)),
        known=msgspec.to_builtins(AccountKnown(updated_at=seen.get("account"))),
    )


def _put_account(state: State[UpdateAccount, AccountKnown]) -> do.PutAccount:
    return do.PutAccount(
        operation=state.operation,
        correlation=state.correlation,
        account_key=state.input.account,
        fields=state.input.fields,
        expected_updated_at=state.known.updated_at,
    )


class SetCredit(msgspec.Struct, frozen=True, kw_only=True):
    """The credit of an account in one legal entity; what is None stays."""

    account: str
    legal_entity: str
    limit: Decimal | None = None
    hold: bool | None = None


class CreditKnown(msgspec.Struct, frozen=True, kw_only=True):
    """The ERP's customer, its limit before, and the one to come."""

    party: str
    before: Money | None
    limit: Money | None


async def gather_credit(read: Read, asked: SetCredit, now: datetime) -> Facts:
    """The ERP's customer, and by how much its limit rises."""
    if asked.limit is None and asked.hold is None:
        raise BadAsk("say what is to be set: `limit`, `hold` or both")
    profiles = await many(read, c.BillingProfile, "account", asked.account)
    profile = profile_of(profiles, asked.legal_entity)
    if profile is None:
        raise BadAsk(f"account `{asked.account}` is no customer of the legal entity `{asked.legal_entity}`")
    seller = await entity(read, asked.legal_entity)
    limit = money(asked.limit, profile.currency, zero=True) if asked.limit is not None else None
    before = profile.credit_limit
    known = CreditKnown(party=profile.key, before=before, limit=limit)
    return Facts(
        account=asked.account,
        entity=asked.legal_entity,
        functional=seller.currency if seller else "",
        amount=_rise(before, limit, profile.currency),
        figures=_raise(before, limit),
        flags={"hold_off": asked.hold is False},
        documents=(f"billingprofile:{profile.key}", f"account:{asked.account}"),
        findings=_nothing(asked, before, limit),
        versions=version("profile", profile.updated_at),
        known=msgspec.to_builtins(known),
    )


def _rise(before: Money | None, limit: Money | None, currency: str) -> Money:
    if limit is None:
        return Money.zero(currency)
    return Money(max(limit.minor - (before.minor if before else 0), 0), currency)


def _raise(before: Money | None, limit: Money | None) -> dict[str, Money | Decimal]:
    """By how many percent the limit rises; unknown where there was none to rise from."""
    if limit is None:
        return {"raise": Decimal(0)}
    if before is None or before.minor <= 0:
        return {}
    return {"raise": max((limit - before).amount * _HUNDRED / before.amount, Decimal(0)).quantize(Decimal("0.0001"))}


def _nothing(asked: SetCredit, before: Money | None, limit: Money | None) -> tuple[Finding, ...]:
    if asked.hold is None and limit is not None and limit == before:
        return (Finding(code="NOTHING_CHANGES", message="the limit is that already", path="limit"),)
    return ()


def _set_credit(state: State[SetCredit, CreditKnown]) -> do.SetCredit:
    return do.SetCredit(
        operation=state.operation,
        correlation=state.correlation,
        party=state.known.party,
        limit=state.known.limit,
        hold=state.input.hold,
    )


UPDATE_ACCOUNT = Saga(
    mutation="updateAccount",
    input=UpdateAccount,
    known=AccountKnown,
    gather=gather_account,
    needs=((c.Account, "key"),),
    steps=(Step("account", do.PutAccount, _put_account, concern=RECORDS),),
    prompt=True,
)
SET_CREDIT = Saga(
    mutation="setCredit",
    input=SetCredit,
    known=CreditKnown,
    gather=gather_credit,
    needs=((c.BillingProfile, "account"), (c.LegalEntity, "key")),
    steps=(Step("credit", do.SetCredit, _set_credit, concern=CREDIT),),
    prompt=True,
)
