"""An order is submitted as it was validated: the token spares what it vouches for, and nothing else; what is found out
meanwhile stops it."""

from typing import Any

import pytest

from tests.integration.governed import TODAY, House

VALIDATE = """
query($input: OrderInput!) {
  validateOrder(input: $input) { verdict token findings { code path } approvalsRequired { role } }
}"""


def validated(home: House, asked: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """What a validation says of the order that is to be submitted."""
    same = {name: asked[name] for name in ("account", "legalEntity", "currency", "startOn")}
    lines = [{name: each[name] for name in ("price", "quantity", "unitPrice")} for each in asked["lines"]]
    given = same | {"lines": lines, "termMonths": 12} | changed
    found: dict[str, Any] = home.cpq().told(VALIDATE, input=given)["validateOrder"]
    assert found["verdict"] == "VALID", found
    return found


def test_an_order_goes_on_with_the_token_of_its_validation(home: House) -> None:
    asked = home.order("delinquent", "31")
    token = validated(home, asked)["token"]
    answer = home.cpq().write("submitOrder", **asked, token=token)
    assert (answer["__typename"], answer["findings"]) == ("Accepted", [])
    assert home.cpq().ended(answer["operation"]["id"])["state"] == "COMPLETED"


def test_days_and_terms_may_be_said_as_they_are_submitted(home: House) -> None:
    asked = home.order("overdue", "31", endOn=f"{int(TODAY[:4]) + 1}{TODAY[4:]}")
    token = validated(home, asked, termMonths=None, endOn=asked["endOn"], paymentTerms="Net 30")["token"]
    assert home.cpq().write("submitOrder", **asked, token=token, dryRun=True)["__typename"] == "Accepted"


@pytest.mark.parametrize(
    ("changed", "human", "code"),
    [
        ({"currency": "EUR"}, "hana@northwind.example", "TOKEN_OTHER_ORDER"),
        ({"dueDays": 60}, "hana@northwind.example", "TOKEN_OTHER_ORDER"),
        ({}, "olga@northwind.example", "TOKEN_OTHER_SUBJECT"),
        ({"token": "nonsense"}, "hana@northwind.example", "TOKEN_INVALID"),
    ],
)
def test_a_token_stands_for_one_order_of_one_person(
    home: House, changed: dict[str, Any], human: str, code: str
) -> None:
    asked = home.order("overdue", "32")
    token, before = validated(home, asked)["token"], home.written()
    refused = home.cpq(human).refused_write("submitOrder", **asked | {"token": token} | changed)
    assert (refused["code"], refused["docs"]) == (code, f"docs/errors.md#{code.lower()}")
    assert home.written() == before
    again = home.cpq().write("submitOrder", **asked, token=token, dryRun=True)
    assert again["__typename"] == "Accepted"


def test_the_token_never_skips_a_hold(home: House) -> None:
    asked, carl = home.order("suspended", "33"), home.person("carl", "credit_manager")
    token = validated(home, asked)["token"]
    query = "query($by: AccountBy!) { account(by: $by) { billingProfiles { key } } }"
    [profile] = carl.told(query, by={"key": asked["account"]})["account"]["billingProfiles"]
    home.town.hold(profile["key"], on=True)
    answer = home.cpq().write("submitOrder", **asked, token=token)
    key = answer["operation"]["key"]
    held = home.cpq().once(lambda: home.cpq().operation(key), lambda found: found["state"] == "NEEDS_ATTENTION")
    assert [each["kind"] for each in held["exceptions"]] == ["CREDIT_HOLD"]
    home.town.hold(profile["key"], on=False)


def test_the_same_order_again_is_refused_also_before_the_crm_has_it(home: House) -> None:
    cpq = home.cpq()
    cheap = f"{float(home.price()['unitPrice']['amount']) * 0.8:.2f}"
    waits = cpq.write("submitOrder", **home.order("disputed", "34", unit_price=cheap))
    assert waits["__typename"] == "NeedsApproval"
    again = cpq.write("submitOrder", **home.order("disputed", "34"))
    assert (again["__typename"], "DUPLICATE_ORDER" in str(again["findings"])) == ("Rejected", True)
    other = cpq.write("submitOrder", **home.order("disputed", "35", dryRun=True))
    assert other["__typename"] == "Accepted"


def test_who_is_restricted_or_has_what_runs_is_refused_with_its_code(home: House) -> None:
    cpq, before = home.cpq(), home.written()
    for landmark, code in (("sanctions", "PARTY_RESTRICTED"), ("churned", "PARTY_INACTIVE"), ("hero", "TAX_NEXUS")):
        answer = cpq.write("submitOrder", **home.order(landmark, "36"))
        assert (answer["__typename"], answer["findings"][0]["code"]) == ("Rejected", code)
    assert home.written() == before


def test_nobody_who_has_no_right_to_it_opens_a_case(home: House) -> None:
    agent = home.person("ada", "support_agent")
    said = {"subject": "no access", "body": "since noon"}
    bare = {"account": home.town.landmarks["churned"], "idempotencyKey": home.key(), **said}
    refused = agent.write("openCase", **bare)
    assert (refused["__typename"], refused["findings"][0]["code"]) == ("Rejected", "NOT_ENTITLED")


def test_what_the_graph_shows_of_a_suspension_is_what_was_asked_for_and_approved(home: House) -> None:
    rita, carl = home.person("rita", "revops"), home.person("carl", "credit_manager")
    auditor = home.person("aude", "auditor")  # why somebody is held is not for everybody
    query = """query($by: AccountBy!, $account: ID!) {
      account(by: $by) { subscriptions(first: 1) { nodes {
        key status { value } overlays suspension { reason noticeSentAt operation } } } }
      entitlementCheck(account: $account, supportTier: "standard", intent: USE_FEATURE) { decision rule } }"""
    account = home.town.landmarks["past_due_in_grace"]
    shown = {"by": {"key": account}, "account": account}
    [before] = auditor.told(query, **shown)["account"]["subscriptions"]["nodes"]
    assert before["suspension"] is None
    asked = {"subscription": before["key"], "suspensionReason": "HOLD", "noticeSentAt": f"{TODAY}T00:00:00Z"}
    waits = rita.write("suspendSubscription", **asked, idempotencyKey=home.key(), reason="three reminders")
    [wanted] = waits["approvals"]
    said = {"approval": wanted["id"], "evidenceHash": wanted["evidenceHash"]}
    approve = "mutation($input: ApproveInput!) { approve(input: $input) { decision } }"
    assert carl.told(approve, input=said)["approve"] == {"decision": "APPROVED"}
    ended = rita.ended(waits["operation"]["key"])
    assert ended["state"] == "COMPLETED"
    found = auditor.told(query, **shown)
    assert found["account"]["subscriptions"]["nodes"] == [
        before | {
            "status": {"value": "SUSPENDED"},
            "suspension": {"reason": "HOLD", "noticeSentAt": f"{TODAY}T00:00:00+00:00", "operation": ended["key"]},
        }
    ]  # fmt: skip
    assert found["entitlementCheck"] == {"decision": "DENY", "rule": 5}


def test_a_change_of_what_runs_is_judged_as_an_order_is(home: House) -> None:
    rita, carl = home.person("rita", "revops"), home.person("carl", "credit_manager")
    account = home.town.landmarks["yen"]
    query = """query($by: AccountBy!) { account(by: $by) {
      billingProfiles { key }
      subscriptions(first: 1) { nodes { key latestInvoice { number } items { key quantity price { key } } } } } }"""
    found = carl.told(query, by={"key": account})["account"]
    [running], [profile] = found["subscriptions"]["nodes"], found["billingProfiles"]
    item = running["items"][0]
    line = {"item": item["key"], "price": item["price"]["key"], "quantity": str(item["quantity"] + 1)}
    added = {"price": home.price(currency="JPY")["key"], "quantity": "1", "product": "ADDON-SECURITY"}

    def said(mutation: str, **given: Any) -> set[str]:
        answer = rita.write(mutation, subscription=running["key"], idempotencyKey=home.key(), dryRun=True, **given)
        return {each["code"] for each in answer["findings"]}

    assert said("amendSubscription", lines=[line]) == {"UNPAID_PRORATION"}
    assert said("amendSubscription", lines=[added]) == set()
    home.town.hold(profile["key"], on=True)
    waits = rita.write("amendSubscription", subscription=running["key"], lines=[added], idempotencyKey=home.key())
    held = rita.once(lambda: rita.operation(waits["operation"]["key"]), lambda op: op["state"] == "NEEDS_ATTENTION")
    assert [(each["kind"], each["owner"]) for each in held["exceptions"]] == [("CREDIT_HOLD", "credit_manager")]
    assert home.town.did(held["key"]) == {}
    assert "CREDIT_HOLD" in said("renewSubscription")
    home.town.hold(profile["key"], on=False)
