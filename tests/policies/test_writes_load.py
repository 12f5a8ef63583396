"""Each mistake in the write rules is one line that names file, line and what to do."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from policies.load import RULES, RuleError, load_rules
from policies.writes import WriteRules
from tests.policies import small

ROLES = (
    small.ROLES
    + "boss:\n  audience: internal\n  classes: {public: allow, pii: deny, billing: deny}\n  rows: [entity]\n"
)
WRITES = """\
figures: {amount: money, discount: percent}
flags: {backdated: begins before}
duties: {credit: gives money back, approve: approves}
outside: {posting: posts}
services: [agent]
writes:
  credit:
    mutation: issueCredit
    duty: credit
    asks: {agent: {amount: "100.00", discount: "10", unless: backdated}}
    approval:
      - {by: finance, amount: "500.00", discount: "25"}
      - {by: boss, persons: "2", evidence: call_back}
    totals:
      - {per: account, within: 30d}
      - {per: [asker, account], within: period, amount: "900.00", arr_percent: "5", count: "7"}
    refused: [backdated]
    expires: 36h
desk:
  approve: {mutation: approve, duty: approve, asks: {finance: alone, boss: alone}}
forbidden:
  within: 90d
  pairs:
    - {pair: [agent, approve], of: roles}
    - {pair: [credit, posting], of: document}
"""
STEP = '      - {by: finance, amount: "500.00", discount: "25"}\n'
LAST = '      - {by: boss, persons: "2", evidence: call_back}\n'

# name: what is written, what is written instead, the error
MISTAKES = {
    "unknown section": ("services: [agent]", "servants: [agent]", ":5: unknown key `servants` in writes.yaml: one of desk, duties, figures, flags, forbidden, outside, services, writes is expected"),
    "unknown key of a write": ("expires: 36h", "expire: 36h", ":18: unknown key `expire` in the write `credit`: one of approval, asks, duty, expires, mutation, planned, refused, totals is expected"),
    "duplicate key": ("    duty: credit\n", "    duty: credit\n    duty: credit\n", ":10: duplicate key `duty`: it stands already in line 9, keep one of them"),
    "missing key": ("    mutation: issueCredit\n", "", ":8: `mutation` is missing: add it"),
    "a mutation that is there and planned": ("    mutation: issueCredit\n", "    mutation: issueCredit\n    planned: issueCredit\n", ":9: the write `credit` has both `mutation` and `planned`: keep one of them"),
    "the same name in both sections": ("  approve: {mutation", "  credit: {mutation", ":20: the write `credit` stands already in line 7: rename one"),
    "the same mutation twice": ("{mutation: approve,", "{mutation: issueCredit,", ":20: the mutation `issueCredit` has the rule `credit` already: keep one of them"),
    "unknown unit": ("discount: percent", "discount: share", ":1: `discount` has the unknown unit `share`: one of money, percent, days, count is expected"),
    "unknown duty": ("duty: credit\n", "duty: refund\n", ":9: the write `credit` has the unknown duty `refund`: one of credit, approve is expected"),
    "a duty with the name of a role": ("{posting: posts}", "{boss: posts}", ":4: the duty `boss` has the name of a role or of another duty: choose another name"),
    "a duty with the name of an act": ("{posting: posts}", "{any_write: posts}", ":4: the duty `any_write` has the name of a role or of another duty: choose another name"),
    "unknown role that asks": ("asks: {agent:", "asks: {nobody:", ":10: the write `credit` names the unknown role `nobody`: one of agent, finance, boss is expected"),
    "unknown role that approves": ("by: boss", "by: chief", ":13: the write `credit` names the unknown role `chief`: one of agent, finance, boss is expected"),
    "unknown service": ("[agent]", "[robot]", ":5: `services` names the unknown role `robot`: one of agent, finance, boss is expected"),
    "nobody asks": ('{agent: {amount: "100.00", discount: "10", unless: backdated}}', "{}", ":10: the write `credit` is asked by nobody: name a role under `asks`"),
    "neither alone nor with approval": ("finance: alone", "finance: always", ":20: `finance` of the write `approve` asks `always`: `alone`, `with approval` or bounds in braces are expected"),
    "an amount that is none": ('"100.00"', "1e3", ":10: `amount` of `agent` of the write `credit` is `1e3`: an amount such as `10.00` is expected"),
    "a negative amount": ('"100.00"', '"-1"', ":10: `amount` of `agent` of the write `credit` is `-1`: an amount such as `10.00` is expected"),
    "unknown figure": ('discount: "10"', 'rebate: "10"', ":10: unknown key `rebate` in `agent` of the write `credit`: one of amount, discount, if, unless is expected"),
    "unknown flag": ("unless: backdated}", "unless: late}", ":10: `agent` of the write `credit` names the unknown flag `late`: list it under `flags`, or correct it"),
    "a flag needed and excluded": ("unless: backdated}", "if: backdated, unless: backdated}", ":10: `agent` of the write `credit` both needs and excludes `backdated`: keep one of them"),
    "unknown flag that refuses": ("refused: [backdated]", "refused: [not late]", ":17: `refused` names the unknown flag `late`: list it under `flags`, or correct it"),
    "nobody in a step": ('persons: "2"', 'persons: "0"', ":13: the step `boss` of the write `credit` needs nobody: at least 1 is expected"),
    "a total per nothing known": ("per: account,", "per: region,", ":15: a total of the write `credit` is per `region`: one of asker, account, entity is expected"),
    "a window that is none": ("within: 30d", "within: month", ":15: `within` is `month`: hours such as `24h` or days such as `30d` are expected"),
    "a count that is none": ('count: "7"', 'count: "7.5"', ":16: `count` is `7.5`: a whole number is expected"),
    "no end": ("expires: 36h", "expires: 0h", ":18: `expires` is `0h`: hours such as `24h` or days such as `30d` are expected"),
    "an approval that never lapses": ("    expires: 36h\n", "", ":7: the write `credit` lacks `expires`: say when an approval lapses, such as `24h`"),
    "an end of nothing": ("duty: approve, asks", "duty: approve, expires: 1d, asks", ":20: the write `approve` has `expires` but no `approval`: delete it"),
    "nobody approves": (f"    approval:\n{STEP}{LAST}", "", ":7: the write `credit` needs approval and names nobody who gives it: add `approval`"),
    "nobody approves the rest": (LAST, "", ":12: nobody approves the write `credit` beyond its last step: add a step without bounds"),
    "a step after the last": (LAST, LAST + "      - {by: finance}\n", ":14: the step `finance` of the write `credit` is never reached: order `approval` from the narrowest bounds to the widest"),
    "a step that is narrower": (LAST, '      - {by: boss, amount: "499.99", discount: "25"}\n' + LAST, ":13: the step `boss` of the write `credit` is never reached: order `approval` from the narrowest bounds to the widest"),
    "a step that is wider and narrower": (LAST, '      - {by: boss, amount: "900.00", discount: "20"}\n' + LAST, ":13: the step `boss` of the write `credit` does not reach all that the step before it reaches: make it as wide in every figure and flag"),
    "a step of whoever asks, and of nobody else": (f"{STEP}{LAST}", "      - {by: agent}\n", ":12: the role `agent` asks for the write `credit` and is the only one that approves it: add a step of a role that does not ask"),
    "an approver nobody lists": ("finance: alone, boss: alone", "finance: alone", ":13: the role `boss` approves the write `credit` but may not use the mutation `approve`: list it there, under `desk`"),
    "an approver that is a service": ("services: [agent]", "services: [boss]", ":13: the role `boss` approves the write `credit` but is a service: name a role of persons"),
    "an approver a pair excludes": ("[agent, approve]", "[approve, boss]", ":13: the role `boss` can never approve the write `credit`: `approve + boss` are forbidden together in rules/writes.yaml:24"),
    "an approver a pair excludes from a duty": ("[agent, approve]", "[finance, credit_approval]", ":12: the role `finance` can never approve the write `credit`: `finance + credit_approval` are forbidden together in rules/writes.yaml:24"),
    "a role a pair excludes": ("[agent, approve]", "[agent, any_write]", ":24: nobody can have the role `agent`: it holds both of `agent + any_write`, which are forbidden together; take one from it, or forbid them `of: document`"),
    "parts that do not add up": ("      - {per: account, within: 30d}\n", "", ":7: the write `credit` bounds `amount` but not what is asked for in parts: add a total without a bound, such as `{per: account, within: 30d}`"),
    "the same total twice": ("within: 30d}\n", "within: 30d}\n      - {per: account, within: 30d, count: '1'}\n", ":16: the write `credit` has the total `account/30d` twice: keep one of them"),
    "an unused figure": ("discount: percent", "discount: percent, days: days", ":1: no write speaks of `days`: delete it, or use it"),
    "an unused flag": ("backdated: begins before", "backdated: begins before, odd: is odd", ":2: no write speaks of `odd`: delete it, or use it"),
    "an unused duty": ("approve: approves}", "approve: approves, refund: refunds}", ":3: no write has the duty `refund`: delete it, or list it under `outside`"),
    "a pair of three": ("[credit, posting]", "[credit, posting, ask]", ":25: a pair of `forbidden` has two duties: write `{pair: [ask, approve], of: operation}`"),
    "a pair of one": ("[credit, posting]", "[credit, credit]", ":25: a pair of `forbidden` has two duties: write `{pair: [ask, approve], of: operation}`"),
    "a pair of something unknown": ("[credit, posting]", "[credit, closing]", ":25: a pair of `forbidden` names the unknown duty `closing`: list it under `duties` or `outside`"),
    "a pair of no scope": ("of: document", "of: account", ":25: `of` is `account`: one of person, roles, document, operation is expected"),
    "a pair twice": ("[credit, posting], of: document", "[approve, agent], of: document", ":25: the pair `approve + agent` stands here twice: keep one of them"),
    "no window": ("  within: 90d\n", "", ":22: `within` is missing: add it"),
}  # fmt: skip

WITH_MORE = {  # somebody speaks of what is gone by it, or the same shows in another place too
    "the same mutation twice",
    "a duty with the name of a role",
    "a duty with the name of an act",
    "an approver a pair excludes",
    "an approver a pair excludes from a duty",
}


def loaded(folder: Path, writes: str, **changed: str) -> WriteRules:
    return small.loaded(folder, roles=ROLES, writes=writes, **changed).writes


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_write_is_one_line_with_file_and_line(mistake: str, tmp_path: Path) -> None:
    before, after, expected = MISTAKES[mistake]
    assert before in WRITES
    with pytest.raises(RuleError) as caught:
        loaded(tmp_path, WRITES.replace(before, after, 1))
    told = str(caught.value).splitlines()
    assert f"rules/writes.yaml{expected}" in told if mistake in WITH_MORE else told == [f"rules/writes.yaml{expected}"]


@pytest.mark.parametrize(
    ("asks", "approval", "line", "why"),
    [
        ("{agent: alone}", STEP + LAST, 12, "everybody who asks acts alone, delete it"),
        (
            '{agent: {amount: "500.00", discount: "25"}, boss: {amount: "900.00"}}',
            STEP + LAST,
            12,
            "everybody who asks does as much alone, widen or delete it",
        ),
    ],
)
def test_a_step_that_everybody_outdoes_alone_is_never_reached(
    asks: str, approval: str, line: int, why: str, tmp_path: Path
) -> None:
    start, end = WRITES.index("    asks:"), WRITES.index("    refused:")
    totals = "" if "alone" in asks else "    totals: [{per: account, within: 30d}]\n"
    written = f"{WRITES[:start]}    asks: {asks}\n    approval:\n{approval}{totals}{WRITES[end:]}"
    with pytest.raises(RuleError) as caught:
        loaded(tmp_path, written)
    expected = f"rules/writes.yaml:{line}: the step `finance` of the write `credit` is never reached: {why}"
    assert expected in str(caught.value).splitlines()


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    rules = loaded(tmp_path, WRITES)
    credit = rules.mutations["issueCredit"]
    alone = credit.asks["agent"]
    assert alone is not None
    assert (alone.figures, alone.unless) == ({"amount": Decimal("100.00"), "discount": Decimal(10)}, ("backdated",))
    assert [(step.role, step.persons, step.evidence, step.place.line) for step in credit.approval] == [
        ("finance", 1, (), 12),
        ("boss", 2, ("call_back",), 13),
    ]
    assert [total.key for total in credit.totals] == ["account/30d", "asker+account/period"]
    assert [total.joins for total in credit.totals] == [True, False]
    assert (credit.expires, rules.window, credit.desk) == (timedelta(hours=36), timedelta(days=90), False)
    assert rules.writes["approve"].desk
    assert [(str(pair), pair.scope, pair.place.line) for pair in rules.pairs] == [
        ("agent + approve", "roles", 24),
        ("credit + posting", "document", 25),
    ]


def test_no_writes_at_all_are_rules_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, "writes: {}\n").mutations == {}


EXAMPLE = "one:\n  write: issueCredit\n  as: agent\n  cases:\n    - {amount: '1.00', expect: ALLOWED}\n"
BAD_EXAMPLES = {
    "no rule": (("issueCredit", "refund"), ":2: the example `one` asks for `refund`, which no rule speaks of"),
    "no role": (("as: agent", "as: nobody"), ":3: the example `one` has the unknown role `nobody`"),
    "no amount": (("'1.00'", "1e3"), ":5: an amount is `1e3`: `10.00` or `10.00 USD` is expected"),
    "no flag": (("expect:", "flags: late, expect:"), ":5: unknown flag `late`: one of backdated is expected"),
    "no figure": (("expect:", "figures: {amount: '1'}, expect:"), ":5: unknown figure `amount`: one of discount is expected"),
    "no total": (("expect:", "totals: {a/1d: '1'}, expect:"), ":5: unknown total `a/1d`: one of account/30d, asker+account/period is expected"),
    "no fact": (("expect:", "unknown: x, expect:"), ":5: unknown fact `x`: one of account/30d, amount, arr, asker+account/period, backdated, discount is expected"),
    "no expectation": ((", expect: ALLOWED", ""), ":5: `expect` is missing: add it"),
    "an unknown key": (("expect: ALLOWED", "expects: ALLOWED"), ":5: unknown key `expects` in a case of `one`: one of amount, arr, as, because, expect, figures, flags, rates, totals, unknown is expected"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BAD_EXAMPLES)
def test_a_mistake_in_an_example_is_one_line(mistake: str, tmp_path: Path) -> None:
    (before, after), expected = BAD_EXAMPLES[mistake]
    with pytest.raises(RuleError) as caught:
        loaded(tmp_path, WRITES, test_writes=EXAMPLE.replace(before, after))
    assert str(caught.value) == f"rules/tests/writes.yaml{expected}"


def test_every_mutation_of_the_graph_has_one_rule() -> None:
    governed = {
        "submitOrder", "amendSubscription", "cancelSubscription", "renewSubscription", "suspendSubscription",
        "resumeSubscription", "issueCredit", "recordPayment", "updateAccount", "openCase", "escalateCase",
        "grantEntitlement", "revokeEntitlement", "refundPayment", "writeOff", "setCredit", "onboardAccount", "reverseOrder",
        "linkAccounts", "unlinkAccounts",
    }  # fmt: skip
    desk = {
        "approve", "reject", "resumeOperation", "cancelOperation", "assignException", "resolveException", "replayEvent",
        "lendRoles", "pauseWrites",
    }  # fmt: skip
    rules = load_rules(RULES).writes.mutations
    assert {name for name, rule in rules.items() if not rule.desk} == governed
    assert {name for name, rule in rules.items() if rule.desk} == desk
