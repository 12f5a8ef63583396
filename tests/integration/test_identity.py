"""Who is who where the systems contradict each other: told, never guessed."""

from tests.integration.conftest import Demo

ACCOUNT = """query Q($k: ID!) { account(by: {key: $k}) {
    name
    standing { value }
    subscriptions(first: 5) { nodes { key } }
    invoices(first: 5) { nodes { key } }
    billingCustomers { key }
    contacts(first: 1) { nodes { key } }
    externalIds { system id }
} }"""
BILLING = """query Q($id: ID!) { account(by: {system: BILLING, id: $id}) { key } }"""
ENTITLED = """query Q($k: ID!) { entitlementCheck(account: $k, supportTier: "premium") { decision rule reasons } }"""


def test_two_accounts_that_note_one_billing_customer_which_names_neither_are_ambiguous(demo: Demo) -> None:
    answer = demo.ask(ACCOUNT, k=demo.landmarks["ambiguous"])
    account = answer["data"]["account"]
    assert account["name"] == "Mirror Lake Inc."
    doubtful = ("subscriptions", "invoices", "billingCustomers", "standing")
    assert [account[name] for name in doubtful] == [None] * 4
    told = {error["path"][1]: error["extensions"] for error in answer["errors"]}
    assert set(doubtful) <= set(told)
    assert {each["code"] for each in told.values()} == {"IDENTITY_AMBIGUOUS"}
    assert {each["source"] for each in told.values()} == {"billing"}
    (claimed,) = (each["id"] for each in account["externalIds"] if each["system"] == "BILLING")
    assert all(claimed not in error["message"] for error in answer["errors"])
    found = demo.ask(BILLING, id=claimed)
    assert found["data"]["account"] is None
    assert [error["extensions"]["code"] for error in found["errors"]] == ["IDENTITY_AMBIGUOUS"]
    assert found["extensions"]["sources"], "the CRM was asked who claims it, and that is told"


def test_an_ambiguous_account_is_for_the_platform_and_never_denied(demo: Demo) -> None:
    found = demo.ask(ENTITLED, "support_lead", k=demo.landmarks["ambiguous"])["data"]["entitlementCheck"]
    assert (found["decision"], found["rule"], found["reasons"]) == ("REFER", 1, ["IDENTITY_AMBIGUOUS"])


def test_an_ambiguous_account_in_a_list_loses_its_own_fields_only(demo: Demo) -> None:
    query = """{ accounts(first: 20, filter: {nameContains: "Mirror Lake"}) {
        nodes { key name subscriptions(first: 2) { nodes { key } } } } }"""
    answer = demo.ask(query)
    nodes = answer["data"]["accounts"]["nodes"]
    assert len(nodes) == 2
    assert all(each["name"] and each["subscriptions"] is None for each in nodes)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"IDENTITY_AMBIGUOUS"}


def test_the_calls_that_establish_who_is_meant_are_told(demo: Demo) -> None:
    demo.forget_calls()
    answer = demo.ask("query Q($k: ID!) { account(by: {key: $k}) { subscriptions(first: 1) { nodes { key } } } }",
                      k=demo.landmarks["prospect"])  # fmt: skip
    assert answer["data"]["account"]["subscriptions"] == {"nodes": []}
    assert sum(each["calls"] for each in answer["extensions"]["sources"]) == sum(demo.calls().values())
