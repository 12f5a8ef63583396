"""Grounds: what an operation is judged on. Asks the write rules, with what the person did and what adds up before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from policies.principal import person
from policies.writes import WriteRules
from policies.writes import ask as asking
from policies.writes.ask import WriteDecision
from policies.writes.decide import decide
from policies.writes.records import Total, WriteRule
from policies.writes.separation import harmless
from resolvers.sagas.saga import Facts
from sources.canonical import Money
from sources.store import grounds as kept

_PERIOD = "period"
_OF_CREDIT = "billingprofile:"


class Asker(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a caller with roles, and the human behind a service."""

    subject: str
    roles: frozenset[str]
    human: str | None = None

    @property
    def person(self) -> str:
        """Who asks, as persons are compared."""
        return person(self.subject, self.human)


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation was accepted on, kept with it. `reason` is the caller's own, `expected` the versions that the
    caller has seen: see `answer.Request`."""

    asker: Asker
    facts: Facts
    decision: WriteDecision
    reason: str | None = None
    expected: Mapping[str, str] = msgspec.field(default_factory=dict)


class Place(msgspec.Struct, frozen=True):
    """An operation's place among the others: only what came before it adds up with it."""

    operation: str
    at: datetime


def decided(
    connection: Any,
    rules: WriteRules,
    mutation: str,
    asker: Asker,
    facts: Facts,
    place: Place,
    *,
    begins: bool = False,
) -> WriteDecision:
    """What the rules of now say to a write, counting what came before it. Where it `begins` by that, nobody else is
    decided about who counts what its asker does, until the transaction ends."""
    totals = _totals(rules.mutations.get(mutation), asker, facts, place.at, place)
    weight = kept.weigh(
        connection,
        list(totals.values()),
        asker.person,
        place.at - rules.window,
        without=place.operation,
        alone=[_doing(asker.person)] if begins else (),
        harmless=_harmless(rules, mutation, asker),
    )
    return _decided(connection, rules, mutation, asker, facts, place, totals, weight)


def decided_first(
    connection: Any,
    rules: WriteRules,
    mutation: str,
    asker: Asker,
    facts: Facts,
    operation: str,
    clock: Callable[[], datetime],
) -> tuple[WriteDecision, datetime]:
    """What the rules of now say to a new write, counting all that is there, and when. From here on nobody else is
    decided about who would count it too, until the transaction ends."""
    now = clock()
    totals = _totals(rules.mutations.get(mutation), asker, facts, now, None)
    alone = counted(rules, mutation, asker, facts)
    weight = kept.weigh(
        connection,
        list(totals.values()),
        asker.person,
        now - rules.window,
        alone=alone,
        harmless=_harmless(rules, mutation, asker),
    )
    place = Place(operation, clock())  # after all that it has waited for
    return _decided(connection, rules, mutation, asker, facts, place, totals, weight), place.at


def _decided(
    connection: Any,
    rules: WriteRules,
    mutation: str,
    asker: Asker,
    facts: Facts,
    place: Place,
    totals: Mapping[Total, kept.Sum],
    weight: kept.Weight,
) -> WriteDecision:
    summed = ((total, _value(total, found, facts)) for total, found in zip(totals, weight.sums, strict=True))
    ask = asking.Ask(
        subject=asker.subject,
        roles=asker.roles,
        at=place.at,
        human=asker.human,
        amount=_money(facts.amount),
        figures={name: _figure(value) for name, value in facts.figures.items()},
        flags=facts.flags,
        functional=facts.functional,
        rates=facts.rates,
        totals={total.key: value for total, value in summed if value is not None},
        arr=facts.arr,
        documents=frozenset(facts.documents),
        operations=frozenset({place.operation}) | kept.linked(connection, linking(facts.documents), place.operation),
        history=_history(rules, asker.person, weight.deeds),
    )
    return decide(rules, mutation, ask)


def _harmless(rules: WriteRules, mutation: str, asker: Asker) -> kept.Harmless:
    rule = rules.mutations.get(mutation)
    return kept.Harmless(*harmless(rules, rule, asker.roles)) if rule is not None else kept.Harmless()


def counted(rules: WriteRules, mutation: str, asker: Asker, facts: Facts) -> list[str]:
    """Names of what a decision about a write counts: two that share one are decided one after the other, so that the
    second one counts the first."""
    rule, whose = rules.mutations.get(mutation), _whose(asker, facts)
    totals = rule.totals if rule is not None else ()
    return [
        _doing(asker.person),
        *(f"document:{each}" for each in sorted(linking(facts.documents))),
        *(":".join([mutation, *(f"{each}={whose[each]}" for each in total.per)]) for total in totals),
    ]


def alone(connection: Any, person: str) -> None:
    """Lets nobody else be decided about who counts what a person does, until this transaction ends: what is forbidden
    together is done one after the other. Before anything of it is counted."""
    kept.one_at_a_time(connection, [_doing(person)])


def _doing(person: str) -> str:
    return f"person:{person}"


def linking(documents: Iterable[str]) -> frozenset[str]:
    """The documents by which operations are one matter. Whose credit something takes is no such: else every order of a
    customer would be one; it counts where a limit and an order come into one hand."""
    return frozenset(each for each in documents if not each.startswith(_OF_CREDIT))


def history(
    connection: Any, rules: WriteRules, person: str, now: datetime, without: str = ""
) -> tuple[asking.Deed, ...]:
    """What a person did within the window of the forbidden pairs, as the rules name it."""
    return _history(rules, person, kept.deeds(connection, person, now - rules.window, without))


def _history(rules: WriteRules, person: str, deeds: Iterable[kept.Deed]) -> tuple[asking.Deed, ...]:
    return tuple(
        asking.Deed(
            person=person,
            write=rules.mutations[deed.mutation].id if deed.mutation in rules.mutations else deed.mutation,
            act=deed.act,
            at=deed.at,
            documents=deed.documents,
            operations=frozenset({deed.operation_id}),
        )
        for deed in deeds
    )


def evidence(mutation: str, payload: str, facts: Facts, decision: WriteDecision) -> dict[str, Any]:
    """What approvers are shown and what is frozen: the ask, what it comes to, and why it needs them."""
    return {
        "mutation": mutation,
        "input": msgspec.json.decode(payload),
        "account": facts.account,
        "entity": facts.entity,
        "amount": facts.amount,
        "figures": dict(facts.figures),
        "flags": dict(facts.flags),
        "rule": decision.rule,
        "reasons": sorted({f"{reason.code} {reason.about}" for reason in decision.reasons}),
        "approvers": [[each.role, each.persons, list(each.evidence)] for each in decision.approvers],
    }


def _totals(
    rule: WriteRule | None, asker: Asker, facts: Facts, now: datetime, place: Place | None
) -> dict[Total, kept.Sum]:
    """What earlier uses are counted for each total, before a place among them if there is one; a total of which nobody
    can tell whose it is, or since when, is left out."""
    found, whose = {}, _whose(asker, facts)
    for total in rule.totals if rule is not None else ():
        since = _since(total, facts, now)
        if since is None or any(whose[each] is None for each in total.per):
            continue
        found[total] = kept.Sum(
            mutation=rule.mutation if rule is not None else "",
            since=since,
            before=None if place is None else (place.at, place.operation),
            person=whose["asker"] if "asker" in total.per else None,
            account=whose["account"] if "account" in total.per else None,
            entity=whose["entity"] if "entity" in total.per else None,
        )
    return found


def _value(total: Total, found: tuple[int, Mapping[str, Money]], facts: Facts) -> Decimal | None:
    """What earlier uses came to; None: nobody can tell."""
    count, sums = found
    return Decimal(count) if total.count is not None else _functional(sums, facts)


def _whose(asker: Asker, facts: Facts) -> dict[str, str | None]:
    return {"asker": asker.person, "account": facts.account, "entity": facts.entity}


def _since(total: Total, facts: Facts, now: datetime) -> datetime | None:
    if total.within == _PERIOD:
        return facts.period_start
    number, unit = int(total.within[:-1]), total.within[-1]
    return now - (timedelta(days=number) if unit == "d" else timedelta(hours=number))


def _functional(sums: Mapping[str, Money], facts: Facts) -> Decimal | None:
    found = Decimal(0)
    for currency, money in sums.items():
        rate = Decimal(1) if currency == facts.functional else facts.rates.get(currency)
        if rate is None:
            return None
        found += money.amount * rate
    return found


def _money(money: Money | None) -> asking.Money | None:
    return None if money is None else asking.Money(money.amount, money.currency)


def _figure(value: Money | Decimal) -> asking.Money | Decimal:
    return asking.Money(value.amount, value.currency) if isinstance(value, Money) else value
