"""Holds the write rules against schema and roles: mutations that exist, and roles that may use them."""

from __future__ import annotations

from collections.abc import Iterator

from policies.choose import Chooser
from policies.lines import Schema
from policies.load import Rules
from policies.writes import WriteRule
from policies.yaml import RuleError

_MUTATION = "Mutation"


def unknown_mutations(rules: Rules, schema: Schema) -> Iterator[RuleError]:
    """Rules of mutations that the schema does not have, and planned ones that it has by now."""
    known = schema.get(_MUTATION, {})
    for rule in rules.writes.writes.values():
        if rule.planned and rule.mutation in known:
            yield rule.named.error(
                f"the write `{rule.id}` is planned but the schema has `{rule.mutation}`: write `mutation` for `planned`"
            )
        elif not rule.planned and rule.mutation not in known:
            yield rule.named.error(
                f"the write `{rule.id}` names the unknown mutation `{rule.mutation}`: correct or delete it, "
                "or write `planned` for `mutation` if it is yet to come"
            )


def powerless(rules: Rules, chooser: Chooser) -> Iterator[RuleError]:
    """Roles that the write rules let ask or approve, but that may not use the mutation: nobody could ever do it."""
    for rule in rules.writes.writes.values():
        for name in rule.askers:
            yield from _denied(rules, chooser, rule, name)


def _denied(rules: Rules, chooser: Chooser, rule: WriteRule, name: str) -> Iterator[RuleError]:
    choice = chooser.choose(rules.roles[name], _MUTATION, rule.mutation)
    if choice.verdict.kind != "allow":
        place = choice.verdict.place
        yield rule.askers[name].error(
            f"the role `{name}` asks for the write `{rule.id}` but may not use `{_MUTATION}.{rule.mutation}`: "
            f"`{name}/{choice.rule}` in {place.file}:{place.line} denies it, allow it there or take the role out"
        )
