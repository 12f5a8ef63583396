"""How many calls a question costs, counted at the simulators."""

from pathlib import Path

from tests.integration.conftest import Demo, gateway

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

WINDOW = 0.3  # seconds; longer than a busy machine needs to bring the queries of one moment together


def test_a_customer_360_of_everything_costs_19_calls_and_one_for_each_further_meter(demo: Demo) -> None:
    with gateway(demo, "auditor", WINDOW) as ask:
        demo.forget_calls()
        answer = ask(CUSTOMER_360, account=demo.landmarks["hero"])
        calls = demo.calls()
    account = answer["data"]["account"]
    meters = sum(len(each["usage"]) for each in account["subscriptions"]["nodes"])
    assert meters >= 1
    filled = ("contacts", "subscriptions", "invoices", "payments", "creditMemos", "cases", "orders")
    assert all(account[name]["nodes"] for name in filled)
    assert all(account[name] for name in ("refunds", "disputes", "entitlements", "contracts", "revenueSchedules"))
    assert {error["extensions"]["code"] for error in answer.get("errors", [])} <= {"FORBIDDEN"}
    assert sum(calls.values()) <= 19 + (meters - 1), calls
    assert sum(each["calls"] for each in answer["extensions"]["sources"]) >= sum(calls.values())


def test_a_portal_list_of_50_accounts_costs_25_calls_cold_and_16_once_the_ids_are_known(demo: Demo) -> None:
    with gateway(demo, "portal_user", WINDOW) as ask:
        demo.forget_calls()
        cold = ask(PORTAL, first=50)
        first = demo.calls()
        assert len(cold["data"]["accounts"]["nodes"]) == 50
        assert "errors" not in cold
        demo.forget_calls()
        warm = ask(PORTAL, first=50)
        again = demo.calls()
    assert warm["data"] == cold["data"]
    assert sum(first.values()) <= 25, first
    assert sum(again.values()) <= 16, again


def test_a_forbidden_field_makes_no_call(demo: Demo) -> None:
    demo.forget_calls()
    query = "query Q($k: ID!) { account(by: {key: $k}) { name payments(first: 5) { nodes { amount { amount } } } } }"
    answer = demo.ask(query, "support_agent", k=demo.landmarks["hero"])
    assert answer["data"]["account"]["payments"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert demo.calls()["stripe"] == 0
    assert demo.calls()["netsuite"] == 0
