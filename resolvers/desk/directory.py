"""Who holds which roles and has lent them: what tokens alone do not tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

import msgspec

from policies.principal import person
from policies.writes.approvals import Delegation, Holder
from resolvers.sagas.grounds import Asker
from sources.store import lendings
from sources.store.lendings import Lending
from sources.store.store import Store


class Directory(Protocol):
    """Who holds which roles, and has lent them; what tokens alone do not tell."""

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        """The roles of a person at an instant; None where the directory does not know the person."""
        ...

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        """Those that were in force at some time since an instant."""
        ...


class TokensOnly:
    """No directory: an earlier instant's roles are those of now, and nothing is lent."""

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        """Nobody knows."""
        return None

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        """None."""
        return ()


class Lent:
    """What was lent at our own desk, over a directory of people that may know of more."""

    def __init__(self, store: Store, people: Directory) -> None:
        self._store, self._people = store, people

    async def roles(self, person: str, at: datetime) -> frozenset[str] | None:
        """As the people's own directory says."""
        return await self._people.roles(person, at)

    async def delegations(self, since: datetime) -> tuple[Delegation, ...]:
        """Ours, and those that the people's own directory knows."""
        ours = await self._store.read(lendings.since, since)
        return (*map(_delegation, ours), *map(_spelt, await self._people.delegations(since)))


class Standing(msgspec.Struct, frozen=True):
    """A person at the desk: own roles then and now, what was lent since, and what those hold who lent it to them."""

    own: Holder
    delegations: tuple[Delegation, ...]
    givers: tuple[tuple[str, Holder], ...]

    def roles(self, receiver: str, now: datetime) -> frozenset[str]:
        """What a person may act as now: own roles, and those lent by who holds them."""
        holders, found = dict(self.givers), set(self.own.roles_now)
        for each in self.delegations:
            giver = holders.get(each.giver)
            if each.receiver == receiver and giver is not None and each.since <= now < each.until:
                found |= each.roles & giver.roles_now
        return frozenset(found)


async def standing(directory: Directory, who: Asker, then: datetime, now: datetime) -> Standing:
    """How somebody stands at the desk now, about what was asked `then`.

    What a token says counts now only as far as the directory agrees. A giver whom the directory does not know holds
    what was lent: the giver's own token said so when it was.
    """
    known_then, known_now = await directory.roles(who.person, then), await directory.roles(who.person, now)
    own = Holder(
        who.roles if known_then is None else known_then, who.roles if known_now is None else who.roles & known_now
    )
    delegations = await directory.delegations(then)
    givers: dict[str, Holder] = {}
    for each in delegations:
        if each.receiver == who.person and each.giver not in givers:
            lent = frozenset[str]().union(
                *(one.roles for one in delegations if (one.giver, one.receiver) == (each.giver, each.receiver))
            )
            was, is_now = await directory.roles(each.giver, then), await directory.roles(each.giver, now)
            givers[each.giver] = Holder(lent if was is None else was, lent if is_now is None else is_now)
    return Standing(own, delegations, tuple(givers.items()))


def _spelt(delegation: Delegation) -> Delegation:
    giver, receiver = person(delegation.giver, None), person(delegation.receiver, None)
    return replace(delegation, giver=giver, receiver=receiver)


def _delegation(lending: Lending) -> Delegation:
    return Delegation(lending.giver, lending.receiver, frozenset(lending.roles), lending.since, lending.until)
