"""How many calls a question costs, counted at the simulators."""

from collections.abc import Callable
from pathlib import Path

from tests.integration.conftest import Demo, started

CUSTOMER_360 = (Path(__file__).parent / "customer_360.graphql").read_text(encoding="utf-8")
PORTAL = """
query Portal($first: Int!, $after: String) {
  accounts(first: $first, after: $after) {
    nodes {
      key
      name
      subscriptions(first: 5) { nodes { key status { value } } }
      invoices(first: 5, filter: { status: [OPEN, PARTIALLY_PAID] }) { nodes { number dueAt total { amount } } }
      cases(first: 5, filter: { status: [NEW, OPEN, PENDING_CUSTOMER, ON_HOLD] }) { nodes { number priority } }
    }
    pageInfo { endCursor hasNextPage }
  }
}
"""


ATTEMPTS = 4


def cheapest(ask: Callable[[Demo], tuple[int, str]]) -> None:
    """`ask` gives the calls above its budget. Queries of one moment travel together; on a machine that is busy with
    something else they may miss each other by milliseconds, so the budget must hold in one of a few fresh demos."""
    over = []
    for _ in range(ATTEMPTS):
        with started() as demo:
            excess, told = ask(demo)
        if excess <= 0:
            return
        over.append(told)
    raise AssertionError(f"over budget every time: {over}")


def customer_360(demo: Demo) -> tuple[int, str]:
    demo.forget_calls()
    answer = demo.ask(CUSTOMER_360, account=demo.landmarks["hero"])
    calls = demo.calls()
    account = answer["data"]["account"]
    meters = sum(len(each["usage"]) for each in account["subscriptions"]["nodes"])
    assert meters >= 1
    filled = ("contacts", "subscriptions", "invoices", "payments", "creditMemos", "cases", "orders")
    assert all(account[name]["nodes"] for name in filled)
    assert all(account[name] for name in ("refunds", "disputes", "entitlements", "contracts", "revenueSchedules"))
    assert {error["extensions"]["code"] for error in answer.get("errors", [])} <= {"FORBIDDEN"}
    assert sum(each["calls"] for each in answer["extensions"]["sources"]) == sum(calls.values())
    return sum(calls.values()) - 19 - (meters - 1), str(calls)


def portal_list(demo: Demo) -> tuple[int, str]:
    demo.forget_calls()
    cold = demo.ask(PORTAL, "portal_user", first=50)
    first = demo.calls()
    assert len(cold["data"]["accounts"]["nodes"]) == 50
    assert "errors" not in cold
    demo.forget_calls()
    warm = demo.ask(PORTAL, "portal_user", first=50)
    again = demo.calls()
    assert warm["data"] == cold["data"]
    return max(sum(first.values()) - 25, sum(again.values()) - 16), f"cold {first}, warm {again}"


def test_a_customer_360_of_everything_costs_19_calls_and_one_for_each_further_meter() -> None:
    cheapest(customer_360)


def test_a_portal_list_of_50_accounts_costs_25_calls_cold_and_16_once_the_ids_are_known() -> None:
    cheapest(portal_list)


def test_a_forbidden_field_makes_no_call(demo: Demo) -> None:
    demo.forget_calls()
    query = "query Q($k: ID!) { account(by: {key: $k}) { name payments(first: 5) { nodes { amount { amount } } } } }"
    answer = demo.ask(query, "support_agent", k=demo.landmarks["hero"])
    assert answer["data"]["account"]["payments"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert demo.calls()["stripe"] == 0
    assert demo.calls()["netsuite"] == 0
