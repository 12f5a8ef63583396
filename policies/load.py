"""Loads the rule files into records that still know their file and line; knows nothing of any schema."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from policies.cases import Example, examples
from policies.figures import DecisionRow, entitlement
from policies.lines import checked
from policies.masks import MASKS
from policies.orders import OrderRules, order_rules
from policies.purposes import PURPOSE, Purpose, acting, purposes
from policies.rows import Condition, compile_condition
from policies.writes import NO_WRITES, WriteExample, WriteRules, write_examples, write_rules
from policies.yaml import Mapping, Place, RuleError, Text, Value, entries, mapping, read, required, text, texts

__all__ = ["RULES", "Role", "RuleError", "Rules", "Verdict", "load_rules"]

RULES = Path(__file__).parent / "rules"
_ROLE_KEYS = frozenset(
    {"audience", "purpose", "introspection", "classes", "fields", "forbid", "lookup", "rows", "with_purpose"}
)
_AUDIENCES = ("internal", "external")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one line of a role says: allow, deny, forbid, or a mask by name."""

    kind: str
    place: Place
    mask: str | None = None


@dataclass(frozen=True, slots=True)
class Classified:
    """Which class a coordinate has, and where that is written."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Opened:
    """What a purpose opens for a role, by class and by coordinate."""

    classes: dict[str, Verdict]
    fields: dict[str, Verdict]
    place: Place


@dataclass(frozen=True, slots=True)
class Role:
    """One role: verdicts by class and by coordinate; any of its row rules opens a row.

    `lookup` are fields that it may use for exact look-up though it may not read them. `introspects`: whether it may ask
    for the schema.
    """

    name: str
    audience: str
    classes: dict[str, Verdict]
    fields: dict[str, Verdict]
    forbidden: dict[str, Verdict]
    rows: tuple[Text, ...]
    place: Place
    lookup: dict[str, Place] = field(default_factory=dict)
    with_purpose: dict[str, Opened] = field(default_factory=dict)
    introspects: bool = True

    def acting(self) -> list[Role]:
        """The role with each of its purposes: its own lines, and those of the purpose in front of them."""
        return [
            replace(
                self,
                name=acting(self.name, purpose),
                classes={**self.classes, **opened.classes},
                fields={**self.fields, **opened.fields},
                with_purpose={},
            )
            for purpose, opened in self.with_purpose.items()
        ]


RowRule: TypeAlias = dict[str, Condition]


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that was read.

    `rows[rule][Type]` is a condition; a rule in `via` judges other types by their account. `declassified` are computed
    fields whose stricter inputs the auditor accepted. `audited` are the classes of which a denied or masked read is put
    on record. `digest` is that of all files, once they are in force.
    """

    classes: tuple[str, ...]
    coordinates: dict[str, Classified]
    roles: dict[str, Role]
    rows: dict[str, RowRule]
    via: frozenset[str]
    shared: dict[str, Place]
    entitlement: dict[str, str] = field(default_factory=dict)
    decisions: tuple[DecisionRow, ...] = ()
    orders: OrderRules = field(default_factory=OrderRules)
    writes: WriteRules = NO_WRITES
    write_examples: tuple[WriteExample, ...] = ()
    declassified: dict[str, Place] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    row_places: dict[str, Place] = field(default_factory=dict)
    purposes: dict[str, Purpose] = field(default_factory=dict)
    audited: frozenset[str] = frozenset()
    file: str = "rules/classes.yaml"
    digest: str = ""

    def acting(self) -> dict[str, Role]:
        """Every role, and every role with each of its purposes."""
        every = [each for role in self.roles.values() for each in (role, *role.acting())]
        return {each.name: each for each in every}


def load_rules(folder: Path = RULES) -> Rules:
    """Reads every file of a rules folder, the examples under `tests/` too; raises RuleError for the first mistake."""
    classes, coordinates, declassified, audited = _classes(_file(folder, "classes.yaml"))
    rows, via, shared, places = _rows(_file(folder, "rows.yaml"))
    allowed = purposes(_file(folder, "purposes.yaml"))
    roles = {
        name: _role(name, value, place, _Known(classes, rows, allowed))
        for name, value, place in entries(_file(folder, "roles.yaml"))
    }
    _agreeing(allowed, roles)
    decided = entitlement(_file(folder, "entitlement.yaml"))
    writes = write_rules(_file(folder, "writes.yaml"), roles)
    written = folder / "tests" / "writes.yaml"
    orders = folder / "orders.yaml"
    return Rules(
        classes=classes,
        coordinates=coordinates,
        roles=roles,
        rows=rows,
        via=via,
        shared=shared,
        entitlement=decided.figures,
        decisions=decided.table,
        orders=order_rules(_file(folder, "orders.yaml")) if orders.exists() else OrderRules(),
        writes=writes,
        write_examples=write_examples(_file(folder, "tests/writes.yaml"), writes) if written.exists() else (),
        declassified=declassified,
        examples=_examples(folder, roles),
        row_places=places,
        purposes=allowed,
        audited=audited,
        file=f"{folder.name}/classes.yaml",
    )


def _agreeing(known: dict[str, Purpose], roles: dict[str, Role]) -> None:
    for purpose in known.values():
        for name in purpose.agrees:
            if name not in roles:
                raise purpose.place.error(
                    f"the purpose `{purpose.name}` has the unknown role `{name}` under `agrees`: "
                    f"one of {', '.join(roles)} is expected"
                )


def _file(folder: Path, name: str) -> Mapping:
    return read(folder / name, f"{folder.name}/{name}")


def _examples(folder: Path, roles: dict[str, Role]) -> tuple[Example, ...]:
    found: list[Example] = []
    for path in sorted(each for each in (folder / "tests").glob("*.yaml") if each.name != "writes.yaml"):
        found += examples(_file(folder, f"tests/{path.name}"), roles)
    return tuple(found)


def _classes(source: Mapping) -> tuple[tuple[str, ...], dict[str, Classified], dict[str, Place], frozenset[str]]:
    mapping(source, "classes.yaml", frozenset({"classes", "audited", "coordinates", "declassify"}))
    names = tuple(each.value for each in texts(required(source, "classes"), "`classes`"))
    audited = _audited(source, names)
    coordinates = {}
    for coordinate, value, place in entries(mapping(required(source, "coordinates"), "`coordinates`")):
        checked(coordinate, place)
        name = text(value, f"the class of `{coordinate}`")
        if name not in names:
            raise value.place.error(
                f"`{coordinate}` has the unknown class `{name}`: one of {', '.join(names)} is expected"
            )
        coordinates[coordinate] = Classified(name, place)
    accepted = {}
    if "declassify" in source.items:
        for each in texts(source.items["declassify"], "`declassify`"):
            accepted[checked(each.value, each.place)] = each.place
    return names, coordinates, accepted, audited


def _audited(source: Mapping, names: tuple[str, ...]) -> frozenset[str]:
    found = texts(source.items["audited"], "`audited`") if "audited" in source.items else []
    for each in found:
        if each.value not in names:
            raise each.place.error(
                f"`audited` has the unknown class `{each.value}`: one of {', '.join(names)} is expected"
            )
    return frozenset(each.value for each in found)


def _rows(source: Mapping) -> tuple[dict[str, RowRule], frozenset[str], dict[str, Place], dict[str, Place]]:
    mapping(source, "rows.yaml", frozenset({"shared", "rules"}))
    shared = {each.value: each.place for each in _once(texts(required(source, "shared"), "`shared`"), "`shared`")}
    rows: dict[str, RowRule] = {}
    places: dict[str, Place] = {}
    via: set[str] = set()
    for rule, value, at in entries(mapping(required(source, "rules"), "`rules`")):
        if rule == "all":
            raise at.error("`all` is the row rule that opens every row: choose another name")
        rows[rule], places[rule] = {}, at
        for type_name, condition, place in entries(mapping(value, f"the row rule `{rule}`")):
            written = text(condition, f"`{type_name}` of the row rule `{rule}`")
            if type_name == "via":
                if written != "account":
                    raise condition.place.error(f"`via` is `{written}`: only `account` is possible")
                via.add(rule)
                continue
            rows[rule][type_name] = compile_condition(written, place)
        if not rows[rule] and rule not in via:
            raise at.error(f"the row rule `{rule}` has no condition: it opens nothing, give it one or take it out")
    return rows, frozenset(via), shared, places


class _Known(NamedTuple):
    classes: tuple[str, ...]
    rows: dict[str, RowRule]
    purposes: dict[str, Purpose]


def _role(name: str, value: Value, place: Place, known: _Known) -> Role:
    if PURPOSE in name:
        raise place.error(f"the role `{name}` has a `+` in its name: that is how a role with a purpose is called")
    source = mapping(value, f"the role `{name}`", _ROLE_KEYS)
    audience = text(required(source, "audience"), "`audience`")
    if audience not in _AUDIENCES:
        raise source.items["audience"].place.error(f"`audience` is `{audience}`: `internal` or `external` is expected")
    by_class = _by_class(source, name, known.classes)
    forbidden = {each: Verdict("forbid", at) for each, at in _coordinates(source, "forbid").items()}
    wanted = _row_rules(name, required(source, "rows"), known)
    lookup = _coordinates(source, "lookup")
    opened = _with_purpose(source, name, known) if "with_purpose" in source.items else {}
    introspects = _introspects(source) if "introspection" in source.items else True
    fields = _fields(source, name)
    return Role(name, audience, by_class, fields, forbidden, tuple(wanted), place, lookup, opened, introspects)


def _row_rules(role: str, given: Value, known: _Known) -> list[Text]:
    """Those of a role: one at least, each once."""
    wanted = _once(texts(given, "`rows`"), "`rows`")
    if not wanted:
        raise given.place.error(f"the role `{role}` sees no rows at all: name a row rule, or all")
    for each in wanted:
        if each.value not in known.rows and each.value != "all":
            raise each.place.error(
                f"the role `{role}` has the unknown row rule `{each.value}`: "
                f"one of {', '.join(known.rows)} or all is expected"
            )
    beside = [each for each in wanted if each.value != "all"]
    if beside and len(beside) < len(wanted):
        raise beside[0].place.error(
            f"the role `{role}` has the row rule `{beside[0].value}` beside `all`, which opens every row: "
            "keep one of them"
        )
    return wanted


def _once(given: list[Text], what: str) -> list[Text]:
    """The texts of a list, if each stands there once."""
    for index, each in enumerate(given):
        if any(each.value == before.value for before in given[:index]):
            raise each.place.error(f"{what} has `{each.value}` twice: keep one of them")
    return given


def _introspects(source: Mapping) -> bool:
    said = source.items["introspection"]
    word = text(said, "`introspection`")
    if word not in ("allow", "deny"):
        raise said.place.error(f"`introspection` is `{word}`: `allow` or `deny` is expected")
    return word == "allow"


def _with_purpose(source: Mapping, role: str, known: _Known) -> dict[str, Opened]:
    found = {}
    for purpose, value, at in entries(mapping(source.items["with_purpose"], f"`with_purpose` of `{role}`")):
        if purpose not in known.purposes:
            raise at.error(
                f"the role `{role}` has the unknown purpose `{purpose}`: "
                f"one of {', '.join(known.purposes) or 'none'} is expected, or write it into purposes.yaml"
            )
        opened = Opened({}, {}, at)
        for what, verdict, place in entries(mapping(value, f"the purpose `{purpose}` of `{role}`")):
            said = _verdict(verdict, what)
            if said.kind == "deny":
                raise said.place.error(f"the purpose `{purpose}` of `{role}` denies `{what}`: a purpose only opens")
            if what in known.classes:
                opened.classes[what] = said
            else:
                opened.fields[checked(what, place)] = said
        found[purpose] = opened
    return found


def _by_class(source: Mapping, role: str, classes: tuple[str, ...]) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for name, verdict, at in entries(mapping(required(source, "classes"), "`classes`")):
        if name not in classes:
            raise at.error(
                f"the role `{role}` speaks of the unknown class `{name}`: one of {', '.join(classes)} is expected"
            )
        found[name] = _verdict(verdict, name)
    return found


def _fields(source: Mapping, role: str) -> dict[str, Verdict]:
    if "fields" not in source.items:
        return {}
    return {
        checked(coordinate, place): _verdict(verdict, coordinate)
        for coordinate, verdict, place in entries(mapping(source.items["fields"], f"`fields` of `{role}`"))
    }


def _coordinates(source: Mapping, key: str) -> dict[str, Place]:
    if key not in source.items:
        return {}
    return {checked(each.value, each.place): each.place for each in texts(source.items[key], f"`{key}`")}


def _verdict(value: Value, what: str) -> Verdict:
    if isinstance(value, Text) and value.value in ("allow", "deny"):
        return Verdict(value.value, value.place)
    if isinstance(value, Mapping) and tuple(value.items) == ("mask",):
        name = text(value.items["mask"], "`mask`")
        if name not in MASKS:
            raise value.place.error(f"`{what}` has the unknown mask `{name}`: one of {', '.join(MASKS)} is expected")
        return Verdict("mask", value.place, name)
    raise value.place.error(f"`{what}` must be `allow`, `deny` or `{{mask: NAME}}`")
