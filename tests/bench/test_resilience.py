"""The soak's arithmetic: what of an answer counts, and what follows from a log."""

import json
from itertools import islice

import pytest

from bench.resilience.asks import Known, Outcome, affected, asks, documents, read
from bench.resilience.figures import Figures, figures, together, verdicts
from bench.resilience.report import Results, markdown
from bench.resilience.scene import Log, Plan, Seen
from gateway.enterprise.faults.fault import Kind, parse

KNOWN = Known(accounts=tuple(f"A{number}" for number in range(30)), invoices=("I1",), cases=("C1", "C2"))


def error(code: str, *path: object) -> dict:
    return {"path": list(path), "extensions": {"code": code}}


def answered(kind: str, data: dict | None, *errors: dict) -> Outcome:
    return read(kind, 0.0, 1.0, 200, json.dumps({"data": data, "errors": errors}).encode())


@pytest.mark.parametrize("sick", ["billing", "erp", "support"])
def test_what_asks_others_only_has_no_field_of_the_sick_source(sick: str) -> None:
    made = documents(sick)
    own = {"billing": "invoices", "erp": "billingProfiles", "support": "cases"}[sick]
    assert own not in made["a"]
    assert own in made["b"]


def test_where_the_crm_is_sick_others_are_asked_without_an_account() -> None:
    assert "account(" not in documents("crm")["a"]
    kind, body = next(each for each in asks("crm", KNOWN) if each[0] == "a")
    assert (kind, set(json.loads(body)["variables"])) == ("a", {"invoice", "case"})


def test_every_other_ask_is_about_a_hot_account_and_the_others_walk_through_all() -> None:
    made = [json.loads(body)["variables"]["account"] for _, body in islice(asks("billing", KNOWN), 60)]
    assert set(made[1::2]) == set(KNOWN.accounts[:10])
    assert made[0::2] == list(KNOWN.accounts)


def test_of_ten_asks_two_are_entitlement_checks() -> None:
    kinds = [kind for kind, _ in islice(asks("billing", KNOWN), 10)]
    assert (kinds.count("a"), kinds.count("b"), kinds.count("c")) == (4, 4, 2)


def test_facts_are_counted_by_source_and_by_how_they_were_served() -> None:
    fact = {"provenance": {"source": "billing", "served": "STALE"}}
    found = answered("b", {"account": {"invoices": {"nodes": [fact, fact]}, "cases": {"nodes": []}}})
    assert found.served == {"billing": {"STALE": 2}}
    assert (found.errors, found.missing) == ((), ())


def test_a_null_without_an_error_is_missing_and_one_with_an_error_is_not() -> None:
    found = answered(
        "b", {"account": {"invoices": None, "cases": None}}, error("SOURCE_TIMEOUT", "account", "invoices", 0)
    )
    assert found.errors == (("account.invoices", "SOURCE_TIMEOUT"),)
    assert found.missing == ("account.cases",)
    assert answered("c", {"entitlementCheck": None}).missing == ("entitlementCheck",)


def test_an_account_that_is_ambiguous_is_nobodys_failure() -> None:
    found = answered("b", {"account": {"invoices": None}}, error("IDENTITY_AMBIGUOUS", "account", "invoices"))
    assert (found.errors, found.missing) == ((), ())


def test_an_answer_that_is_none_is_an_error_of_everything() -> None:
    assert read("b", 0.0, 30_000.0, 0, b"").errors == (("", "NO_ANSWER"),)


def test_what_a_sick_source_affects() -> None:
    assert affected("billing", "account.invoices.nodes")
    assert not affected("billing", "account.cases")
    assert not affected("billing", "account")
    assert affected("billing", "entitlementCheck")
    assert affected("crm", "account")
    assert affected("crm", "account.cases")
    assert not affected("crm", "invoice")


def log(*outcomes: Outcome, seen: tuple[Seen, ...] = (), reached: tuple[float, ...] = ()) -> Log:
    """Healthy from 0 to 15 (the first 5 warm up), failing to 45, recovering to 60."""
    return Log("down", 0.0, 15.0, 45.0, 60.0, outcomes, seen, reached)


def at(began: float, kind: str = "b", ms: float = 10.0, **more) -> Outcome:
    return Outcome(kind, began, ms, 200, **more)


def test_parts_of_a_run_are_told_apart_and_what_warms_up_does_not_count() -> None:
    seen = (Seen(20.0, "closed", 10, 0), Seen(30.0, "open", 20, 1), Seen(40.0, "closed", 20, 1))
    found = figures(log(*(at(float(second), ms=float(second)) for second in range(60)), seen=seen), "billing")
    assert {part: (times.count, times.most) for part, times in found.times["b"].items()} == {
        "healthy": (10, 14.0),
        "failing": (30, 44.0),
        "recovering": (15, 59.0),
        "closed": (20, 44.0),
        "open": (10, 39.0),
    }
    assert found.open_seconds == 10.0
    assert found.retries == 1 / 20


def test_what_reaches_the_source_while_its_circuit_is_open_is_compared_with_a_healthy_one() -> None:
    seen = (Seen(20.0, "open", 20, 1), Seen(40.0, "closed", 20, 1))
    healthy = tuple(5 + number / 10 for number in range(100))  # ten a second
    found = figures(log(seen=seen, reached=(*healthy, 21.0, 30.0, 39.0, 41.0)), "billing")
    assert found.asks_while_open == pytest.approx(3 / 200)


def test_errors_are_told_by_place_and_by_type() -> None:
    found = figures(
        log(
            at(20.0, errors=(("account.invoices", "CIRCUIT_OPEN"), ("account.cases", "SOURCE_TIMEOUT"))),
            at(21.0, errors=(("account.invoices", "INTERNAL"),), missing=("account.subscriptions",)),
            at(22.0, kind="a", missing=("account.contacts",)),
            at(50.0, errors=(("account.cases", "SOURCE_TIMEOUT"),)),
        ),
        "billing",
    )
    assert (found.elsewhere, found.untyped) == (2, 2)
    assert found.codes == {"CIRCUIT_OPEN": 1, "INTERNAL": 1}


def test_normal_again_is_the_last_error_or_the_closing_of_the_circuit() -> None:
    late = at(47.5, errors=(("account.invoices", "CIRCUIT_OPEN"),))
    assert figures(log(late), "billing").normal_after == 2.5
    assert figures(log(late, seen=(Seen(49.0, "half_open", 1, 0),)), "billing").normal_after == 4.0
    assert figures(log(at(59.0, errors=late.errors)), "billing").normal_after is None
    assert figures(log(), "billing").normal_after == 0.0


def verdict(found: Figures, number: int) -> bool | None:
    return verdicts(
        found, together([(log(*(at(float(second), kind) for second in range(60) for kind in "abc")), found)])
    )[number - 1].holds


def test_verdicts_follow_from_the_figures() -> None:
    good = figures(log(at(20.0), at(21.0, "a"), at(22.0, "c"), seen=(Seen(20.0, "closed", 10, 1),)), "billing")
    assert [verdict(good, number) for number in range(1, 9)] == [True, True, True, None, True, None, True, True]
    slow_others = figures(log(at(20.0, "a", 31.0)), "billing")
    assert verdict(slow_others, 1) is False
    late = figures(log(at(20.0, "b", 4100.0)), "billing")
    assert verdict(late, 3) is False
    open_and_slow = figures(log(at(25.0, "b", 61.0), seen=(Seen(20.0, "open", 10, 2),)), "billing")
    assert (verdict(open_and_slow, 4), verdict(open_and_slow, 7)) == (False, False)


def test_a_report_has_a_line_for_each_fault_and_every_claim_has_a_mark() -> None:
    found = figures(log(at(20.0), seen=(Seen(20.0, "closed", 10, 1),)), "billing")
    before = together([(log(at(10.0)), found)])
    judged = tuple(verdicts(found, before))
    page = markdown(Results("2 cores", Plan("billing", 15.0, 60.0, 15.0, 24.0), before, ((found, judged),)))
    assert "| down | ✓ 0 → 0 ms | ✓ 0 |" in page
    assert page.count("| down |") == 2
    assert Results("", Plan("billing", 1, 1, 1, 1), before, ((found, judged),)).holds()


def test_a_figure_that_the_gateway_does_not_tell_does_not_hold() -> None:
    silent = figures(log(at(20.0), seen=(Seen(20.0, None, None, None),)), "billing")
    assert [verdict(silent, number) for number in (4, 6, 7)] == [False, False, False]


def test_every_fault_of_the_proxy_is_in_the_soak() -> None:
    from bench.resilience.__main__ import FAULTS  # noqa: PLC0415 - a program

    assert set(FAULTS) == set(Kind) - {Kind.OFF}
    for name, told in FAULTS.items():
        parse({"fault": name, **told})
