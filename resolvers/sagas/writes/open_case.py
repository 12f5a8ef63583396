"""openCase: a case at the support desk; where the customer has a pack, one incident of it is held and used up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from resolvers.sagas.concerns import SERVICE
from resolvers.sagas.reading import many, one, some
from resolvers.sagas.reserve import INCIDENT, PIECES, Consume, Release, Reserve
from resolvers.sagas.saga import Facts, Finding, Read, Saga, State, Step
from sources import canonical as c
from sources.canonical.commands import OpenCase as OpenedCase
from sources.canonical.commands import PutOrganization


class OpenCase(msgspec.Struct, frozen=True, kw_only=True):
    """`requester` is the desk's own id of a person."""

    account: str
    subject: str
    body: str
    priority: c.Priority = c.Priority.NORMAL
    kind: str | None = None
    requester: str | None = None


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A right that is used up: what is left of it, as its own system counts."""

    entitlement: str
    remaining: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The account's name, and what the desk calls it."""

    name: str
    organization: str | None = None
    pack: Pack | None = None


Entitled = Callable[[Read, OpenCase, datetime], Awaitable[tuple[Finding, ...]]]
"""May this customer open a case now? Findings where not; the entitlement decision answers it."""


def open_case(entitled: Entitled | None = None) -> Saga:
    """The saga; `entitled` is asked before it is accepted, and again before it begins."""

    async def gather(read: Read, asked: OpenCase, now: datetime) -> Facts:
        account = await one(read, c.Account, asked.account)
        desk = await some(read, c.SupportOrganization, account.key, "account")
        known = Known(
            name=account.name,
            organization=desk.key if desk is not None else None,
            pack=_pack(await many(read, c.Entitlement, "account", account.key)),
        )
        found = await entitled(read, asked, now) if entitled is not None else ()
        documents = (f"entitlement:{known.pack.entitlement}",) if known.pack else ()
        return Facts(account=account.key, documents=documents, findings=tuple(found), known=msgspec.to_builtins(known))

    return Saga(
        mutation="openCase",
        input=OpenCase,
        known=Known,
        gather=gather,
        needs=((c.Account, "key"), (c.SupportOrganization, "account"), (c.Entitlement, "account")),
        steps=(
            Step("reserve_incident", Reserve, _reserve, _release, concern=SERVICE),
            Step("organization", PutOrganization, _organization, concern=SERVICE),
            Step("case", OpenedCase, _case, concern=SERVICE, pivot=True),  # the customer was answered
            Step("use_incident", Consume, _consume, concern=SERVICE),
        ),
        prompt=True,
    )


def _pack(rights: list[c.Entitlement]) -> Pack | None:
    """The first right that is used up by cases; one without a count covers them, and nothing is held."""
    active = [each for each in rights if each.status is c.EntitlementStatus.ACTIVE and each.support_tier is not None]
    if not active or any(each.pack is None for each in active):
        return None
    packed = [Pack(entitlement=each.key, remaining=each.pack.remaining) for each in active if each.pack is not None]
    return max(packed, key=lambda each: each.remaining)


def _reserve(state: State[OpenCase, Known]) -> Reserve | None:
    pack = state.known.pack
    if pack is None:
        return None
    return Reserve(
        operation=state.operation,
        kind=INCIDENT,
        subject=pack.entitlement,
        quantity=1,
        unit=PIECES,
        most=pack.remaining,
        used_too=True,
    )


def _release(state: State[OpenCase, Known]) -> Release:
    return Release(operation=state.operation, reservation=state.key_of("reserve_incident"))


def _organization(state: State[OpenCase, Known]) -> PutOrganization | None:
    if state.known.organization is not None:
        return None
    return PutOrganization(
        operation=state.operation,
        correlation=state.correlation,
        account_key=state.input.account,
        name=state.known.name,
    )


def _case(state: State[OpenCase, Known]) -> OpenedCase:
    return OpenedCase(
        operation=state.operation,
        correlation=state.correlation,
        party=state.known.organization or state.key_of("organization"),
        requester=state.input.requester,
        subject=state.input.subject,
        body=state.input.body,
        priority=state.input.priority,
        kind=state.input.kind,
    )


def _consume(state: State[OpenCase, Known]) -> Consume | None:
    if state.known.pack is None:
        return None
    return Consume(operation=state.operation, reservation=state.key_of("reserve_incident"))
