"""Governed writes through the whole gateway: asked for over HTTP, carried out in all four systems, seen by whom they
concern."""

from typing import Any

import pytest
from graphql import build_schema

from gateway.cli import main
from gateway.cli.tabs import CURL_ROLE, CURL_WRITE
from tests.integration.governed import House, at_once, house, write


def names(found: list[dict[str, Any]]) -> list[str]:
    return [each["name"] for each in found]


# ---------------------------------------------------------------- an order


def test_an_order_goes_through_all_four_systems(home: House) -> None:
    cpq = home.cpq()
    answer = cpq.write("submitOrder", **home.order("two_entities", "11"))
    assert (answer["__typename"], answer["replayed"], answer["findings"]) == ("Accepted", False, [])
    ended = cpq.ended(answer["operation"]["id"])
    assert (ended["state"], ended["reason"]) == ("COMPLETED", None)
    done = {each["name"]: each for each in ended["steps"] if each["outcome"] == "OK"}
    assert {"reserve_credit", "crm_order", "sales_order", "subscription", "release", "activate"} <= set(done)
    assert done["subscription"]["source"] == "billing"
    assert done["subscription"]["sentAs"] == f"{ended['key']}:subscription"
    assert done["subscription"]["requestId"]
    assert all(each["startedAt"] <= each["finishedAt"] for each in done.values())
    assert ended["history"][0]["action"] == "submitOrder.accept"
    assert ended["history"][-1]["decision"] == "COMPLETED"
    assert set(home.town.did(ended["key"])) == {"crm", "billing", "erp"}


def test_somebody_else_approves_what_is_above_the_limit(home: House) -> None:
    cpq, hana = home.cpq(), home.person("hana@northwind.example", "revops")
    rita, agent = home.person("rita@northwind.example", "revops"), home.person("ada", "support_agent")
    price = home.price()["unitPrice"]["amount"]
    answer = cpq.write("submitOrder", **home.order("pack_one_left", "12", unit_price=f"{float(price) * 0.8:.2f}"))
    assert answer["__typename"] == "NeedsApproval"
    assert [each["role"] for each in answer["approvers"]] == ["revops", "finance_controller"]
    [asked] = answer["approvals"]
    key = answer["operation"]["key"]

    waiting = rita.told("{ approvals(filter: {decision: [PENDING]}) { nodes { id evidenceHash operation { key } } } }")
    assert [each["id"] for each in waiting["approvals"]["nodes"] if each["operation"]["key"] == key] == [asked["id"]]
    said = {"approval": asked["id"], "evidenceHash": asked["evidenceHash"]}
    approve = "mutation($input: ApproveInput!) { approve(input: $input) { decision decidedBy } }"
    assert agent.refused(approve, input=said)["code"] == "NOT_FOUND"
    own = hana.refused(approve, input=said)
    assert (own["code"], "REQUESTER" in own["message"]) == ("FORBIDDEN", True)
    other = rita.refused(approve, input=said | {"evidenceHash": "0" * 64})
    assert (other["code"], "EVIDENCE_CHANGED" in other["message"]) == ("FORBIDDEN", True)
    cpq.once(lambda: cpq.operation(key)["state"], lambda state: state == "AWAITING_APPROVAL")

    assert rita.told(approve, input=said)["approve"] == {"decision": "APPROVED", "decidedBy": "rita@northwind.example"}
    ended = cpq.ended(key)
    assert ended["state"] == "COMPLETED"
    assert "approve" in [each["action"] for each in ended["history"]]
    again = rita.told(approve, input=said)["approve"]
    assert again["decision"] == "APPROVED"


def test_what_is_rejected_ends_without_effect(home: House) -> None:
    cpq, rita = home.cpq(), home.person("rita@northwind.example", "revops")
    price = home.price()["unitPrice"]["amount"]
    answer = cpq.write("submitOrder", **home.order("pack_exhausted", "13", unit_price=f"{float(price) * 0.8:.2f}"))
    [asked] = answer["approvals"]
    said = {"approval": asked["id"], "evidenceHash": asked["evidenceHash"], "reason": "not at this price"}
    reject = "mutation($input: RejectInput!) { reject(input: $input) { decision reason } }"
    assert rita.told(reject, input=said)["reject"] == {"decision": "REJECTED", "reason": "not at this price"}
    ended = cpq.ended(answer["operation"]["id"])
    assert (ended["state"], "not at this price" in ended["reason"]) == ("REJECTED", True)
    assert home.town.did(ended["key"]) == {}
    pinned = cpq.told("query($id: ID!) { operation(id: $id) { freshness } }", id=ended["id"])
    assert pinned["operation"] == {"freshness": None}, "it has written nothing"


def test_the_caller_calls_back_what_still_waits(home: House) -> None:
    cpq = home.cpq()
    price = home.price()["unitPrice"]["amount"]
    answer = cpq.write("submitOrder", **home.order("unlinked", "14", unit_price=f"{float(price) * 0.8:.2f}"))
    cancel = "mutation($input: CancelOperationInput!) { cancelOperation(input: $input) { operation { state } } }"
    said = {"operation": answer["operation"]["id"], "reason": "the customer thought better of it"}
    stranger = home.person("rita@northwind.example", "revops")
    asking = "mutation($input: CancelOperationInput!) { cancelOperation(input: $input) { approvals { role } } }"
    assert stranger.told(asking, input=said)["cancelOperation"] == {"approvals": [{"role": "finance_controller"}]}
    assert cpq.told(cancel, input=said)["cancelOperation"]["operation"]["state"] == "CANCELED"
    assert cpq.refused(cancel, input=said)["code"] == "VERSION_CONFLICT"
    assert home.town.did(answer["operation"]["key"]) == {}


# ---------------------------------------------------------------- keys


def case(home: House, **given: Any) -> dict[str, Any]:
    account = home.town.landmarks["merge_winner"]
    return {"account": account, "subject": "no access", "body": "since noon", "idempotencyKey": home.key()} | given


def test_the_same_key_is_the_same_operation_whichever_name_a_record_is_given(home: House) -> None:
    agent = home.person("ada", "support_agent")
    asked = case(home)
    first = agent.write("openCase", **asked)
    assert (first["__typename"], first["replayed"]) == ("Completed", False)
    node = agent.told("query($by: AccountBy!) { account(by: $by) { id } }", by={"key": asked["account"]})
    again = agent.write("openCase", **asked | {"account": node["account"]["id"]})
    assert (again["__typename"], again["replayed"]) == ("Completed", True)
    assert again["operation"]["id"] == first["operation"]["id"]
    assert home.town.did(first["operation"]["key"])["support"].total() == 1

    other = agent.refused_write("openCase", **asked | {"subject": "something else"})
    assert (other["code"], other["retryable"]) == ("IDEMPOTENCY_MISMATCH", False)
    theirs = home.person("bob", "support_agent").write("openCase", **asked | {"subject": "something else"})
    assert theirs["replayed"] is False


CASES = "query($by: AccountBy!) { account(by: $by) { cases(first: 50) { nodes { key } } } }"


def test_who_reads_with_the_token_of_a_write_sees_it_also_where_another_process_remembers_what_was_before(
    home: House,
) -> None:
    lasting = {"types": {"Case": {"ttl": 3600.0}}}
    with house(home.town, home.issuer, None, cache=lasting) as other:
        elsewhere = other.person("ada", "support_agent")
        by = {"key": home.town.landmarks["merge_winner"]}

        def seen(**headers: str) -> set[str]:
            answer = elsewhere.ask(CASES, headers, by=by)
            assert "errors" not in answer, answer["errors"]
            return {each["key"] for each in answer["data"]["account"]["cases"]["nodes"]}

        before = seen()
        agent = home.person("ada", "support_agent")
        key = agent.write("openCase", **case(home))["operation"]["id"]
        assert agent.ended(key)["state"] == "COMPLETED"
        pinned = agent.told("query($id: ID!) { operation(id: $id) { freshness } }", id=key)["operation"]["freshness"]
        assert seen() == before, "it is remembered here, and nobody has told this process"
        after = seen(**{"opsgraph-freshness": pinned})
        assert len(after - before) == 1
        assert seen() == after


def test_fifty_at_once_with_one_key_are_one_case_and_one_answer(home: House) -> None:
    agent, asked = home.person("ada", "support_agent"), case(home)
    answers = at_once(50, lambda _: agent.write("openCase", **asked))
    assert {each["operation"]["id"] for each in answers} == {answers[0]["operation"]["id"]}
    assert {each["__typename"] for each in answers} == {"Completed"}
    assert [each["replayed"] for each in answers].count(False) == 1
    assert home.town.did(answers[0]["operation"]["key"])["support"].total() == 1


def test_a_dry_run_shows_the_steps_and_the_approvers_and_keeps_nothing(home: House) -> None:
    cpq, before = home.cpq(), home.written()
    price = home.price()["unitPrice"]["amount"]
    asked = home.order("future_start", "15", unit_price=f"{float(price) * 0.8:.2f}", dryRun=True)
    answer = cpq.write("submitOrder", **asked)
    assert (answer["__typename"], answer["dryRun"], answer["operation"]) == ("NeedsApproval", True, None)
    assert [each["role"] for each in answer["approvers"]] == ["revops", "finance_controller"]
    assert names(answer["plan"])[:2] == ["reserve_credit", "erp_customer"]
    assert [each["name"] for each in answer["plan"] if each["noReturn"]] == ["release"]
    assert cpq.write("submitOrder", **asked | {"dryRun": True}) == answer
    assert home.written() == before
    real = cpq.write("submitOrder", **asked | {"dryRun": False})
    assert real["replayed"] is False


def test_the_first_write_that_a_newcomer_is_shown_is_one_case_however_often_it_is_sent(home: House) -> None:
    agent, query = home.person("nina", CURL_ROLE), CURL_WRITE % home.town.landmarks["hero"]
    first, again = (agent.told(query)["openCase"] for _ in range(2))
    assert (first["__typename"], first["replayed"], again["replayed"]) == ("Completed", False, True)
    assert first["operation"] == again["operation"]
    assert [each["source"] for each in first["operation"]["steps"] if each["outcome"] == "OK"] == ["support"]


# ---------------------------------------------------------------- who may


def test_who_may_not_ask_is_refused_with_the_rule_and_nothing_comes_of_it(home: House) -> None:
    agent, before = home.person("ada", "support_agent"), home.written()
    refused = agent.refused_write("submitOrder", **home.order("merge_winner", "16"))
    assert refused["code"] == "FORBIDDEN"
    assert refused["rule"].startswith("order rules/writes.yaml:")
    assert refused["reasons"] == ["ROLE_MAY_NOT_ASK support_agent"]
    nobody = home.person("cpq", "cpq_service")
    assert nobody.refused_write("submitOrder", **home.order("merge_winner", "16"))["reasons"][0].startswith("PERSON_")
    auditor = home.person("otto", "auditor").refused_write("openCase", **case(home))
    assert (auditor["code"], auditor["rule"]) == ("FORBIDDEN", "auditor/command")
    portal = home.person("pia", "portal_user").refused_write("openCase", **case(home))
    assert (portal["code"], portal["rule"]) == ("FORBIDDEN", "portal_user/command")
    assert home.written() == before


def test_to_outsiders_there_are_no_mutations_and_no_operations(home: House, capsys: pytest.CaptureFixture[str]) -> None:
    customer = home.person("kim@customer.example", "customer_user")
    assert customer.told("{ __schema { mutationType { name } } }") == {"__schema": {"mutationType": None}}
    assert main(["schema", "--as", "customer_user"]) == 0
    shown = build_schema(capsys.readouterr().out)
    assert shown.query_type is not None
    assert shown.mutation_type is None
    roots = set(shown.query_type.fields)
    assert roots.isdisjoint({"operation", "operations", "approvals", "exceptions", "pauses", "purposes"})
    assert shown.type_map.keys().isdisjoint(
        {"Mutation", "Operation", "Accepted", "WriteResult", "SubmitOrderInput", "OpenCaseInput"}
    )
    answer = customer.ask(write("openCase"), input=case(home))
    assert "data" not in answer
    assert "submitOrder" not in str(answer)
    hidden = customer.refused('{ operation(id: "x") { id } }')
    assert hidden["message"] == "Cannot query field 'operation' on type 'Query'."
    assert "rule" not in hidden


def test_one_sees_ones_own_operations_and_what_lies_with_ones_role(home: House) -> None:
    ada, bob = home.person("ada", "support_agent"), home.person("bob", "support_agent")
    mine = ada.write("openCase", **case(home))["operation"]
    listed = "query($after: String) { operations(first: 3, after: $after) { nodes { id person } pageInfo { hasNextPage endCursor } } }"
    assert ada.operation(mine["id"])["key"] == mine["key"]
    assert bob.operation(mine["id"]) is None
    assert bob.told("query($id: ID!) { node(id: $id) { id } }", id=mine["id"])["node"] is None
    assert home.person("otto", "auditor").operation(mine["key"])["person"] == "ada"

    seen, after = [], None
    while True:
        page = ada.told(listed, after=after)["operations"]
        seen += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert {each["person"] for each in seen} == {"ada"}
    assert len({each["id"] for each in seen}) == len(seen)
    assert mine["id"] == seen[0]["id"]


def test_switches_hold_writes_until_two_people_agree(home: House) -> None:
    platform, finance = home.person("pat", "platform"), home.person("finn", "finance")
    agent = home.person("ada", "support_agent")
    pause = "mutation($input: PauseWritesInput!) { pauseWrites(input: $input) { scope name reason pausedBy } }"
    said = {"scope": "MUTATION", "name": "openCase", "reason": "the desk moves house"}
    assert agent.refused(pause, input=said)["code"] == "FORBIDDEN"
    wrong = platform.refused(pause, input=said | {"scope": "ALL"})
    assert (wrong["code"], wrong["inputPath"]) == ("BAD_INPUT", "name")
    paused = platform.told(pause, input=said)["pauseWrites"]
    assert paused == {**said, "pausedBy": "pat"}
    assert finance.told("{ pauses { name reason } }") == {"pauses": [{"name": "openCase", "reason": said["reason"]}]}

    before, asked = home.written(), case(home)
    held = agent.refused_write("openCase", **asked)
    assert (held["code"], "the desk moves house" in held["message"]) == ("WRITES_PAUSED", True)
    assert home.written() == before
    escalate = {"case": "1", "idempotencyKey": home.key(), "dryRun": True}
    assert agent.refused_write("escalateCase", **escalate)["code"] == "BAD_INPUT"  # another mutation is not held

    unpause = "mutation($input: UnpauseWritesInput!) { unpauseWrites(input: $input) { resumeAskedBy } }"
    assert platform.told(unpause, input=said)["unpauseWrites"] == {"resumeAskedBy": "pat"}
    assert platform.refused(unpause, input=said)["code"] == "FORBIDDEN"
    assert finance.told(unpause, input=said)["unpauseWrites"] is None
    assert agent.write("openCase", **asked)["__typename"] == "Completed"


# ---------------------------------------------------------------- what needs somebody


def test_what_is_held_waits_with_its_owner_who_goes_on(home: House) -> None:
    cpq, carl = home.cpq(), home.person("carl", "credit_manager")
    account = home.town.landmarks["renewal_grace"]
    query = "query($by: AccountBy!) { account(by: $by) { billingProfiles { key } } }"
    [profile] = carl.told(query, by={"key": account})["account"]["billingProfiles"]
    home.town.hold(profile["key"], on=True)
    answer = cpq.write("submitOrder", **home.order("renewal_grace", "17"))
    key = answer["operation"]["key"]
    waiting = cpq.once(lambda: cpq.operation(key), lambda found: found["state"] == "NEEDS_ATTENTION")
    [raised] = waiting["exceptions"]
    assert (raised["kind"], raised["owner"], raised["status"]) == ("CREDIT_HOLD", "credit_manager", "OPEN")

    listed = "{ exceptions(filter: {status: [OPEN]}) { nodes { id kind dueAt operation { key } } } }"
    queue = carl.told(listed)["exceptions"]["nodes"]
    assert [each["operation"]["key"] for each in queue] == [key]
    assert home.person("finn", "finance").told(listed)["exceptions"]["nodes"] == []
    elsewhere = home.person("emil", "credit_manager", entities=["DE"])
    assert elsewhere.told(listed)["exceptions"]["nodes"] == []

    resume = "mutation($input: ResumeOperationInput!) { resumeOperation(input: $input) { exception { id } approvals { id } } }"
    said = {"operation": key, "reason": "the hold is off"}
    assert elsewhere.refused(resume, input=said)["code"] == "NOT_FOUND"
    home.town.hold(profile["key"], on=False)
    assert carl.told(resume, input=said)["resumeOperation"] == {"exception": {"id": raised["id"]}, "approvals": []}
    ended = cpq.ended(key)
    assert ended["state"] == "COMPLETED"
    assert [each["status"] for each in ended["exceptions"]] == ["RESOLVED"]
    assert carl.refused(resume, input=said)["code"] == "VERSION_CONFLICT"


def test_what_needs_somebody_is_given_to_a_person_and_taken_back(home: House) -> None:
    cpq, carl, rita = home.cpq(), home.person("carl", "credit_manager"), home.person("rita", "revops")
    account = home.town.landmarks["breached_sla"]
    query = "query($by: AccountBy!) { account(by: $by) { billingProfiles { key } } }"
    [profile] = carl.told(query, by={"key": account})["account"]["billingProfiles"]
    home.town.hold(profile["key"], on=True)
    key = cpq.write("submitOrder", **home.order("breached_sla", "18"))["operation"]["key"]
    waiting = cpq.once(lambda: cpq.operation(key), lambda found: found["state"] == "NEEDS_ATTENTION")
    raised = waiting["exceptions"][0]["id"]

    assign = "mutation($input: AssignExceptionInput!) { assignException(input: $input) { assignee status } }"
    said = {"exception": raised, "to": "cleo", "reason": "knows the customer"}
    assert rita.refused(assign, input=said)["code"] == "NOT_FOUND"
    assert carl.told(assign, input=said)["assignException"] == {"assignee": "cleo", "status": "ASSIGNED"}

    resolve = "mutation($input: ResolveExceptionInput!) { resolveException(input: $input) { operation { key } } }"
    wrong = carl.refused(
        resolve,
        input={"exception": raised, "action": "RESUME", "reason": "x", "changes": [{"field": "amount", "value": "1"}]},
    )
    assert wrong["code"] == "BAD_INPUT"
    cancel = "mutation($input: CancelOperationInput!) { cancelOperation(input: $input) { operation { key } } }"
    assert (
        carl.told(cancel, input={"operation": key, "reason": "no credit"})["cancelOperation"]["operation"]["key"] == key
    )
    assert cpq.ended(key)["state"] == "CANCELED"
    assert home.town.did(key) == {}
