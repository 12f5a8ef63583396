"""A company whose support desk is its Salesforce, by one line of configuration."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.enterprise.town import simulator
from sources.catalog import vendors
from tests.gateway.issuer import Issuer
from tests.integration.governed import House, house
from tests.scenarios.town import Town, written

LINE = {"case": "crm"}  # [owners] case = "crm"
CASES = """query($by: AccountBy!) { account(by: $by) {
    supportOrganizations { key provenance { source } }
    cases(first: 50) { nodes {
        id key subject escalated status { value } priority requester { key } provenance { source } } } } }"""


def without_a_desk(town: Town) -> dict[str, Any]:
    """The tables of CRM, billing and ERP alone."""
    tables: dict[str, Any] = {}
    for name, vendor in vendors().items():
        package, source = simulator(name), vendor.system.value.lower()
        if package is not None and source != "support":
            connection = package.connection(town.urls[source])
            tables[source] = {"vendor": name, "timeout": 20.0, **connection.table}
    return tables


@pytest.fixture(scope="module", params=["beside another desk", "alone"])
def desk(request: pytest.FixtureRequest, systems: Town, issuer: Issuer, tmp_path_factory: Any) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("desk")
    tables: dict[str, Any] = {"owners": LINE}
    if request.param == "alone":
        tables["sources"] = without_a_desk(systems)
    with house(systems, issuer, folder, **tables) as made:
        yield made


def cases(desk: House, account: str) -> dict[str, Any]:
    told = desk.person("lea", "support_lead").told(CASES, by={"key": account})["account"]
    [party] = told["supportOrganizations"]
    assert party == {"key": account, "provenance": {"source": "crm"}}
    return {each["key"]: each for each in told["cases"]["nodes"]}


def of(desk: House, key: str, source: str) -> list[str]:
    """What an operation did in a system."""
    return [each["kind"] for each in written(desk.town.urls[source], key)]


def test_a_case_is_opened_and_escalated_in_the_org_that_owns_cases(desk: House) -> None:
    agent, lead = desk.person("ada", "support_agent"), desk.person("lea", "support_lead")
    account = desk.town.landmarks["merge_winner"]
    before = cases(desk, account)
    asked = {"account": account, "subject": "no access", "body": "since noon", "priority": "HIGH"}
    opened = agent.write("openCase", **asked, idempotencyKey=(key := desk.key()))
    assert opened["__typename"] == "Completed", opened
    again = agent.write("openCase", **asked, idempotencyKey=key)
    assert (again["replayed"], again["operation"]["id"]) == (True, opened["operation"]["id"])
    [made] = [each for each in cases(desk, account).values() if each["key"] not in before]
    assert (made["subject"], made["priority"], made["status"]["value"]) == ("no access", "HIGH", "NEW")
    assert (made["escalated"], made["provenance"]) == (False, {"source": "crm"})
    assert of(desk, opened["operation"]["key"], "crm") == ["case.create"]

    raised = lead.write("escalateCase", case=made["id"], note="by contract", idempotencyKey=desk.key())
    assert raised["__typename"] == "Completed", raised
    after = cases(desk, account)[made["key"]]
    assert (after["escalated"], after["status"]["value"]) == (True, "OPEN")
    assert of(desk, raised["operation"]["key"], "crm") == ["case.update"]
    done = [each["operation"]["key"] for each in (opened, raised)]
    assert [of(desk, each, "support") for each in done] == [[], []]


def test_a_case_that_is_not_there_is_nothing_to_escalate(desk: House) -> None:
    refused = desk.person("lea", "support_lead").refused_write(
        "escalateCase", case="500000000000001AAA", idempotencyKey=desk.key()
    )
    assert refused["code"] == "BAD_INPUT"
