"""onboardAccount: a customer in all four systems, so that an order finds everybody there; what is there stays as it is.

Nothing of it moves money. Every record is found by the account's key or made, so that doing it again adds only what is
missing; a CRM account that was made for nothing is marked inactive, and what hangs on it is inert.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

import msgspec

from resolvers.sagas.concerns import RECORDS, SERVICE
from resolvers.sagas.reading import claimed, entity, many, one, profile_of
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from resolvers.sagas.writes.order import BillingAddress
from sources import canonical as c
from sources.canonical import Money, MoneyError
from sources.canonical import commands as do
from sources.errors import BadAsk

_OF_ACCOUNT = frozenset({"industry", "region", "country", "domain", "parent_key", "owner_notes"})
_CLAIMS = (("BILLING", "billing_customer"), ("ERP", "erp_customer"))


class OnboardAccount(msgspec.Struct, frozen=True, kw_only=True):
    """`account` is in the CRM already; without it a new one of this `name` is made, with `fields` by their canonical
    names. `country` of the address as ISO 3166-1 alpha-2; None: the account's own. `terms` by the ERP's name, None: its
    usual ones. `support`: whether the desk gets an organization; a plan comes with an order."""

    legal_entity: str
    currency: str
    account: str | None = None
    name: str | None = None
    fields: Mapping[str, str] = {}
    billing_email: str | None = None
    billing_address: BillingAddress | None = None
    tax_number: str | None = None
    terms: str | None = None
    support: bool = True


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """`customer` and `organization` are what billing and the desk have; `unlinked` are the systems of which the CRM
    does not say what they call the account."""

    name: str
    country: str | None
    customer: str | None
    organization: str | None
    unlinked: tuple[str, ...]


async def gather(read: Read, asked: OnboardAccount, now: datetime) -> Facts:
    """The account as each system has it. Raises BadAsk for what makes no sense."""
    _sound(asked)
    account, seller, namesakes = await asyncio.gather(
        _account(read, asked.account), entity(read, asked.legal_entity), _namesakes(read, asked)
    )
    has = await _had(read, asked, account)
    known = Known(
        name=account.name if account is not None else (asked.name or ""),
        country=account.country if account is not None else asked.fields.get("country"),
        customer=has.customer,
        organization=has.organization,
        unlinked=_unlinked(account),
    )
    return Facts(
        account=account.key if account is not None else None,
        entity=asked.legal_entity,
        functional=seller.currency if seller else "",
        flags={
            "bill_to": asked.billing_email is not None or asked.billing_address is not None,
            "tax_id": asked.tax_number is not None,
            "terms": asked.terms is not None,
            "entity": has.elsewhere,
            "bank_details": False,
        },
        documents=(f"account:{account.key}",) if account is not None else (),
        findings=(*_refusals(account, seller, asked), *namesakes, *has.findings),
        known=msgspec.to_builtins(known),
    )


class _Had(msgspec.Struct, frozen=True):
    """What the other systems have. `elsewhere`: it is a customer already, of another legal entity only."""

    customer: str | None = None
    organization: str | None = None
    elsewhere: bool = False
    findings: tuple[Finding, ...] = ()


def _sound(asked: OnboardAccount) -> None:
    if (asked.account is None) == (asked.name is None):
        raise BadAsk("either `account`, one that is in the CRM, or the `name` of a new one is expected")
    if asked.account is not None and asked.fields:
        raise BadAsk("`fields` are those of a new account: change one that is there with `updateAccount`")
    if asked.name is not None and not asked.name.strip():
        raise BadAsk("`name` is empty")
    wrong = sorted(set(asked.fields) - _OF_ACCOUNT)
    if wrong:
        raise BadAsk(f"`{wrong[0]}` is no field of a new account: use {', '.join(sorted(_OF_ACCOUNT))}")
    try:
        Money.zero(asked.currency).amount  # noqa: B018 - raises for what is no currency
    except MoneyError as error:
        raise BadAsk(f"`currency`: {error}") from None


async def _account(read: Read, key: str | None) -> c.Account | None:
    return await one(read, c.Account, key) if key is not None else None


async def _namesakes(read: Read, asked: OnboardAccount) -> list[Finding]:
    """Who has the new one's domain already."""
    domain = asked.fields.get("domain")
    if asked.account is not None or not domain:
        return []
    found = [each for each in await many(read, c.Account, "domain", domain.lower()) if not each.deleted]
    message = "account `{}` has the domain `{}`: take that one on, or leave the domain out"
    return [
        Finding(code="ACCOUNT_EXISTS", message=message.format(each.key, domain), path="fields.domain")
        for each in found[:1]
    ]


async def _had(read: Read, asked: OnboardAccount, account: c.Account | None) -> _Had:
    if account is None:
        return _Had()
    (profiles, first), (customers, second), (desks, third) = await asyncio.gather(
        claimed(read, c.BillingProfile, account.key),
        claimed(read, c.BillingCustomer, account.key),
        claimed(read, c.SupportOrganization, account.key),
    )
    profile = profile_of(profiles, asked.legal_entity)
    fitting = [each.key for each in customers if _fits(each, asked)]
    return _Had(
        customer=fitting[0] if len(fitting) == 1 else None,
        organization=desks[0].key if desks else None,
        elsewhere=profile is None and any(not each.inactive for each in profiles),
        findings=(*first, *second, *third),
    )


def _fits(customer: c.BillingCustomer, asked: OnboardAccount) -> bool:
    entity, currency = customer.legal_entity or asked.legal_entity, customer.currency or asked.currency
    return not customer.deleted and (entity, currency) == (asked.legal_entity, asked.currency)


def _unlinked(account: c.Account | None) -> tuple[str, ...]:
    linked = {each.system.value for each in account.external_ids} if account is not None else set()
    return tuple(system for system, _ in _CLAIMS if system not in linked)


def _refusals(account: c.Account | None, seller: c.LegalEntity | None, asked: OnboardAccount) -> tuple[Finding, ...]:
    found = []
    if seller is None or seller.inactive:
        message = f"there is no legal entity `{asked.legal_entity}` that sells"
        found.append(Finding(code="ENTITY_NOT_ALLOWED", message=message, path="legalEntity"))
    if account is not None and (account.deleted or account.lifecycle is c.Lifecycle.MERGED):
        message = "it was deleted, or merged into another: take that one on"
        found.append(Finding(code="ACCOUNT_GONE", message=message, path="account"))
    if account is not None and account.restrictions:
        message = "there is a restriction on it: nothing is sold to it"
        found.append(Finding(code="ACCOUNT_RESTRICTED", message=message, path="account"))
    return tuple(found)


# -------------------------------------------------------------------------------------------------------- the steps

_Onboarding = State[OnboardAccount, Known]


def _key(state: _Onboarding) -> str:
    return state.input.account or state.key_of("account")


def _put_account(state: _Onboarding) -> do.PutAccount | None:
    if state.input.account is not None:
        return None
    return do.PutAccount(
        operation=state.operation,
        correlation=state.correlation,
        fields={"name": state.known.name, **state.input.fields},
    )


def _retire(state: _Onboarding) -> do.PutAccount:
    """An account is never deleted."""
    return do.PutAccount(
        operation=state.operation,
        correlation=state.correlation,
        account_key=state.key_of("account"),
        fields={"lifecycle": c.Lifecycle.INACTIVE},
    )


def _debtor(state: _Onboarding) -> do.PutDebtor:
    asked = state.input
    return do.PutDebtor(
        operation=state.operation,
        correlation=state.correlation,
        account_key=_key(state),
        legal_entity=asked.legal_entity,
        name=state.known.name,
        currency=asked.currency,
        email=asked.billing_email,
        terms=asked.terms,
        tax_number=asked.tax_number,
        address=_address(state),
    )


def _customer(state: _Onboarding) -> do.PutCustomer:
    asked, party = state.input, state.known.customer
    return do.PutCustomer(
        operation=state.operation,
        correlation=state.correlation,
        account_key=_key(state),
        party=party,
        name=state.known.name,
        email=asked.billing_email,
        currency=asked.currency,
        legal_entity=asked.legal_entity,
        address=_address(state) if party is None or asked.billing_address is not None else {},
    )


def _address(state: _Onboarding) -> Mapping[str, str]:
    given = state.input.billing_address
    if given is None:
        return {"country": state.known.country} if state.known.country else {}
    return {name: value for name, value in msgspec.structs.asdict(given).items() if value}


def _organization(state: _Onboarding) -> do.PutOrganization | None:
    if not state.input.support or state.known.organization is not None:
        return None
    return do.PutOrganization(
        operation=state.operation, correlation=state.correlation, account_key=_key(state), name=state.known.name
    )


def _links(state: _Onboarding) -> do.PutAccount | None:
    """What the others call it, where the CRM does not say so yet: it has place for one of each."""
    found = {f"external_ids.{system}": state.key_of(step) for system, step in _CLAIMS if system in state.known.unlinked}
    if not found:
        return None
    return do.PutAccount(
        operation=state.operation, correlation=state.correlation, account_key=_key(state), fields=found
    )


ONBOARD_ACCOUNT = Saga(
    mutation="onboardAccount",
    input=OnboardAccount,
    known=Known,
    gather=gather,
    needs=(
        (c.Account, "key"),
        (c.Account, "domain"),
        (c.LegalEntity, "key"),
        (c.BillingProfile, "account"),
        (c.BillingCustomer, "account"),
        (c.SupportOrganization, "account"),
    ),
    steps=(
        Step("account", do.PutAccount, _put_account, _retire, concern=RECORDS),
        # Parties that nothing hangs on do no harm: they stay.
        Step("erp_customer", do.PutDebtor, _debtor, concern=RECORDS),
        Step("billing_customer", do.PutCustomer, _customer, concern=RECORDS),
        Step("organization", do.PutOrganization, _organization, concern=SERVICE),
        Step("links", do.PutAccount, _links, concern=RECORDS),
    ),
    prompt=True,
)
