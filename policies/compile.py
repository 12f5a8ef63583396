"""Compiles rules against a schema: every decision is made once, before anybody asks."""

from __future__ import annotations

from policies.analyse import mistakes
from policies.choose import Choice, Chooser, row_test
from policies.decide import Decision, Policies, RoleTable
from policies.lines import FieldShape, Schema, TypeShape
from policies.load import Role, Rules
from policies.masks import MASKS, mask
from policies.yaml import RuleErrors

__all__ = ["FieldShape", "Schema", "TypeShape", "compile_rules"]


def compile_rules(rules: Rules, schema: Schema, hash_key: bytes) -> Policies:
    """The decision tables; raises RuleErrors with every mistake that only shows against the schema."""
    chooser = Chooser(rules)
    found = mistakes(rules, schema, chooser)
    if found:
        raise RuleErrors(found)
    return decided(rules, schema, hash_key, chooser)


def decided(rules: Rules, schema: Schema, hash_key: bytes, chooser: Chooser) -> Policies:
    """The decision tables of rules without a mistake."""
    tables = {name: _table(role, rules, schema, chooser, hash_key) for name, role in rules.acting().items()}
    return Policies(tables, rules.examples)


def _table(role: Role, rules: Rules, schema: Schema, chooser: Chooser, hash_key: bytes) -> RoleTable:
    fields = {
        (type_name, field): _decision(
            role, chooser.choose(role, type_name, field), f"{type_name}.{field}", hash_key, rules.audited
        )
        for type_name, names in schema.items()
        for field in names
    }
    return RoleTable(role.name, role.audience, fields, row_test(role, rules), role.introspects, role.recorded)


def _decision(role: Role, choice: Choice, coordinate: str, hash_key: bytes, audited: frozenset[str]) -> Decision:
    verdict, found = choice.verdict, choice.classified
    return Decision(
        verdict="deny" if verdict.kind == "forbid" else verdict.kind,
        role=role.name,
        rule=f"{role.name}/{choice.rule}",
        class_name=found.name,
        file=verdict.place.file,
        line=verdict.place.line,
        coordinate=coordinate,
        mask=mask(verdict.mask, hash_key) if verdict.mask else None,
        mask_name=verdict.mask,
        strength=MASKS[verdict.mask][0] if verdict.mask else 0,
        forbidden=verdict.kind == "forbid",
        class_file=found.place.file,
        class_line=found.place.line,
        lookup=choice.lookup,
        audited=found.name in audited,
    )
