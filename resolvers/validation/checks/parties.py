"""Who takes part: each party exists, may be dealt with, and has to do with the customer."""

from __future__ import annotations

from collections.abc import Iterator

from resolvers.validation.case import Case
from resolvers.validation.checks.rule import Rule
from resolvers.validation.findings import Remark, doubt, error
from sources import canonical as c

_PATHS = {
    "sold_to_key": "soldTo",
    "bill_to_key": "billTo",
    "ship_to_key": "shipTo",
    "payer_key": "payer",
    "end_customer_key": "endCustomer",
    "reseller_key": "reseller",
}


def _named(case: Case) -> Iterator[tuple[tuple[str, ...], str]]:
    """Path and key of each party, the account first, each account once."""
    seen = {case.order.account_key}
    yield ("account",), case.order.account_key
    for name, path in _PATHS.items():
        key = getattr(case.order.parties, name)
        if key is not None and key not in seen:
            seen.add(key)
            yield ("parties", path), key


def _found(case: Case) -> Iterator[tuple[tuple[str, ...], c.Account]]:
    for path, key in _named(case):
        account = case.facts.accounts.by_key(key)
        if account is not None:
            yield path, account


def _unknown(case: Case) -> Iterator[Remark]:
    if case.facts.accounts.errors:
        return
    for path, key in _named(case):
        if case.facts.accounts.by_key(key) is None:
            yield error(
                "there is no such account, or it is not for you", *path, fix="give the account's key in the CRM"
            )


def _inactive(case: Case) -> Iterator[Remark]:
    for path, account in _found(case):
        winner = account.merged_into_key
        if winner is not None or account.lifecycle is c.Lifecycle.MERGED:
            yield error("the account was merged into another one", *path, fix=f"use `{winner}`" if winner else None)
        elif account.deleted:
            yield error("the account was deleted", *path, fix="name another one")
        elif account.lifecycle is c.Lifecycle.INACTIVE:
            yield error(
                "the account is no customer any more", *path, fix="set it active in the CRM, or name another one"
            )
    if case.profile is not None and case.profile.inactive:
        yield error("the billed customer is inactive in the ERP", "parties", "billTo", fix="set it active there")


def _restricted(case: Case) -> Iterator[Remark]:
    """The cause is not told."""
    for path, account in _found(case):
        if account.restrictions:
            yield error("the account may not be sold to", *path, fix="refer to legal")


def _unrelated(case: Case) -> Iterator[Remark]:
    accounts = case.facts.accounts
    own = accounts.by_key(case.order.account_key)
    if own is None:
        return
    reseller = case.order.parties.reseller_key
    for path, account in _found(case):
        if account.key in (own.key, reseller) or _related(own, account):
            continue
        if reseller is not None and path[-1] == "endCustomer":
            continue  # whoever a reseller sells to
        if path[-1] in ("payer", "billTo") and _pays(case, account.key):
            continue
        if not (case.facts.profiles.whole and case.facts.paying.whole):
            yield doubt("whether it pays for the customer could not be read", *path)
        else:
            yield error(
                "the account has nothing to do with the customer", *path,
                fix="link the two in the CRM, or have the ERP say who pays",
            )  # fmt: skip


def _related(one: c.Account, other: c.Account) -> bool:
    """Parent and child, or children of one parent."""
    if other.parent_key == one.key or one.parent_key == other.key:
        return True
    return one.parent_key is not None and one.parent_key == other.parent_key


def _pays(case: Case, account: str) -> bool:
    """Whether an account pays for the bill-to by the ERP's word, or the bill-to is paid for by the customer."""
    rows = (*case.facts.profiles.rows, *case.facts.paying.rows)
    own = {each.key for each in rows if each.account_key == account}
    of = {each.payer_id for each in rows if each.account_key in (case.order.account_key, case.order.bill_to_key)}
    return bool(own & of)


def _no_reseller(case: Case) -> str | None:
    return None if case.order.parties.reseller_key else "nobody resells it"


def _agreement(case: Case) -> Iterator[Remark]:
    """An agreement with a reseller is an active contract of its own account that is for no subscription."""
    if case.facts.agreements.errors:
        return
    at = ("parties", "reseller")
    own = [each for each in case.facts.agreements.rows if each.subscription_key is None]
    if not own:
        yield doubt("no agreement with the reseller is in the CRM", *at, fix="record it as a contract of the reseller")
    elif case.facts.agreements.whole and not any(_in_force(case, each) for each in own):
        yield error("the agreement with the reseller is not in force", *at, fix="renew it first")


def _in_force(case: Case, contract: c.SubscriptionContract) -> bool:
    begun = contract.start_on is None or contract.start_on <= case.start_on
    return contract.status == "ACTIVE" and begun and (contract.end_on is None or contract.end_on >= case.start_on)


RULES = (
    Rule(code="PARTY_UNKNOWN", needs=("accounts",), judge=_unknown, always=True),
    Rule(code="PARTY_INACTIVE", needs=("accounts", "profiles"), judge=_inactive, always=True),
    Rule(code="PARTY_RESTRICTED", needs=("accounts",), judge=_restricted, always=True),
    Rule(code="PARTY_UNRELATED", needs=("accounts",), judge=_unrelated, always=True),
    Rule(code="PARTY_RESELLER", needs=("agreements",), judge=_agreement, idle=_no_reseller),
)
