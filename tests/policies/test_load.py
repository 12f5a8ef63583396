"""Each mistake in a rule file is one line that names file, line and what to do."""

from pathlib import Path

import pytest

from policies.load import RuleError, load_rules
from policies.yaml import RuleErrors, read, text
from tests.policies import small

MISTAKES = {
    "duplicate key": (
        {"classes": small.CLASSES + "  Invoice.id: public\n"},
        "rules/classes.yaml:11: duplicate key `Invoice.id`: it stands already in line 8, keep one of them",
    ),
    "unknown key": (
        {"classes": small.CLASSES + "extra: 1\n"},
        "rules/classes.yaml:11: unknown key `extra` in classes.yaml: one of audited, classes, coordinates, declassify is expected",
    ),
    "unknown class": (
        {"classes": small.CLASSES + "  Invoice.due: money\n"},
        "rules/classes.yaml:11: `Invoice.due` has the unknown class `money`: one of public, pii, billing is expected",
    ),
    "no coordinate": (
        {"classes": small.CLASSES + "  Invoice: billing\n"},
        "rules/classes.yaml:11: `Invoice` is no coordinate: write `Type.field`, `Type.*`, `*.field` or `*Part.*`",
    ),
    "every field": (
        {"classes": small.CLASSES + '  "*.*": public\n'},
        "rules/classes.yaml:11: `*.*` speaks of every field: name a type or a field",
    ),
    "class a role made up": (
        {"roles": small.ROLES.replace("billing: deny", "ledger: deny")},
        (
            "rules/roles.yaml:3: the role `agent` speaks of the unknown class `ledger`: "
            "one of public, pii, billing is expected"
        ),
    ),
    "no audience": (
        {"roles": small.ROLES.replace("audience: internal", "audience: everyone", 1)},
        "rules/roles.yaml:2: `audience` is `everyone`: `internal` or `external` is expected",
    ),
    "a verdict that is none": (
        {"roles": small.ROLES.replace("Invoice.status: allow", "Invoice.status: yes")},
        "rules/roles.yaml:5: `Invoice.status` must be `allow`, `deny` or `{mask: NAME}`",
    ),
    "reads that are something else than recorded": (
        {"roles": small.ROLES + "  reads: hidden\n"},
        "rules/roles.yaml:11: `reads` can only be `recorded`: leave it out where what was shown is on no record",
    ),
    "unknown mask": (
        {"roles": small.ROLES.replace("mask: hash", "mask: blur")},
        (
            "rules/roles.yaml:9: `pii` has the unknown mask `blur`: "
            "one of email_domain, last4, year, bucket, hash, redact is expected"
        ),
    ),
    "unknown row rule": (
        {"roles": small.ROLES.replace("rows: [region]", "rows: [territory]")},
        (
            "rules/roles.yaml:6: the role `agent` has the unknown row rule `territory`: "
            "one of region, entity or all is expected"
        ),
    ),
    "no row rule at all": (
        {"roles": small.ROLES.replace("rows: [region]", "rows: []")},
        "rules/roles.yaml:6: the role `agent` sees no rows at all: name a row rule, or all",
    ),
    "a row rule beside all": (
        {"roles": small.ROLES.replace("rows: [region]", "rows: [all, region]")},
        "rules/roles.yaml:6: the role `agent` has the row rule `region` beside `all`, which opens every row: keep one of them",
    ),
    "a row rule twice": (
        {"roles": small.ROLES.replace("rows: [region]", "rows: [region, region]")},
        "rules/roles.yaml:6: `rows` has `region` twice: keep one of them",
    ),
    "a shared type twice": (
        {"rows": small.ROWS.replace("shared: []", "shared: [Account, Account]")},
        "rules/rows.yaml:1: `shared` has `Account` twice: keep one of them",
    ),
    "a row rule of nothing": (
        {"rows": small.ROWS + "  nobody: {}\n"},
        "rules/rows.yaml:9: the row rule `nobody` has no condition: it opens nothing, give it one or take it out",
    ),
    "missing key": (
        {"roles": "agent:\n  audience: internal\n  classes: {}\n"},
        "rules/roles.yaml:2: `rows` is missing: add it",
    ),
    "no via": (
        {"rows": small.ROWS.replace("via: account", "via: contact")},
        "rules/rows.yaml:5: `via` is `contact`: only `account` is possible",
    ),
    "bad condition": (
        {"rows": small.ROWS.replace("row.region in user.regions", "row.region in")},
        (
            "rules/rows.yaml:4: the condition `row.region in` lacks "
            "`row.…`, `account.…`, `user.…`, a text in quotes or `none` at the end"
        ),
    ),
    "unknown purpose": (
        {"roles": small.ROLES + "  with_purpose: {fun: {pii: allow}}\n"},
        (
            "rules/roles.yaml:11: the role `finance` has the unknown purpose `fun`: "
            "one of none is expected, or write it into purposes.yaml"
        ),
    ),
    "a purpose that denies": (
        {
            "purposes": "audit: {means: an audit, lasts: 1h, persons: 1}\n",
            "roles": small.ROLES + "  with_purpose: {audit: {pii: deny}}\n",
        },
        "rules/roles.yaml:11: the purpose `audit` of `finance` denies `pii`: a purpose only opens",
    ),
    "a purpose for ever": (
        {"purposes": "audit: {means: an audit, lasts: 25h, persons: 1}\n"},
        "rules/purposes.yaml:1: `lasts` is `25h`: a time up to a day is expected, such as `30m` or `1h`",
    ),
    "a purpose of nobody": (
        {"purposes": "audit: {means: an audit, lasts: 1h, persons: 0}\n"},
        "rules/purposes.yaml:1: `persons` is `0`: somebody has to ask, write 1 or more",
    ),
    "a purpose of two that names nobody": (
        {"purposes": "audit: {means: an audit, lasts: 1h, persons: 2}\n"},
        "rules/purposes.yaml:1: the purpose `audit` takes 2 people: write under `agrees` which roles may agree to it",
    ),
    "a purpose of one that names others": (
        {"purposes": "audit: {means: an audit, lasts: 1h, persons: 1, agrees: [agent]}\n"},
        "rules/purposes.yaml:1: the purpose `audit` takes 1 person: `agrees` has nobody to name",
    ),
    "a purpose that an unknown role agrees to": (
        {"purposes": "audit: {means: an audit, lasts: 1h, persons: 2, agrees: [boss]}\n"},
        (
            "rules/purposes.yaml:1: the purpose `audit` has the unknown role `boss` under `agrees`: "
            "one of agent, finance is expected"
        ),
    ),
    "a purpose with a bad name": (
        {"purposes": "the audit: {means: an audit, lasts: 1h, persons: 1}\n"},
        "rules/purposes.yaml:1: the purpose `the audit` has no good name: use small letters, digits and `_`",
    ),
    "a role named like one with a purpose": (
        {"roles": small.ROLES.replace("finance:", "finance+audit:")},
        "rules/roles.yaml:7: the role `finance+audit` has a `+` in its name: that is how a role with a purpose is called",
    ),
    "unknown role of an example": (
        {"test_a": "one:\n  as: {roles: [nobody]}\n"},
        "rules/tests/a.yaml:2: the example `one` has the unknown role `nobody`: one of agent, finance is expected",
    ),
    "a figure that is none": (
        {"entitlement": 'version: "1"\nancestors: five\n'},
        "rules/entitlement.yaml:2: `ancestors` is `five`: a whole number is expected",
    ),
    "an anchor": (
        {"entitlement": "version: &one 1\n"},
        "rules/entitlement.yaml:1: the anchor `&one` is not allowed: write the value out, an auditor reads this",
    ),
    "an anchor around itself": (
        {"entitlement": "version: &one [*one]\n"},
        "rules/entitlement.yaml:1: the anchor `&one` is not allowed: write the value out, an auditor reads this",
    ),
    "no mapping": ({"entitlement": "- 1\n"}, "rules/entitlement.yaml:1: a mapping is expected at the top of the file"),
}

WITH_MORE = {"missing key", "a role named like one with a purpose"}  # other files speak of the role


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line(mistake: str, tmp_path: Path) -> None:
    changed, expected = MISTAKES[mistake]
    with pytest.raises(RuleError) as caught:
        small.loaded(tmp_path, **changed)
    told = str(caught.value).splitlines()
    assert expected in told if mistake in WITH_MORE else told == [expected]


def test_every_mistake_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    changed = {
        "classes": small.CLASSES + "  Invoice: billing\n  Invoice.due: money\nextra: 1\n",
        "roles": small.ROLES.replace("audience: internal", "audience: everyone")
        .replace("Invoice.status: allow", "Invoice.status: yes")
        .replace("rows: [region]", "rows: [territory, land]")
        + "  lookup: [Invoice]\n",
        "rows": small.ROWS.replace("row.region in user.regions", "row.region in").replace("via: account", "via: x"),
        "entitlement": "ancestors: five\ntable: [{when: a, decision: MAYBE}, {decision: ALLOW}]\n",
        "purposes": "audit: {means: an audit, lasts: 25h, persons: 0}\n",
        "writes": small.WRITES.replace("money}", "gold}").replace("24h", "ever").replace("agent: {", "clerk: {"),
        "test_a": "one:\n  as: {roles: [nobody]}\n  fields: {Invoice: allow, Invoice.id: maybe}\n",
    }
    with pytest.raises(RuleErrors) as caught:
        small.loaded(tmp_path, **changed)
    assert [(each.file.removeprefix("rules/"), each.line) for each in caught.value.errors] == [
        *(("classes.yaml", line) for line in (11, 12, 13)),
        *(("entitlement.yaml", line) for line in (1, 1, 2, 2)),
        *(("purposes.yaml", line) for line in (1, 1)),
        *(("roles.yaml", line) for line in (2, 5, 6, 6, 8, 11)),
        *(("rows.yaml", line) for line in (4, 5)),
        *(("tests/a.yaml", line) for line in (2, 3, 3)),
        *(("writes.yaml", line) for line in (1, 7, 11)),
    ]


def test_a_file_that_is_no_yaml_is_one_mistake_and_the_others_are_read(tmp_path: Path) -> None:
    changed = {
        "classes": "classes: [public\n",
        "rows": "rules: {\n",
        "roles": small.ROLES.replace("audience: internal", "audience: everyone", 1),
        "entitlement": "version: &one 1\nversion: &two 2\n",
    }
    with pytest.raises(RuleErrors) as caught:
        small.loaded(tmp_path, **changed)
    found = [(each.file, each.message.split(":")[0]) for each in caught.value.errors]
    assert found == [
        ("rules/classes.yaml", "no YAML"),
        ("rules/entitlement.yaml", "the anchor `&one` is not allowed"),
        ("rules/entitlement.yaml", "duplicate key `version`"),
        ("rules/entitlement.yaml", "the anchor `&two` is not allowed"),
        ("rules/roles.yaml", "`audience` is `everyone`"),
        ("rules/rows.yaml", "no YAML"),
    ]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (small.written(tmp_path) / "writes.yaml").unlink()
    with pytest.raises(RuleError, match=r"^rules/writes.yaml:1: the file is missing: write it, even if it is empty$"):
        load_rules(tmp_path / "rules")


@pytest.mark.parametrize("broken", ["a: [1\n", "a: \x07\n", "a: 1\n---\nb: 2\n", "a: b: c\n"])
def test_what_is_no_yaml_is_a_rule_error(broken: str, tmp_path: Path) -> None:
    with pytest.raises(RuleError, match=r"^rules/entitlement.yaml:\d+: "):
        small.loaded(tmp_path, entitlement=broken)


@pytest.mark.parametrize("scalar", ["NO", "yes", "null", "1_000", "0x1F", "2024-01-01", "1:30", "~"])
def test_every_scalar_stays_a_text(scalar: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"a: {scalar}\n")
    assert text(read(tmp_path / "a.yaml", "a.yaml").items["a"], "`a`") == scalar


def test_no_is_norway(tmp_path: Path) -> None:
    rules = small.loaded(tmp_path, test_a="one:\n  as: {roles: [agent], regions: [NO, DE]}\n")
    assert rules.examples[0].principal.regions == ("NO", "DE")


def test_every_line_is_remembered(tmp_path: Path) -> None:
    rules = small.loaded(tmp_path)
    assert rules.coordinates["Account.notes"].place.line == 5
    assert rules.roles["agent"].fields["Invoice.status"].place.line == 5
    assert rules.rows["entity"]["Invoice"].place.line == 7
