"""A write is allowed, needs approval or is forbidden, and says by which line; what is not known never opens anything."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.load import RULES, load_rules
from policies.writes import WriteRules, run_examples
from policies.writes.ask import ALLOWED, FORBIDDEN, NEEDS_APPROVAL, Ask, Money
from policies.writes.decide import decide
from policies.writes.records import Bounds, WriteRule
from tests.policies.asks import RULES_OF_TODAY, asked, did, euro, strictness, zero

CENT = Decimal("0.01")
EXAMPLES = load_rules(RULES).write_examples
MUTATIONS = sorted(RULES_OF_TODAY.mutations)
PRICED = [name for name in MUTATIONS if any(total.joins for total in RULES_OF_TODAY.mutations[name].totals)]
CENTS = st.integers(0, 30_000_000).map(lambda cents: Decimal(cents) / 100)
ROLES = st.frozensets(st.sampled_from(sorted(RULES_OF_TODAY.terms)), max_size=4)


def test_the_examples_hold() -> None:
    assert [str(each) for each in run_examples(RULES_OF_TODAY, EXAMPLES)] == []
    assert {each.mutation for each in EXAMPLES} == set(MUTATIONS)


def test_an_example_that_does_not_hold_names_the_line_that_decides() -> None:
    example = next(each for each in EXAMPLES if each.expected == "support_lead")
    wrong = [replace(example, expected=ALLOWED), replace(example, because="NO_RATE")]
    here = f"rules/tests/writes.yaml:{example.place.line}: `an agent credits a hundred alone`"
    rule = f"the rule `credit` in rules/writes.yaml:{RULES_OF_TODAY.mutations['issueCredit'].place.line}"
    assert [str(each) for each in run_examples(RULES_OF_TODAY, tuple(wrong))] == [
        f"{here} expects `ALLOWED` but {rule} says `support_lead` because of `ABOVE_LIMIT amount`",
        f"{here} expects the reason `NO_RATE` but {rule} gives `ABOVE_LIMIT`",
    ]


def _variants(reach: Bounds | None) -> Iterator[tuple[str, Bounds]]:
    """Bounds a step wider or narrower in one figure, or with one flag less."""
    if reach is None:
        return
    for name, most in reach.figures.items():
        least = CENT if RULES_OF_TODAY.figures[name] in ("money", "percent") else Decimal(1)
        for changed in (most + least, most - least):
            yield f"{name} {changed}", replace(reach, figures={**reach.figures, name: changed})
    for flag in reach.needs:
        yield f"if {flag}", replace(reach, needs=tuple(each for each in reach.needs if each != flag))
    for flag in reach.unless:
        yield f"unless {flag}", replace(reach, unless=tuple(each for each in reach.unless if each != flag))


def _changed(rule: WriteRule) -> Iterator[tuple[str, WriteRule]]:
    for role, reach in rule.asks.items():
        for what, other in _variants(reach):
            yield f"{role} {what}", replace(rule, asks={**rule.asks, role: other})
    for place, step in enumerate(rule.approval):
        for what, other in _variants(step.bounds):
            steps = (*rule.approval[:place], replace(step, bounds=other), *rule.approval[place + 1 :])
            yield f"{step.role} {what}", replace(rule, approval=steps)
    for place, total in enumerate(rule.totals):
        others = (*rule.totals[:place], *rule.totals[place + 1 :])
        yield f"total {total.key}", replace(rule, totals=others)
    for place, _ in enumerate(rule.refused):
        yield (
            f"refused {rule.refused[place]}",
            replace(rule, refused=(*rule.refused[:place], *rule.refused[place + 1 :])),
        )


def test_no_bound_can_move_by_a_cent_and_no_condition_go_unnoticed() -> None:
    unnoticed = set()
    for name, rule in RULES_OF_TODAY.mutations.items():
        about = tuple(each for each in EXAMPLES if each.mutation == name)
        for what, changed in _changed(rule):
            rules = replace(RULES_OF_TODAY, mutations={**RULES_OF_TODAY.mutations, name: changed})
            if not run_examples(rules, about):
                unnoticed.add(f"{name}: {what}")
    assert unnoticed == set()


def test_a_decision_names_rule_line_and_reason() -> None:
    decision = asked("issueCredit", "100.01", "support_agent")
    rule = RULES_OF_TODAY.mutations["issueCredit"]
    alone = rule.asks["support_agent"]
    assert alone is not None
    assert (decision.outcome, decision.rule, decision.file) == (NEEDS_APPROVAL, "credit", "rules/writes.yaml")
    assert decision.line == rule.place.line
    assert [(each.code, each.about, each.line) for each in decision.reasons] == [
        ("ABOVE_LIMIT", "amount", alone.place.line)
    ]
    assert [(each.role, each.persons, each.up_to) for each in decision.approvers] == [
        ("support_lead", 1, Decimal("500.00")),
        ("finance", 1, Decimal("5000.00")),
        ("finance_controller", 1, Decimal("50000.00")),
        ("finance_controller", 2, None),
    ]
    assert decision.judged == Decimal("100.01")


def test_of_several_roles_the_one_that_reaches_furthest_counts() -> None:
    decision = asked("issueCredit", "300.00", "finance", "support_agent", "support_lead")
    assert (decision.outcome, decision.reasons) == (ALLOWED, ())
    above = asked("issueCredit", "600.00", "finance", "support_agent", totals={
        "asker+account/1d": Decimal(0), "asker/1d": Decimal(0), "account/30d": Decimal(0),
    })  # fmt: skip
    assert [each.code for each in above.reasons] == ["ALWAYS_APPROVED", "TOTAL_ABOVE"]


def test_a_mutation_without_a_rule_is_forbidden() -> None:
    ask = zero(RULES_OF_TODAY.mutations["issueCredit"], roles=frozenset({"finance"}))
    decision = decide(RULES_OF_TODAY, "dropEverything", ask)
    assert (decision.outcome, [each.code for each in decision.reasons]) == (FORBIDDEN, ["NO_RULE"])


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("role", sorted(RULES_OF_TODAY.terms))
def test_a_role_that_is_not_listed_may_not_ask(mutation: str, role: str) -> None:
    decision = asked(mutation, "0", role, human="ada")
    refused = "ROLE_MAY_NOT_ASK" in [each.code for each in decision.reasons]
    assert refused is (role not in RULES_OF_TODAY.mutations[mutation].asks)
    assert not refused or decision.outcome == FORBIDDEN


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity", "-Infinity", "sNaN", "1E+31", "1E-31", "-1E+999999"])
def test_what_is_no_amount_is_forbidden(amount: str) -> None:
    assert asked("issueCredit", amount, "support_lead").outcome == FORBIDDEN


@pytest.mark.parametrize("rate", ["0", "-1", "NaN", "Infinity", "1E+31"])
def test_what_is_no_rate_needs_the_approval_of_whoever_approves_anything(rate: str) -> None:
    decision = asked("issueCredit", Money(CENT, "USD"), "support_lead", rates={"USD": Decimal(rate)})
    assert [each.code for each in decision.reasons][:1] == ["NO_RATE"]
    assert [(each.role, each.persons) for each in decision.approvers] == [("finance_controller", 2)]


def test_amounts_are_compared_without_rounding() -> None:
    """28 digits, the usual context, would round this to exactly 100."""
    rate = Decimal("1.00000000000000000000000000001")
    decision = asked("issueCredit", Money(Decimal(100), "USD"), "support_agent", rates={"USD": rate})
    assert decision.outcome == NEEDS_APPROVAL


def test_a_flag_or_figure_nobody_knows_is_forbidden() -> None:
    assert asked("openCase", "0", "support_lead", flags={"late": True}).outcome == FORBIDDEN
    assert asked("openCase", "0", "support_lead", figures={"late": Decimal(1)}).outcome == FORBIDDEN


@pytest.mark.parametrize("name", MUTATIONS)
def test_an_ask_of_which_nothing_is_stated_is_never_looser(name: str) -> None:
    rule = RULES_OF_TODAY.mutations[name]
    for role in rule.asks:
        nothing = decide(RULES_OF_TODAY, name, Ask("ada", frozenset({role}), zero(rule).at, human="ada"))
        assert strictness(nothing) >= strictness(asked(name, "0", role, human="ada"))


FACTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    figures=st.fixed_dictionaries(
        {},
        optional={
            name: CENTS.map(euro) if unit == "money" else st.integers(-30, 60).map(Decimal)
            for name, unit in RULES_OF_TODAY.figures.items()
            if name != "amount"
        },
    ),
    flags=st.dictionaries(st.sampled_from(sorted(RULES_OF_TODAY.flags)), st.booleans()),
    arr=st.none() | CENTS,
    human=st.sampled_from([None, "ada"]),
)
TOTALS = st.lists(CENTS, min_size=5, max_size=5) | st.lists(st.none() | CENTS, min_size=5, max_size=5)


def _ask(rule: WriteRule, amount: Decimal, roles: frozenset[str], facts: dict, totals: list[Decimal | None]) -> Ask:
    known = {total.key: each for total, each in zip(rule.totals, totals, strict=False) if each is not None}
    return zero(rule, amount, roles=roles, totals=known, **facts)


@given(st.sampled_from(MUTATIONS), CENTS, CENTS, ROLES, FACTS, TOTALS)
def test_raising_the_amount_never_loosens(name, amount, more, roles, facts, totals) -> None:
    rule = RULES_OF_TODAY.mutations[name]
    ask = _ask(rule, amount, roles or frozenset(rule.asks), facts, totals)
    raised = replace(ask, amount=euro(amount + more))
    assert strictness(decide(RULES_OF_TODAY, name, raised)) >= strictness(decide(RULES_OF_TODAY, name, ask))


@given(st.sampled_from(MUTATIONS), CENTS, ROLES, FACTS, TOTALS, st.data())
def test_forgetting_a_fact_never_loosens(name, amount, roles, facts, totals, data) -> None:
    rule = RULES_OF_TODAY.mutations[name]
    ask = _ask(rule, amount, roles or frozenset(rule.asks), facts, totals)
    kind = data.draw(st.sampled_from(["flags", "figures", "totals"]))
    stated = getattr(ask, kind)
    kept = {key: stated[key] for key in stated if data.draw(st.booleans())}
    changed: dict[str, Any] = {kind: kept}
    less = replace(ask, **changed)
    assert strictness(decide(RULES_OF_TODAY, name, less)) >= strictness(decide(RULES_OF_TODAY, name, ask))


@given(st.sampled_from(PRICED), st.lists(CENTS, min_size=1, max_size=6), FACTS, TOTALS, st.data())
def test_splitting_an_amount_never_helps(name, parts, facts, totals, data) -> None:
    """The last of the parts, after the others, is judged at least as strictly as all of it at once."""
    rule = RULES_OF_TODAY.mutations[name]
    roles = frozenset({data.draw(st.sampled_from(sorted(rule.asks)))})
    whole = decide(RULES_OF_TODAY, name, _ask(rule, sum(parts, Decimal(0)), roles, facts, totals))
    strictest = 0
    spent = Decimal(0)
    for part in parts:
        later = [None if each is None else each + spent for each in totals]
        strictest = max(strictest, strictness(decide(RULES_OF_TODAY, name, _ask(rule, part, roles, facts, later))))
        spent += part
    assert strictest >= strictness(whole)


@given(st.sampled_from(MUTATIONS), ROLES, ROLES, FACTS, TOTALS, st.data())
def test_another_role_never_lifts_a_separation(name, roles, more, facts, totals, data) -> None:
    rule = RULES_OF_TODAY.mutations[name]
    past = st.builds(
        lambda write, act, held: did("ada", write, act, roles=held, documents=frozenset({"I-1"})),
        st.sampled_from(sorted(RULES_OF_TODAY.writes)),
        st.sampled_from(["ask", "approve"]),
        ROLES,
    )
    ask = replace(
        _ask(rule, Decimal(1), roles, facts, totals),
        documents=frozenset({"I-1"}),
        history=tuple(data.draw(st.lists(past, max_size=3))),
    )
    apart = _apart(RULES_OF_TODAY, name, ask)
    both = _apart(RULES_OF_TODAY, name, replace(ask, roles=roles | more))
    assert apart <= both
    if apart:
        assert decide(RULES_OF_TODAY, name, replace(ask, roles=roles | more)).outcome == FORBIDDEN


def _apart(rules: WriteRules, name: str, ask: Ask) -> set[str]:
    codes = ("ROLES_CONFLICT", "DUTIES_CONFLICT")
    return {each.about for each in decide(rules, name, ask).reasons if each.code in codes}


def test_ten_credits_under_the_limit_are_not_all_given_alone() -> None:
    outcomes = [
        asked("issueCredit", "100.00", "support_agent", totals={
            "asker+account/1d": Decimal(0),
            "asker/1d": Decimal(100 * earlier),
            "account/30d": Decimal(0),
        }).outcome
        for earlier in range(10)
    ]  # fmt: skip
    assert outcomes == [ALLOWED] * 5 + [NEEDS_APPROVAL] * 5
