"""What the simulated enterprise's landmark accounts are answered, and what an outage leaves of an answer."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.integration.conftest import Demo, gateway
from tests.peers import closed_port, serving

ENTITLED = """
query Entitled($account: ID!, $tier: String, $feature: String, $intent: Intent) {
  entitlementCheck(account: $account, supportTier: $tier, feature: $feature, intent: $intent) {
    decision rule reasons standing inherited fallbackRule coveredBy { key } evidence { source ageMs }
  }
}
"""
DECISIONS = [
    ("hero", "OPEN_CASE", "ALLOW", 7, "GOOD"),
    ("past_due_in_grace", "OPEN_CASE", "ALLOW", 8, "DELINQUENT"),
    ("past_due_grace_over", "OPEN_CASE", "ALLOW", 9, "DELINQUENT"),
    ("past_due_grace_over", "CHANGE", "REFER", 9, "DELINQUENT"),
    ("unpaid_unrecorded", "USE_FEATURE", "ALLOW", 9, "DELINQUENT"),
    ("credit_hold", "OPEN_CASE", "ALLOW", 7, "CREDIT_HOLD"),
    ("credit_hold", "CHANGE", "DENY", 4, "CREDIT_HOLD"),
    ("credit_hold_auto", "CHANGE", "DENY", 4, "CREDIT_HOLD"),
    ("suspended", "OPEN_CASE", "ALLOW_LIMITED", 5, "DELINQUENT"),
    ("suspended", "USE_FEATURE", "DENY", 5, "DELINQUENT"),
    ("pack_one_left", "OPEN_CASE", "ALLOW", 7, "GOOD"),
    ("pack_exhausted", "OPEN_CASE", "DENY", 6, "GOOD"),
    ("future_start", "OPEN_CASE", "ALLOW_LIMITED", 10, "GOOD"),
    ("renewal_grace", "OPEN_CASE", "ALLOW", 11, "GOOD"),
    ("affiliate_covered", "OPEN_CASE", "ALLOW", 7, "GOOD"),
    ("churned", "OPEN_CASE", "DENY", 13, "GOOD"),
    ("prospect", "OPEN_CASE", "DENY", 13, "GOOD"),
    ("sanctions", "OPEN_CASE", "REFER", 1, "GOOD"),
]


@pytest.mark.parametrize(("landmark", "intent", "decision", "rule", "standing"), DECISIONS)
def test_a_landmark_account_is_decided_by_its_row(
    demo: Demo, landmark: str, intent: str, decision: str, rule: int, standing: str
) -> None:
    answer = demo.ask(ENTITLED, "support_lead", account=demo.landmarks[landmark], tier="standard", intent=intent)
    found = answer["data"]["entitlementCheck"]
    assert (found["decision"], found["rule"], found["standing"]) == (decision, rule, standing), found
    assert all(each["ageMs"] >= 0 for each in found["evidence"])


def test_a_merged_account_is_answered_as_its_winner(demo: Demo) -> None:
    merged = demo.ask(ENTITLED, "support_lead", account=demo.landmarks["merged"], tier="standard")
    assert merged["data"]["entitlementCheck"]["coveredBy"]["key"] == demo.landmarks["merge_winner"]


def test_an_account_is_found_by_what_any_system_calls_it(demo: Demo) -> None:
    hero = demo.landmarks["hero"]
    found = demo.ask("query Q($k: ID!) { account(by: {key: $k}) { id domain identities { system id } } }", k=hero)
    account = found["data"]["account"]
    assert {each["system"] for each in account["identities"]} == {"CRM", "BILLING", "ERP", "SUPPORT"}
    for each in account["identities"]:
        by = f'{{system: {each["system"]}, id: "{each["id"]}"}}'
        again = demo.ask(f"{{ account(by: {by}) {{ key }} }}")
        assert again["data"]["account"]["key"] == hero, each
    again = demo.ask(
        "query Q($i: ID!) { node(id: $i) { ... on Account { key } } nodes(ids: [$i]) { id } }", i=account["id"]
    )
    assert again["data"] == {"node": {"key": hero}, "nodes": [{"id": account["id"]}]}
    by_domain = demo.ask(f'{{ account(by: {{domain: "{account["domain"]}"}}) {{ key }} }}')
    assert by_domain["data"]["account"]["key"] == hero


def test_the_whole_account_list_pages_through_without_a_gap(demo: Demo) -> None:
    query = """query Q($after: String) { accounts(first: 37, after: $after) {
        edges { cursor node { key name } } pageInfo { hasNextPage endCursor } } }"""
    keys: list[str] = []
    after = None
    while True:
        page = demo.ask(query, after=after)["data"]["accounts"]
        keys += [edge["node"]["key"] for edge in page["edges"]]
        assert page["edges"][-1]["cursor"] == page["pageInfo"]["endCursor"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert len(keys) == len(set(keys)) > 100
    stolen = demo.ask('query Q($a: String) { searchAccounts(text: "a", after: $a) { nodes { key } } }', a=after)
    assert stolen["errors"][0]["extensions"]["code"] == "BAD_INPUT"


def test_roles_see_what_their_rules_say(demo: Demo) -> None:
    query = """query Q($k: ID!) { account(by: {key: $k}) { name ownerNotes standing { value derivedFrom { rawValue } }
        contacts(first: 3) { nodes { name email phone } }
        invoices(first: 2) { nodes { number status { value } total { amount } } } } }"""
    agent = demo.ask(query, "support_agent", k=demo.landmarks["hero"])
    account = agent["data"]["account"]
    assert account["standing"] == {"value": "GOOD", "derivedFrom": None}
    assert all(invoice["total"] is None for invoice in account["invoices"]["nodes"])
    assert all(each["phone"] is None or each["phone"].startswith("•••") for each in account["contacts"]["nodes"])
    assert agent["extensions"]["policy"]["masked"] == ["Contact.phone"]
    finance = demo.ask(query, "finance", k=demo.landmarks["hero"])
    assert all(each["total"]["amount"] for each in finance["data"]["account"]["invoices"]["nodes"])
    unknown = demo.ask(query, "customer_user", k=demo.landmarks["hero"])
    assert [each["message"] for each in unknown["errors"]] == [
        "Cannot query field 'ownerNotes' on type 'Account'.",
        "Cannot query field 'derivedFrom' on type 'AccountStanding'.",
    ]
    query = "query Q($k: ID!) { account(by: {key: $k}) { name invoices(first: 2) { nodes { number } } } }"
    hidden = demo.ask(query, "customer_user", k=demo.landmarks["delinquent"])
    missing = demo.ask(query, "customer_user", k="001000000000000AAA")
    assert hidden["data"] == missing["data"] == {"account": None}
    assert ("errors" in hidden) == ("errors" in missing)


# ---------------------------------------------------------------- outages


THREE = """query Q($k: ID!) { account(by: {key: $k}) { name
    subscriptions(first: 3) { nodes { key } } cases(first: 3) { nodes { number } } legalEntities billingProfiles { name } } }"""


def test_a_dead_source_leaves_its_fields_null_and_the_rest_intact(demo: Demo) -> None:
    with gateway(demo, stripe=closed_port()) as ask:
        answer = ask(THREE, k=demo.landmarks["hero"])
        account = answer["data"]["account"]
        assert account["name"]
        assert account["cases"]["nodes"]
        assert account["subscriptions"] is None
        errors = {tuple(error["path"]): error["extensions"] for error in answer["errors"]}
        assert errors["account", "subscriptions"]["code"] == "SOURCE_UNAVAILABLE"
        assert errors["account", "subscriptions"]["source"] == "billing"
        states = {each["source"]: each["state"] for each in answer["extensions"]["sources"]}
        assert (states["billing"], states["crm"]) == ("FAILING", "OK")
        assert answer["ready"]["ready"] is True
        assert answer["ready"]["degraded"] == ["billing"]


def test_an_entitlement_is_never_denied_for_want_of_evidence(demo: Demo) -> None:
    with gateway(demo, salesforce=demo.known["simulators"]["salesforce"], stripe=closed_port()) as ask:
        for landmark in ("hero", "churned", "prospect"):
            answer = ask(ENTITLED, account=demo.landmarks[landmark], feature="analytics", intent="OPEN_CASE")
            found = answer["data"]["entitlementCheck"]
            assert (found["decision"], found["fallbackRule"]) == ("ALLOW_LIMITED", "14"), landmark


def test_a_source_that_talks_garbage_is_named_and_hurts_nobody_else(demo: Demo) -> None:
    async def garbage(_request: Any) -> Response:
        return HTMLResponse("<html>It works!</html>")

    with (
        serving(Starlette(routes=[Route("/{rest:path}", garbage, methods=["GET", "POST"])])) as url,
        gateway(demo, netsuite=url) as ask,
    ):
        answer = ask(THREE, k=demo.landmarks["hero"])
        account = answer["data"]["account"]
        assert account["billingProfiles"] is None
        assert account["subscriptions"]["nodes"]
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {"SOURCE_GARBLED"}
        assert all("<html>" not in error["message"] for error in answer["errors"])


def test_it_starts_without_any_source_and_says_which_are_away(demo: Demo) -> None:
    dead: dict[str, Any] = dict.fromkeys(demo.known["simulators"], closed_port())
    with gateway(demo, **dead) as ask:
        answer = ask(THREE, k=demo.landmarks["hero"])
        assert answer["data"] == {"account": None}
        assert answer["errors"][0]["extensions"]["source"] == "crm"
        assert answer["ready"]["ready"] is True
