"""A right to approve is lent over the graph: whoever stands in finds what waits, approves it, and sees no more than that."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.enterprise.generate import generate
from tests.gateway.issuer import running
from tests.integration.governed import House, house
from tests.scenarios.town import town

LEND = "mutation($input: LendRolesInput!) { lendRoles(input: $input) { lending giver receiver roles until endedBy } }"
END = "mutation($input: EndLendingInput!) { endLending(input: $input) { lending endedBy } }"
MINE = "{ lendings { lending giver receiver roles reason } }"
WAITING = "{ approvals(filter: {decision: [PENDING]}) { nodes { id evidenceHash role standIns operation { key } } } }"
APPROVE = "mutation($input: ApproveInput!) { approve(input: $input) { decision decidedBy } }"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with (
        running() as issuer,
        town(generate(accounts=90)) as systems,
        house(systems, issuer, tmp_path_factory.mktemp("state")) as made,
    ):
        yield made


def lent(**given: Any) -> dict[str, Any]:
    until = datetime.now(UTC) + timedelta(days=1)
    return {"to": "Lea", "roles": ["finance_controller"], "until": until.isoformat(), "reason": "on leave"} | given


def test_whoever_stands_in_finds_what_waits_and_approves_it(home: House) -> None:
    cpq, carl, lea = home.cpq(), home.person("carl", "finance_controller"), home.person("lea", "finance")
    answer = cpq.write("submitOrder", **home.order("merge_winner", "15", dueDays=60))
    [asked] = answer["approvals"]
    assert asked["role"] == "finance_controller"
    assert lea.told(WAITING)["approvals"]["nodes"] == []
    lending = carl.told(LEND, input=lent())["lendRoles"]
    assert (lending["giver"], lending["receiver"], lending["endedBy"]) == ("carl", "lea", None)
    said = {"approval": asked["id"], "evidenceHash": asked["evidenceHash"]}
    late = lea.refused(APPROVE, input=said)
    assert (late["code"], "NO_AUTHORITY_WHEN_ASKED" in late["message"]) == ("FORBIDDEN", True)

    answer = cpq.write("submitOrder", **home.order("merge_winner", "16", dueDays=60))
    key = answer["operation"]["key"]
    found = [each for each in lea.told(WAITING)["approvals"]["nodes"] if each["operation"]["key"] == key]
    assert [each["standIns"] for each in found] == [["lea"]]
    elsewhere = home.person("lea", "finance", entities=["JP"])
    assert elsewhere.told(WAITING)["approvals"]["nodes"] == [], "only in the companies that she works for"
    said = {"approval": found[0]["id"], "evidenceHash": found[0]["evidenceHash"]}
    assert lea.told(APPROVE, input=said)["approve"] == {"decision": "APPROVED", "decidedBy": "lea"}
    assert cpq.ended(key)["state"] == "COMPLETED"

    assert [each["reason"] for each in lea.told(MINE)["lendings"]] == ["on leave"]
    assert home.person("mara", "finance").told(MINE)["lendings"] == []
    assert carl.told(END, input={"lending": lending["lending"], "reason": "back"})["endLending"]["endedBy"] == "carl"
    assert carl.told(MINE)["lendings"] == []
    assert lea.told(WAITING)["approvals"]["nodes"] == []


def test_what_cannot_be_lent_is_told_so(home: House) -> None:
    carl, agent = home.person("carl", "finance_controller"), home.person("ada", "support_agent")
    for given, code in (
        (lent(to="CARL"), "BAD_INPUT"),
        (lent(roles=["platform"]), "BAD_INPUT"),
        (lent(roles=["finance"]), "FORBIDDEN"),
        (lent(until=(datetime.now(UTC) + timedelta(days=31)).isoformat()), "BAD_INPUT"),
        (lent(reason=" "), "BAD_INPUT"),
    ):
        assert carl.refused(LEND, input=given)["code"] == code, given
    assert agent.refused(LEND, input=lent())["code"] == "FORBIDDEN"
    assert carl.refused(END, input={"lending": "none", "reason": "x"})["code"] == "NOT_FOUND"


def test_outsiders_do_not_know_of_it(home: House) -> None:
    customer = home.person("shop", "customer_user")
    assert customer.refused(MINE)["message"] == "Cannot query field 'lendings' on type 'Query'."
