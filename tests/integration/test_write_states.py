"""Governed writes turned off, started anew, and seen with a purpose."""

from pathlib import Path

from tests.gateway.issuer import Issuer
from tests.integration.governed import House, house
from tests.scenarios.town import Town

APPROVE = "mutation($input: ApproveInput!) { approve(input: $input) { decision } }"


def test_what_waits_survives_a_restart_and_the_key_still_answers(systems: Town, issuer: Issuer, tmp_path: Path) -> None:
    with house(systems, issuer, tmp_path) as first:
        price = first.price()["unitPrice"]["amount"]
        asked = first.order("child_with_own_plan", "21", unit_price=f"{float(price) * 0.8:.2f}")
        answer = first.cpq().write("submitOrder", **asked)
        assert answer["__typename"] == "NeedsApproval"
    with house(systems, issuer, tmp_path) as second:
        cpq, rita = second.cpq(), second.person("rita@northwind.example", "revops")
        again = cpq.write("submitOrder", **asked)
        assert (again["__typename"], again["replayed"]) == ("NeedsApproval", True)
        assert again["operation"]["id"] == answer["operation"]["id"]
        [waits] = again["approvals"]
        said = {"approval": waits["id"], "evidenceHash": waits["evidenceHash"]}
        assert rita.told(APPROVE, input=said)["approve"]["decision"] == "APPROVED"
        ended = cpq.ended(answer["operation"]["key"])
        assert ended["state"] == "COMPLETED"
        assert systems.did(ended["key"])["billing"]["subscription.create"] == 1
        late = cpq.write("submitOrder", **asked)
        assert (late["__typename"], late["replayed"], late["operation"]["state"]) == (
            "NeedsApproval",
            True,
            "COMPLETED",
        )


def test_where_writes_are_off_mutations_and_operations_say_so_and_reading_goes_on(
    systems: Town, issuer: Issuer
) -> None:
    with house(systems, issuer, None) as off:
        cpq = off.cpq()
        refused = cpq.refused_write("submitOrder", **off.order("merge_winner"))
        assert (refused["code"], refused["retryable"]) == ("WRITES_OFF", False)
        assert refused["docs"] == "docs/errors.md#writes_off"
        listed = cpq.refused("{ operations(first: 1) { nodes { id } } }")
        assert (listed["code"], listed["source"]) == ("WRITES_OFF", "opsgraph")
        assert cpq.refused('{ operation(id: "x") { id } }')["code"] == "WRITES_OFF"
        assert cpq.refused("{ pauses { name } }")["code"] == "WRITES_OFF"


ASK = "mutation($input: AskForPurposeInput!) { askForPurpose(input: $input) { request since endsAt agreedBy } }"
AGREE = "mutation($input: AgreeToPurposeInput!) { agreeToPurpose(input: $input) { since agreedBy } }"
END = "mutation($input: EndPurposeInput!) { endPurpose(input: $input) { endedBy } }"
NAMES = "query($by: AccountBy!) { account(by: $by) { name contacts(first: 1) { nodes { email } } } }"


def test_an_auditor_sees_who_somebody_is_with_a_purpose_and_only_with_it(home: House) -> None:
    otto, by = home.person("otto", "auditor"), {"key": home.town.landmarks["merge_winner"]}
    assert otto.refused(ASK, input={"purpose": "tax_filing", "reason": "case 12"})["code"] == "FORBIDDEN"
    assert otto.refused(ASK, input={"purpose": "reveal", "reason": "  "})["code"] == "BAD_INPUT"
    acting = {"opsgraph-purpose": "reveal"}
    assert otto.ask(NAMES, headers=acting, by=by)["errors"][0]["extensions"]["code"] == "FORBIDDEN"

    asked = otto.told(ASK, input={"purpose": "reveal", "reason": "case 12"})["askForPurpose"]
    assert asked["since"] is not None
    [mine] = otto.told("{ purposes { request purpose reason } }")["purposes"]
    assert mine == {"request": asked["request"], "purpose": "reveal", "reason": "case 12"}
    plain = otto.told(NAMES, by=by)["account"]["contacts"]["nodes"][0]["email"]
    shown = otto.ask(NAMES, headers=acting, by=by)["data"]["account"]["contacts"]["nodes"][0]["email"]
    assert "@" in shown
    assert "@" not in plain

    assert home.person("kai", "auditor").refused(END, input={"request": asked["request"]})["code"] == "NOT_FOUND"
    assert otto.told(END, input={"request": asked["request"]})["endPurpose"] == {"endedBy": "otto"}
    assert otto.told("{ purposes { request } }")["purposes"] == []
    assert otto.ask(NAMES, headers=acting, by=by)["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_breaking_the_glass_takes_two_people(home: House) -> None:
    first, second = home.person("pat", "platform_breakglass"), home.person("sam", "platform")
    asked = first.told(ASK, input={"purpose": "break_glass", "reason": "outage 7"})["askForPurpose"]
    assert (asked["since"], asked["agreedBy"]) == (None, [])
    assert first.refused(AGREE, input={"request": asked["request"]})["code"] == "FORBIDDEN"
    waiting = second.told("{ purposeRequests { request subject reason } }")["purposeRequests"]
    assert waiting == [{"request": asked["request"], "subject": "pat", "reason": "outage 7"}]
    agreed = second.told(AGREE, input={"request": asked["request"]})["agreeToPurpose"]
    assert (agreed["since"] is not None, agreed["agreedBy"]) == (True, ["sam"])
    query, by = "query($by: AccountBy!) { account(by: $by) { name } }", {"key": home.town.landmarks["merge_winner"]}
    assert first.ask(query, by=by)["errors"]
    glass = first.ask(query, headers={"opsgraph-purpose": "break_glass"}, by=by)
    assert glass["data"]["account"]["name"] == "Two Rivers Group Inc."
    assert first.told(END, input={"request": asked["request"]})["endPurpose"] == {"endedBy": "pat"}
