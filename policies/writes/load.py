"""Reads `writes.yaml`: every scalar stays a text until its type is known, every mistake is one line with its cure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from policies.writes.bounds import UNITS, Words, bounds, flags_of
from policies.writes.checks import check
from policies.writes.records import NO_WRITES, SCOPES, Bounds, Condition, Pair, Step, Total, WriteRule, WriteRules
from policies.writes.terms import BUILT_IN, terms_of
from policies.yaml import Mapping as Node
from policies.yaml import Place, Value, amount, entries, items, mapping, number, required, text, texts

_FILE = frozenset({"figures", "flags", "duties", "outside", "services", "writes", "desk", "forbidden"})
_WRITE = frozenset({"mutation", "planned", "duty", "asks", "approval", "totals", "refused", "expires"})
_TOTAL = frozenset({"per", "within", "amount", "arr_percent", "count"})
_PER = ("asker", "account", "entity")


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The words that rules are made of, each with its place."""

    words: Words
    duties: Mapping[str, Place]
    outside: Mapping[str, Place]


def write_rules(source: Node, roles: Collection[str]) -> WriteRules:
    """Reads the file and checks it as a whole; raises RuleError for the first mistake."""
    mapping(source, "writes.yaml", _FILE)
    vocabulary = _vocabulary(source, roles)
    writes: dict[str, WriteRule] = {}
    for section in ("writes", "desk"):
        for name, value, place in entries(_section(source, section)):
            if name in writes:
                raise place.error(f"the write `{name}` stands already in line {writes[name].place.line}: rename one")
            writes[name] = _write(name, value, place, vocabulary, section == "desk")
    window, pairs = _forbidden(source, vocabulary)
    services = texts(source.items["services"], "`services`") if "services" in source.items else []
    for each in services:
        _known_role(each.value, each.place, "`services`", vocabulary.words)
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


def _section(source: Node, key: str) -> Node:
    return mapping(source.items[key], f"`{key}`") if key in source.items else Node({}, {}, source.place)


def _vocabulary(source: Node, roles: Collection[str]) -> _Vocabulary:
    figures = {}
    for name, value, _ in entries(_section(source, "figures")):
        unit = text(value, f"the unit of `{name}`")
        if unit not in UNITS:
            raise value.place.error(f"`{name}` has the unknown unit `{unit}`: one of {', '.join(UNITS)} is expected")
        figures[name] = unit
    for section in ("flags", "duties", "outside"):
        for name, value, _ in entries(_section(source, section)):
            text(value, f"the meaning of `{name}`")
    flags, duties, outside = (_section(source, each).keys for each in ("flags", "duties", "outside"))
    taken = {*roles, *(BUILT_IN - duties.keys())}
    for name, place in (*duties.items(), *outside.items()):
        if name in taken:
            raise place.error(f"the duty `{name}` has the name of a role or of another duty: choose another name")
        taken.add(name)
    places = {**_section(source, "figures").keys, **flags}
    return _Vocabulary(Words(tuple(roles), figures, flags, places), duties, outside)


def _write(name: str, value: Value, place: Place, vocabulary: _Vocabulary, desk: bool) -> WriteRule:
    what = f"the write `{name}`"
    source = mapping(value, what, _WRITE)
    duty = text(required(source, "duty"), "`duty`")
    if duty not in vocabulary.duties:
        raise source.items["duty"].place.error(
            f"{what} has the unknown duty `{duty}`: one of {', '.join(vocabulary.duties)} is expected"
        )
    key = _mutation_key(source, what)
    asked = mapping(required(source, "asks"), f"`asks` of {what}")
    return WriteRule(
        id=name,
        mutation=text(required(source, key), f"`{key}`"),
        duty=duty,
        desk=desk,
        asks=_asks(asked, what, vocabulary.words),
        approval=tuple(_step(each, what, vocabulary.words) for each in _list(source, "approval")),
        totals=tuple(_total(each, what) for each in _list(source, "totals")),
        refused=_refused(source, vocabulary.words),
        expires=_duration(source.items["expires"], "`expires`") if "expires" in source.items else None,
        place=place,
        named=source.items[key].place,
        askers=asked.keys,
        planned=key == "planned",
    )


def _mutation_key(source: Node, what: str) -> str:
    """Which key names the mutation: `planned` is for one that is yet to come."""
    if "planned" not in source.items:
        return "mutation"
    if "mutation" in source.items:
        raise source.keys["planned"].error(f"{what} has both `mutation` and `planned`: keep one of them")
    return "planned"


def _list(source: Node, key: str) -> tuple[Value, ...]:
    return items(source.items[key], f"`{key}`") if key in source.items else ()


def _asks(source: Node, what: str, words: Words) -> dict[str, Bounds | None]:
    asks: dict[str, Bounds | None] = {}
    for role, limit, at in entries(source):
        _known_role(role, at, what, words)
        if isinstance(limit, Node):
            asks[role] = bounds(limit, f"`{role}` of {what}", words)
            continue
        said = text(limit, f"what `{role}` does alone")
        if said not in ("alone", "with approval"):
            raise limit.place.error(
                f"`{role}` of {what} asks `{said}`: `alone`, `with approval` or bounds in braces are expected"
            )
        asks[role] = Bounds({}, (), (), limit.place) if said == "alone" else None
    if not asks:
        raise source.place.error(f"{what} is asked by nobody: name a role under `asks`")
    return asks


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
    found = []
    for each in texts(source.items["refused"], "`refused`") if "refused" in source.items else []:
        flag = each.value.removeprefix("not ")
        flags_of([(flag, each.place)], "`refused`", words)
        found.append(Condition(flag, flag == each.value, each.place))
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
    window = _duration(required(section, "within"), "`within`")
    pairs: list[Pair] = []
    for each in items(required(section, "pairs"), "`pairs`"):
        pair = _pair(each, vocabulary)
        if any({pair.one, pair.other} == {known.one, known.other} for known in pairs):
            raise pair.place.error(f"the pair `{pair}` stands here twice: keep one of them")
        pairs.append(pair)
    return window, tuple(pairs)


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
