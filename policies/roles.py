"""Reads `roles.yaml`: what each role may do with a class and with a field, and which rows it sees."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from policies.lines import checked, listed
from policies.masks import MASKS
from policies.purposes import PURPOSE
from policies.records import Opened, Role, Verdict
from policies.rowrules import once
from policies.yaml import Mapping, Mistakes, Place, Text, Value, entries, mapping, required, text, texts

_ROLE = frozenset(
    {"audience", "purpose", "introspection", "classes", "fields", "forbid", "lookup", "rows", "reads", "with_purpose"}
)
_AUDIENCES = ("internal", "external")


@dataclass(frozen=True, slots=True)
class Known:
    """The names that stand in the other files, right or wrong: what they mean is for those files to tell."""

    classes: Collection[str]
    rows: Collection[str]
    purposes: Collection[str]
    roles: Collection[str]


def read_roles(source: Mapping, known: Known) -> dict[str, Role]:
    """The file; raises RuleErrors with every mistake."""
    told = Mistakes()
    found = {name: told.of(_role, name, value, place, known) for name, value, place in entries(source)}
    told.done()
    return found


def _role(name: str, value: Value, place: Place, known: Known) -> Role:
    told = Mistakes()
    if PURPOSE in name:
        told.add([place.error(f"the role `{name}` has a `+` in its name: that is how a role with a purpose is called")])
    source = mapping(value, f"the role `{name}`")
    told.of(mapping, value, f"the role `{name}`", _ROLE)
    audience = told.of(_audience, source)
    by_class = told.of(_by_class, source, name, known.classes)
    fields = told.of(_fields, source, name)
    forbidden = told.of(listed, source, "forbid")
    wanted = told.of(_row_rules, source, name, known)
    lookup = told.of(listed, source, "lookup")
    opened = told.of(_with_purpose, source, name, known)
    introspects = told.of(_introspects, source)
    recorded = told.of(_recorded, source)
    told.done()
    return Role(
        name,
        audience,
        by_class,
        fields,
        {each: Verdict("forbid", at) for each, at in forbidden.items()},
        tuple(wanted),
        place,
        lookup,
        opened,
        introspects,
        recorded,
    )


def _audience(source: Mapping) -> str:
    audience = text(required(source, "audience"), "`audience`")
    if audience not in _AUDIENCES:
        raise source.items["audience"].place.error(f"`audience` is `{audience}`: `internal` or `external` is expected")
    return audience


def _row_rules(source: Mapping, role: str, known: Known) -> list[Text]:
    """Those of a role: one at least, each once."""
    given = required(source, "rows")
    wanted = once(texts(given, "`rows`"), "`rows`")
    if not wanted:
        raise given.place.error(f"the role `{role}` sees no rows at all: name a row rule, or all")
    told = Mistakes()
    told.add(
        each.place.error(
            f"the role `{role}` has the unknown row rule `{each.value}`: "
            f"one of {', '.join(known.rows)} or all is expected"
        )
        for each in wanted
        if each.value not in known.rows and each.value != "all"
    )
    beside = [each for each in wanted if each.value != "all"]
    if beside and len(beside) < len(wanted):
        told.add(
            [
                beside[0].place.error(
                    f"the role `{role}` has the row rule `{beside[0].value}` beside `all`, which opens every row: "
                    "keep one of them"
                )
            ]
        )
    told.done()
    return wanted


def _introspects(source: Mapping) -> bool:
    if "introspection" not in source.items:
        return True
    said = source.items["introspection"]
    word = text(said, "`introspection`")
    if word not in ("allow", "deny"):
        raise said.place.error(f"`introspection` is `{word}`: `allow` or `deny` is expected")
    return word == "allow"


def _recorded(source: Mapping) -> bool:
    if "reads" not in source.items:
        return False
    said = source.items["reads"]
    if text(said, "`reads`") != "recorded":
        raise said.place.error("`reads` can only be `recorded`: leave it out where what was shown is on no record")
    return True


def _with_purpose(source: Mapping, role: str, known: Known) -> dict[str, Opened]:
    if "with_purpose" not in source.items:
        return {}
    told = Mistakes()
    written = entries(mapping(source.items["with_purpose"], f"`with_purpose` of `{role}`"))
    found = {purpose: told.of(_opened, purpose, value, at, role, known) for purpose, value, at in written}
    told.done()
    return found


def _opened(purpose: str, value: Value, at: Place, role: str, known: Known) -> Opened:
    if purpose not in known.purposes:
        raise at.error(
            f"the role `{role}` has the unknown purpose `{purpose}`: "
            f"one of {', '.join(known.purposes) or 'none'} is expected, or write it into purposes.yaml"
        )
    told = Mistakes()
    opened = Opened({}, {}, at)
    for what, verdict, place in entries(mapping(value, f"the purpose `{purpose}` of `{role}`")):
        of_class = what in known.classes
        if not of_class:
            told.of(checked, what, place)
        (opened.classes if of_class else opened.fields)[what] = told.of(_opening, verdict, what, purpose, role)
    told.done()
    return opened


def _opening(value: Value, what: str, purpose: str, role: str) -> Verdict:
    said = _verdict(value, what)
    if said.kind == "deny":
        raise said.place.error(f"the purpose `{purpose}` of `{role}` denies `{what}`: a purpose only opens")
    return said


def _by_class(source: Mapping, role: str, classes: Collection[str]) -> dict[str, Verdict]:
    told = Mistakes()
    found: dict[str, Verdict] = {}
    for name, verdict, at in entries(mapping(required(source, "classes"), "`classes`")):
        if name not in classes:
            expected = f"one of {', '.join(classes)} is expected"
            told.add([at.error(f"the role `{role}` speaks of the unknown class `{name}`: {expected}")])
        found[name] = told.of(_verdict, verdict, name)
    told.done()
    return found


def _fields(source: Mapping, role: str) -> dict[str, Verdict]:
    if "fields" not in source.items:
        return {}
    told = Mistakes()
    found: dict[str, Verdict] = {}
    for coordinate, verdict, place in entries(mapping(source.items["fields"], f"`fields` of `{role}`")):
        told.of(checked, coordinate, place)
        found[coordinate] = told.of(_verdict, verdict, coordinate)
    told.done()
    return found


def _verdict(value: Value, what: str) -> Verdict:
    if isinstance(value, Text) and value.value in ("allow", "deny"):
        return Verdict(value.value, value.place)
    if isinstance(value, Mapping) and tuple(value.items) == ("mask",):
        name = text(value.items["mask"], "`mask`")
        if name not in MASKS:
            raise value.place.error(f"`{what}` has the unknown mask `{name}`: one of {', '.join(MASKS)} is expected")
        return Verdict("mask", value.place, name)
    raise value.place.error(f"`{what}` must be `allow`, `deny` or `{{mask: NAME}}`")
