"""Reads `rows.yaml`: the conditions under which a role sees a row."""

from __future__ import annotations

from dataclasses import dataclass

from policies.records import RowRule
from policies.rows import Condition, compile_condition
from policies.yaml import Mapping, Mistakes, Place, Text, Value, entries, mapping, required, text, texts

_VIA = "via"


@dataclass(frozen=True, slots=True)
class RowRules:
    """`rules[rule][Type]` is a condition; those in `via` judge other types by their account; `shared` have none."""

    rules: dict[str, RowRule]
    via: frozenset[str]
    shared: dict[str, Place]
    places: dict[str, Place]


def read_rows(source: Mapping) -> RowRules:
    """The file; raises RuleErrors with every mistake."""
    told = Mistakes()
    told.of(mapping, source, "rows.yaml", frozenset({"shared", "rules"}))
    shared = told.of(_shared, source)
    written = told.part([], _written, source)
    rules = {name: told.of(_rule, name, value, at) for name, value, at in written}
    told.done()
    via = frozenset(name for name, value, _ in written if isinstance(value, Mapping) and _VIA in value.items)
    return RowRules(rules, via, shared, {name: at for name, _, at in written})


def once(given: list[Text], what: str) -> list[Text]:
    """The texts of a list, if each stands there once."""
    for index, each in enumerate(given):
        if any(each.value == before.value for before in given[:index]):
            raise each.place.error(f"{what} has `{each.value}` twice: keep one of them")
    return given


def _shared(source: Mapping) -> dict[str, Place]:
    return {each.value: each.place for each in once(texts(required(source, "shared"), "`shared`"), "`shared`")}


def _written(source: Mapping) -> list[tuple[str, Value, Place]]:
    return entries(mapping(required(source, "rules"), "`rules`"))


def _rule(name: str, value: Value, at: Place) -> RowRule:
    if name == "all":
        raise at.error("`all` is the row rule that opens every row: choose another name")
    source = mapping(value, f"the row rule `{name}`")
    if not source.items:
        raise at.error(f"the row rule `{name}` has no condition: it opens nothing, give it one or take it out")
    told = Mistakes()
    if _VIA in source.items:
        told.of(_via, name, source.items[_VIA])
    written = [each for each in entries(source) if each[0] != _VIA]
    found = {type_name: told.of(_condition, name, type_name, each, place) for type_name, each, place in written}
    told.done()
    return found


def _via(rule: str, value: Value) -> None:
    written = text(value, f"`via` of the row rule `{rule}`")
    if written != "account":
        raise value.place.error(f"`via` is `{written}`: only `account` is possible")


def _condition(rule: str, type_name: str, value: Value, place: Place) -> Condition:
    return compile_condition(text(value, f"`{type_name}` of the row rule `{rule}`"), place)
