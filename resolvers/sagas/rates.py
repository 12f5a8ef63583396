"""What other currencies are worth in a legal entity's own, by the ERP's rates of the day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from policies.writes import WriteRules
from resolvers.sagas.reading import entity, many, today
from resolvers.sagas.saga import Facts, Read, Saga
from sources import canonical as c
from sources.canonical import Money
from sources.errors import SourceError

if TYPE_CHECKING:
    from resolvers.sagas.room import Room


def in_effect(known: Iterable[c.ExchangeRate], base: str, day: date) -> dict[str, c.ExchangeRate]:
    """The rates of a base currency that count on a day, by currency: the latest on or before it. Of several of one day
    the last one counts."""
    found = [each for each in known if each.base == base and each.effective_on <= day]
    return {each.currency: each for each in sorted(found, key=lambda each: each.effective_on)}


def rated(saga: Saga, room: Room) -> Saga:
    """A saga that gathers the rates of the day too, where an amount is in another currency than the legal entity's own,
    or is added to earlier ones, which may be. They are read for nobody in particular: a rate belongs to no account."""

    async def gather(read: Read, asked: Any, now: datetime) -> Facts:
        facts: Facts = await saga.gather(read, asked, now)
        if not facts.functional or not (_foreign(facts) or _sums(room.rules(), saga.mutation)):
            return facts
        return msgspec.structs.replace(facts, rates=await _rates(room.read, facts, now))

    return replace(saga, gather=gather)


def _foreign(facts: Facts) -> bool:
    """Whether anything that is compared is in another currency."""
    stated = [facts.amount, *facts.figures.values()]
    return any(isinstance(each, Money) and each.currency != facts.functional for each in stated)


def _sums(rules: WriteRules, mutation: str) -> bool:
    """Whether a write's amounts are added up over a time."""
    rule = rules.mutations.get(mutation)
    return rule is not None and any(total.count is None for total in rule.totals)


async def _rates(read: Read, facts: Facts, now: datetime) -> dict[str, Decimal]:
    """All rates of the day: earlier uses may be in any currency. None where the ERP cannot say: then it is for an
    approver to tell what the amount comes to."""
    try:
        day = today(await entity(read, facts.entity), now)
        known = await many(read, c.ExchangeRate, "day", c.ExchangeRate.on(facts.functional, day))
    except SourceError:
        return {}
    return {currency: each.rate for currency, each in in_effect(known, facts.functional, day).items()}
