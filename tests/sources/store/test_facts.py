"""Our own tables as facts of the graph, on both databases: found by key, listed page by page, with whose they are."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from sources import canonical as c
from sources.errors import BadAsk, Unavailable
from sources.ours import CAPABILITIES, NAME, Ours, WritesOff
from sources.ports import Ask, Filter, Order, Page
from sources.store import approvals, exceptions, grounds
from sources.store.approvals import Question
from sources.store.errors import StoreAway
from sources.store.exceptions import Finding
from sources.store.facts import Facts
from sources.store.operations import State, move
from sources.store.store import Store
from tests.databases import fresh_postgres
from tests.sources.store.conftest import NOW, Accepted

EVIDENCE = {
    "mutation": "issueCredit",
    "input": {"invoice": "in_1", "amount": "10.00"},
    "amount": c.Money(1000, "EUR"),
    "figures": {"credit": c.Money(1000, "EUR"), "discount": "12.5"},
    "flags": {"backdated": False},
    "reasons": ["ABOVE_LIMIT amount"],
    "approvers": [["finance", 1, []], ["finance_controller", 1, ["call_back"]]],
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """Of its own: lists show whatever stands in it."""
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def run() -> str:
    """A person of this test alone: PostgreSQL's database is shared by all of them."""
    return f"ada-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def facts(store: Store) -> Facts:
    return Facts(store, lambda: NOW)


async def kept(store: Store, accepted: Accepted, operation_id: str, person: str, **values: Any) -> None:
    await accepted(operation_id, caller=person, **values)
    await store.transact(grounds.keep, operation_id, person, {}, ())


def question(operation_id: str, person: str, **values: Any) -> Question:
    standing: dict[str, Any] = {"id": f"{operation_id}.1", "tier": 1, "rule": "credit", "role": "finance"}
    standing |= {"asked_by": person, "expires_at": NOW + timedelta(hours=24), "evidence": EVIDENCE}
    return Question(operation_id=operation_id, **standing | values)


def raised(operation_id: str | None, exception_id: str, owner: str, hours: int) -> Finding:
    return Finding(
        id=exception_id,
        kind="PERIOD_LOCKED",
        owner=owner,
        reason="closed",
        answer_due_at=NOW + timedelta(hours=1),
        due_at=NOW + timedelta(hours=hours),
        operation_id=operation_id,
        details={"step": "credit_memo"},
    )


async def listed(facts: Facts, record: type[c.Record], page: Page) -> list[Any]:
    """The rows of a whole list, page by page."""
    found: list[Any] = []
    while True:
        rows = (await facts.read(Ask(record, "list", ("",), page))).rows[""]
        found += rows.records
        assert rows.more == (rows.next is not None)
        if rows.next is None:
            return found
        page = Page(page.first, rows.next, page.order, page.filters)


async def test_an_operation_says_who_asked_and_with_whom_it_lies(
    store: Store, accepted: Accepted, facts: Facts, run: str
) -> None:
    key = f"{run}-1"
    await kept(store, accepted, key, run, account="001A", entity="DE", human="Hana")
    await store.transact(approvals.ask, question(key, run), NOW)
    await store.transact(exceptions.open_exception, raised(key, f"{key}:1:1", "revops", 4), NOW)
    reading = await facts.read(Ask(c.Operation, "key", (key, "nobody")))
    [found] = reading.rows[key].records
    assert "nobody" not in reading.rows
    assert isinstance(found, c.Operation)
    assert (found.account_key, found.legal_entity, found.amount) == ("001A", "DE", c.Money(1000, "EUR"))
    assert (found.asked_by, found.human, found.person) == (run, "Hana", run)
    assert found.lies_with == ("finance", "finance_controller", "revops")
    assert (found.source, found.as_of, reading.report.source, reading.report.calls) == (NAME, NOW, NAME, 1)


async def test_operations_are_listed_newest_first_and_go_on_where_a_page_ended(
    store: Store, accepted: Accepted, facts: Facts, run: str
) -> None:
    for number in range(7):
        await kept(store, accepted, f"{run}-{number}", run, mutation="openCase" if number % 2 else "issueCredit")
    mine = Filter("person", "in", (run,))
    order = Order("accepted_at", descending=True)
    every = await listed(facts, c.Operation, Page(3, None, order, (mine,)))
    assert [each.key for each in every] == [f"{run}-{number}" for number in range(7)]  # of one instant, by key
    await store.transact(move, f"{run}-3", State.COMPLETED, NOW)
    for asked, keys in (
        (Filter("mutation", "in", ("openCase",)), (1, 3, 5)),
        (Filter("state", "in", (State.COMPLETED,)), (3,)),
        (Filter("accepted_at", "gte", NOW), tuple(range(7))),
        (Filter("accepted_at", "lt", NOW), ()),
        (Filter("account_key", "eq", "none"), ()),
        (Filter("legal_entity", "in", ("XX",)), ()),
    ):
        found = await listed(facts, c.Operation, Page(2, None, order, (mine, asked)))
        assert [each.key for each in found] == [f"{run}-{number}" for number in keys], asked


@pytest.mark.parametrize("order", [None, Order("accepted_at", descending=True)])
async def test_a_list_goes_on_behind_any_of_its_rows_whether_it_is_ordered_or_not(
    facts: Facts, store: Store, accepted: Accepted, run: str, order: Order | None
) -> None:
    for number in range(5):
        await kept(store, accepted, f"{run}-{number}", run)
    mine = Filter("person", "in", (run,))
    every = [each.key for each in await listed(facts, c.Operation, Page(9, None, order, (mine,)))]
    begun = (await facts.read(Ask(c.Operation, "list", ("",), Page(4, None, order, (mine,))))).rows[""]
    assert (len(every), begun.next) == (5, begun.positions[-1])
    for index, place in enumerate(begun.positions):
        left = await listed(facts, c.Operation, Page(2, place, order, (mine,)))
        assert [each.key for each in left] == every[index + 1 :]


async def test_an_approval_shows_its_evidence_and_the_first_to_lapse_is_on_top(
    store: Store, accepted: Accepted, facts: Facts, run: str
) -> None:
    key = f"{run}-1"
    await kept(store, accepted, key, run, entity="DE")
    for tier, hours in ((1, 9), (2, 3)):
        asked = question(key, run, id=f"{key}.{tier}", tier=tier, expires_at=NOW + timedelta(hours=hours))
        await store.transact(approvals.ask, asked, NOW)
    reading = await facts.read(Ask(c.OperationApproval, "operation", (key,)))
    late, soon = sorted(reading.rows[key].records, key=lambda each: -each.expires_at.timestamp())  # type: ignore[attr-defined]
    assert isinstance(late, c.OperationApproval)
    assert (late.operation_key, late.mutation, late.legal_entity, late.person) == (key, "issueCredit", "DE", run)
    assert (late.amount, late.flags) == (c.Money(1000, "EUR"), {"backdated": False})
    assert late.input == EVIDENCE["input"]
    assert late.approvers == (c.ApproverRole("finance", 1), c.ApproverRole("finance_controller", 1, ("call_back",)))
    assert late.lies_with == ("finance", "finance_controller")
    pending = (Filter("decision", "in", ("PENDING",)), Filter("role", "in", ("finance",)))
    found = await listed(facts, c.OperationApproval, Page(1, None, Order("expires_at"), pending))
    assert [each.key for each in found if each.person == run] == [soon.key, late.key]


async def test_an_exception_lies_with_its_owner_also_where_it_is_about_no_operation(
    store: Store, accepted: Accepted, facts: Facts, run: str
) -> None:
    key = f"{run}-1"
    await kept(store, accepted, key, run)
    for number, (operation, owner, hours) in enumerate(((key, "finance", 8), (None, "revops", 2)), 1):
        await store.transact(exceptions.open_exception, raised(operation, f"{run}:{number}", owner, hours), NOW)
    late = (Filter("due_at", "lt", NOW + timedelta(hours=9)), Filter("kind", "in", ("PERIOD_LOCKED",)))
    found = await listed(facts, c.OperationException, Page(1, None, Order("due_at"), late))
    mine = [each for each in found if each.key.startswith(run)]
    assert [(each.key, each.operation_key, each.lies_with) for each in mine] == [
        (f"{run}:2", None, ("revops",)),
        (f"{run}:1", key, ("finance",)),
    ]
    assert (mine[1].details, mine[1].person, mine[0].person) == ({"step": "credit_memo"}, run, None)


async def test_what_is_not_offered_is_a_bad_question(facts: Facts) -> None:
    with pytest.raises(BadAsk):
        await facts.read(Ask(c.Operation, "account", ("001A",)))


async def test_a_database_that_does_not_answer_is_a_source_that_is_away(facts: Facts, store: Store) -> None:
    async def away(*_: Any) -> Any:
        raise StoreAway("our own tables cannot be reached")

    store.read = away  # type: ignore[assignment,method-assign]
    with pytest.raises(Unavailable) as raised_:
        await facts.read(Ask(c.Operation, "key", ("x",)))
    assert raised_.value.source == NAME


async def test_the_connector_answers_once_somebody_reads_for_it(facts: Facts) -> None:
    ours = Ours()
    with pytest.raises(WritesOff):
        await ours.read(Ask(c.Operation, "key", ("x",)))
    ours.reader = facts
    assert (await ours.read(Ask(c.Operation, "key", ("x",)))).rows == {}
    assert {record for record, _ in CAPABILITIES} == {c.Operation, c.OperationApproval, c.OperationException}
