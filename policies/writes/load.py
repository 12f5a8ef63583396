"""Reads `writes.yaml`: every scalar stays a text until its type is known, every mistake is one line with its cure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from policies.writes.bounds import UNITS, Words, bounds, flags_of
from policies.writes.checks import check, check_alone
from policies.writes.records import (
    NO_WRITES,
    NOWHERE,
    SCOPES,
    Bounds,
    Condition,
    Pair,
    Step,
    Total,
    WriteRule,
    WriteRules,
)
from policies.writes.terms import BUILT_IN, terms_of
from policies.yaml import Mapping as Node
from policies.yaml import Mistakes, Place, Text, Value, amount, entries, items, mapping, number, required, text, texts

_NOTHING = Node({}, {}, NOWHERE)
_FILE = frozenset({"figures", "flags", "duties", "outside", "services", "writes", "desk", "forbidden"})
_WRITE = frozenset({"mutation", "planned", "duty", "asks", "approval", "totals", "refused", "expires"})
_TOTAL = frozenset({"per", "within", "amount", "arr_percent", "count"})
_MEANINGS = ("flags", "duties", "outside")
_PER = ("asker", "account", "entity")


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The words that rules are made of, each with its place."""

    words: Words
    duties: Mapping[str, Place]
    outside: Mapping[str, Place]


def write_rules(source: Node, roles: Collection[str]) -> WriteRules:
    """Reads the file and checks it as a whole; raises RuleErrors with every mistake."""
    told = Mistakes()
    told.of(mapping, source, "writes.yaml", _FILE)
    vocabulary = _vocabulary(source, roles, told)
    writes: dict[str, WriteRule] = {}
    places: dict[str, Place] = {}
    for section in ("writes", "desk"):
        for name, value, place in entries(told.part(_NOTHING, _section, source, section)):
            if name in places:
                told.add([place.error(f"the write `{name}` stands already in line {places[name].line}: rename one")])
            places.setdefault(name, place)
            writes[name] = told.of(_checked, name, value, place, vocabulary, section == "desk")
    window, pairs = told.part((timedelta(0), ()), _forbidden, source, vocabulary)
    services = told.of(_services, source, vocabulary)
    told.done()
    rules = WriteRules(
        writes=writes,
        figures=vocabulary.words.figures,
        flags=frozenset(vocabulary.words.flags),
        services=frozenset(each.value for each in services),
        pairs=pairs,
        window=window,
        terms=terms_of(writes.values(), roles),
        mutations={rule.mutation: rule for rule in writes.values()},
        place=source.place,
    )
    check(rules, vocabulary.words, vocabulary.duties)
    return rules if writes else NO_WRITES


def _services(source: Node, vocabulary: _Vocabulary) -> list[Text]:
    services = texts(source.items["services"], "`services`") if "services" in source.items else []
    told = Mistakes()
    for each in services:
        told.of(_known_role, each.value, each.place, "`services`", vocabulary.words)
    told.done()
    return services


def _section(source: Node, key: str) -> Node:
    return mapping(source.items[key], f"`{key}`") if key in source.items else Node({}, {}, source.place)


def _vocabulary(source: Node, roles: Collection[str], told: Mistakes) -> _Vocabulary:
    """The words, right or wrong: whoever uses them is not to be told of their mistakes, too."""
    sections = {each: told.part(_NOTHING, _section, source, each) for each in ("figures", *_MEANINGS)}
    figures = {name: told.of(_unit, name, value) for name, value, _ in entries(sections["figures"])}
    for section in _MEANINGS:
        for name, value, _ in entries(sections[section]):
            told.of(text, value, f"the meaning of `{name}`")
    flags, duties, outside = (sections[each].keys for each in _MEANINGS)
    taken = {*roles, *(BUILT_IN - duties.keys())}
    for name, place in (*duties.items(), *outside.items()):
        if name in taken:
            why = "has the name of a role or of another duty: choose another name"
            told.add([place.error(f"the duty `{name}` {why}")])
        taken.add(name)
    places = {**sections["figures"].keys, **flags}
    return _Vocabulary(Words(tuple(roles), figures, flags, places), duties, outside)


def _unit(name: str, value: Value) -> str:
    unit = text(value, f"the unit of `{name}`")
    if unit not in UNITS:
        raise value.place.error(f"`{name}` has the unknown unit `{unit}`: one of {', '.join(UNITS)} is expected")
    return unit


def _checked(name: str, value: Value, place: Place, vocabulary: _Vocabulary, desk: bool) -> WriteRule:
    rule = _write(name, value, place, vocabulary, desk)
    check_alone(rule)
    return rule


def _write(name: str, value: Value, place: Place, vocabulary: _Vocabulary, desk: bool) -> WriteRule:
    what, words, told = f"the write `{name}`", vocabulary.words, Mistakes()
    source = mapping(value, what)
    told.of(mapping, value, what, _WRITE)
    mutation = told.of(_mutation, source, what)
    duty = told.of(_duty, source, what, vocabulary)
    asks = told.of(_asks, source, what, words)
    approval = tuple(told.of(_step, each, what, words) for each in told.part((), _list, source, "approval"))
    totals = tuple(told.of(_total, each, what) for each in told.part((), _list, source, "totals"))
    refused = told.of(_refused, source, words)
    expires = told.of(_duration, source.items["expires"], "`expires`") if "expires" in source.items else None
    told.done()
    return WriteRule(
        id=name,
        mutation=mutation.value,
        duty=duty,
        desk=desk,
        asks=asks,
        approval=approval,
        totals=totals,
        refused=refused,
        expires=expires,
        place=place,
        named=mutation.place,
        askers=mapping(source.items["asks"], what).keys,
        planned="planned" in source.items,
    )


def _duty(source: Node, what: str, vocabulary: _Vocabulary) -> str:
    duty = text(required(source, "duty"), "`duty`")
    if duty not in vocabulary.duties:
        raise source.items["duty"].place.error(
            f"{what} has the unknown duty `{duty}`: one of {', '.join(vocabulary.duties)} is expected"
        )
    return duty


def _mutation(source: Node, what: str) -> Text:
    """The name of the mutation; `planned` in place of `mutation` names one that is yet to come."""
    if "planned" in source.items and "mutation" in source.items:
        raise source.keys["planned"].error(f"{what} has both `mutation` and `planned`: keep one of them")
    value = required(source, "planned" if "planned" in source.items else "mutation")
    return Text(text(value, "`mutation`"), value.place)


def _list(source: Node, key: str) -> tuple[Value, ...]:
    return items(source.items[key], f"`{key}`") if key in source.items else ()


def _asks(write: Node, what: str, words: Words) -> dict[str, Bounds | None]:
    source, told = mapping(required(write, "asks"), f"`asks` of {what}"), Mistakes()
    if not source.items:
        raise source.place.error(f"{what} is asked by nobody: name a role under `asks`")
    asks = {role: told.of(_asker, role, limit, at, what, words) for role, limit, at in entries(source)}
    told.done()
    return asks


def _asker(role: str, limit: Value, at: Place, what: str, words: Words) -> Bounds | None:
    """How far a role acts alone."""
    _known_role(role, at, what, words)
    if isinstance(limit, Node):
        return bounds(limit, f"`{role}` of {what}", words)
    said = text(limit, f"what `{role}` does alone")
    if said not in ("alone", "with approval"):
        raise limit.place.error(
            f"`{role}` of {what} asks `{said}`: `alone`, `with approval` or bounds in braces are expected"
        )
    return Bounds({}, (), (), limit.place) if said == "alone" else None


def _step(value: Value, what: str, words: Words) -> Step:
    source = mapping(value, f"a step of `approval` of {what}")
    role = text(required(source, "by"), "`by`")
    _known_role(role, source.items["by"].place, what, words)
    persons = number(source.items["persons"], "`persons`") if "persons" in source.items else 1
    if persons < 1:
        raise source.items["persons"].place.error(f"the step `{role}` of {what} needs nobody: at least 1 is expected")
    evidence = texts(source.items["evidence"], "`evidence`") if "evidence" in source.items else []
    reach = bounds(source, f"the step `{role}` of {what}", words, beside=frozenset({"by", "persons", "evidence"}))
    return Step(role, persons, tuple(each.value for each in evidence), reach, source.place)


def _total(value: Value, what: str) -> Total:
    source = mapping(value, f"a total of {what}", _TOTAL)
    per = texts(required(source, "per"), "`per`")
    for each in per:
        if each.value not in _PER:
            raise each.place.error(f"a total of {what} is per `{each.value}`: one of {', '.join(_PER)} is expected")
    within = text(required(source, "within"), "`within`")
    if within != "period":
        _duration(source.items["within"], "`within`")

    def bound(key: str) -> Decimal | None:
        return amount(source.items[key], f"`{key}`") if key in source.items else None

    count = number(source.items["count"], "`count`") if "count" in source.items else None
    return Total(tuple(each.value for each in per), within, bound("amount"), bound("arr_percent"), count, source.place)


def _refused(source: Node, words: Words) -> tuple[Condition, ...]:
    told, found = Mistakes(), []
    for each in texts(source.items["refused"], "`refused`") if "refused" in source.items else []:
        flag = each.value.removeprefix("not ")
        told.of(flags_of, [(flag, each.place)], "`refused`", words)
        found.append(Condition(flag, flag == each.value, each.place))
    told.done()
    return tuple(found)


def _duration(value: Value, what: str) -> timedelta:
    written = text(value, what)
    found = re.fullmatch(r"([1-9]\d{0,3})([hd])", written, re.ASCII)
    if found is None:
        raise value.place.error(f"{what} is `{written}`: hours such as `24h` or days such as `30d` are expected")
    count = int(found[1])
    return timedelta(hours=count) if found[2] == "h" else timedelta(days=count)


def _forbidden(source: Node, vocabulary: _Vocabulary) -> tuple[timedelta, tuple[Pair, ...]]:
    if "forbidden" not in source.items:
        return timedelta(0), ()
    section = mapping(source.items["forbidden"], "`forbidden`", frozenset({"within", "pairs"}))
    told = Mistakes()
    window = told.of(_window, section)
    pairs = [told.of(_pair, each, vocabulary) for each in told.part((), _pairs, section)]
    told.done()
    for at, pair in enumerate(pairs):
        if any({pair.one, pair.other} == {known.one, known.other} for known in pairs[:at]):
            told.add([pair.place.error(f"the pair `{pair}` stands here twice: keep one of them")])
    told.done()
    return window, tuple(pairs)


def _window(section: Node) -> timedelta:
    return _duration(required(section, "within"), "`within`")


def _pairs(section: Node) -> tuple[Value, ...]:
    return items(required(section, "pairs"), "`pairs`")


def _pair(value: Value, vocabulary: _Vocabulary) -> Pair:
    source = mapping(value, "a pair of `forbidden`", frozenset({"pair", "of"}))
    duties = texts(required(source, "pair"), "`pair`")
    if len(duties) != 2 or duties[0].value == duties[1].value:
        raise source.place.error("a pair of `forbidden` has two duties: write `{pair: [ask, approve], of: operation}`")
    approvals = {f"{duty}_approval" for duty in vocabulary.duties}
    known = {*vocabulary.words.roles, *BUILT_IN, *vocabulary.duties, *vocabulary.outside, *approvals}
    for each in duties:
        if each.value not in known:
            raise each.place.error(
                f"a pair of `forbidden` names the unknown duty `{each.value}`: list it under `duties` or `outside`"
            )
    scope = text(required(source, "of"), "`of`")
    if scope not in SCOPES:
        raise source.items["of"].place.error(f"`of` is `{scope}`: one of {', '.join(SCOPES)} is expected")
    return Pair(duties[0].value, duties[1].value, scope, source.place)


def _known_role(role: str, place: Place, what: str, words: Words) -> None:
    if role not in words.roles:
        raise place.error(f"{what} names the unknown role `{role}`: one of {', '.join(words.roles)} is expected")
