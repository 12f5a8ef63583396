"""Subscriptions to what changes of our own records, through the whole gateway: who is told of what, and who of nothing."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.engine.decoys import JUDGING
from sources.canonical import Money
from sources.catalog import Catalog
from sources.errors import Unavailable
from sources.ports import Ask, Reading, Report
from sources.store import exceptions, operations
from sources.store.exceptions import Finding
from sources.store.facts import Facts
from sources.store.operations import Command, State
from sources.store.store import Store
from tests.gateway.test_app import Gateway, gateway
from tests.gateway.test_streams import Followed, following

OPERATION = """subscription($id: ID!, $after: String) { operationChanged(id: $id, after: $after) {
    cursor missed operation { key state amount { amount } exceptions { kind } } } }"""
RAISED = """subscription($after: String) { exceptionRaised(after: $after) {
    cursor missed exception { key kind owner operation { key state } } } }"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("writes")
    with gateway(writes=tables(folder)) as opened:
        yield opened


def tables(folder: Path) -> dict[str, str]:
    return {"store": f"sqlite:///{folder}/store.db", "durable": f"sqlite:///{folder}/work.db"}


class Desk:
    """What happens to operations, as sagas and people make it happen."""

    def __init__(self, made: Gateway) -> None:
        self._client = made.client

    def __call__(self, work: Callable[..., Any], *given: Any) -> Any:
        store: Store = self._client.app.state.writing.office.writes.room.store  # type: ignore[attr-defined]
        assert self._client.portal is not None
        return self._client.portal.call(store.transact, work, *given)

    def accept(self, caller: str = "ada", entity: str = "DE") -> str:
        """A new operation; its key."""
        key, now = uuid.uuid4().hex, datetime.now(UTC)
        command = Command(
            id=key,
            mutation="issueCredit",
            caller=caller,
            idempotency_key=key,
            payload="{}",
            kept_until=now + timedelta(days=1),
            correlation_id="c-1",
            account="001A",
            entity=entity,
            amount=Money(1234, "EUR"),
        )
        self(operations.accept, command, now)
        return key

    def move(self, key: str, state: State) -> None:
        self(operations.move, key, state, datetime.now(UTC))

    def raise_exception(self, key: str, owner: str = "finance", kind: str = "PERIOD_LOCKED") -> str:
        """An exception of an operation; its key."""
        now = datetime.now(UTC)
        made = f"{key}:1:{uuid.uuid4().hex[:4]}"
        finding = Finding(id=made, kind=kind, owner=owner, reason="r", answer_due_at=now, due_at=now, operation_id=key)
        self(exceptions.open_exception, finding, now)
        return made


@pytest.fixture
def desk(made: Gateway) -> Desk:
    return Desk(made)


def of(followed: Followed, root: str) -> dict[str, Any]:
    payload = followed.next()
    assert "errors" not in payload, payload
    found: dict[str, Any] = payload["data"][root]
    return found


def changed(followed: Followed) -> dict[str, Any]:
    return of(followed, "operationChanged")


def raised(followed: Followed) -> dict[str, Any]:
    return of(followed, "exceptionRaised")


def test_whoever_asked_is_told_how_it_goes(made: Gateway, desk: Desk) -> None:
    key = desk.accept()
    with following(made, "finance", query=OPERATION, id=key) as followed:
        first = changed(followed)
        assert (first["missed"], first["operation"]["state"]) == (False, "RECEIVED")
        desk.accept()  # somebody else's
        desk.move(key, State.RUNNING)
        assert changed(followed)["operation"] == {
            "key": key,
            "state": "RUNNING",
            "amount": {"amount": "12.34"},
            "exceptions": [],
        }
        desk.raise_exception(key)
        desk.move(key, State.NEEDS_ATTENTION)
        after = changed(followed)
        assert after["operation"]["state"] == "NEEDS_ATTENTION"
        assert after["operation"]["exceptions"] == [{"kind": "PERIOD_LOCKED"}]
    desk.move(key, State.REJECTED)
    with following(made, "finance", query=OPERATION, id=key, after=after["cursor"]) as followed:
        again = changed(followed)
        assert (again["missed"], again["operation"]["state"]) == (False, "REJECTED")
    with following(made, "finance", query=OPERATION, id=key, after="nonsense") as followed:
        assert changed(followed)["missed"] is True


def ending(made: Gateway, role: str, key: str) -> tuple[Any, Any]:
    """What a stream about an operation says that is none for its follower, its cursor left out."""
    with following(made, role, query=OPERATION, id=key) as followed:
        payload = followed.next()
        event = payload["data"]["operationChanged"]
        assert event is None or event.pop("cursor")
        del payload["extensions"]["correlationId"]
        for error in payload.get("errors", []):
            del error["extensions"]["correlationId"]
        return payload, followed.socket.receive_json()


@pytest.mark.parametrize("role", ["finance", "cpq_service"])
def test_an_operation_that_one_may_not_see_is_like_one_that_is_not_there(made: Gateway, desk: Desk, role: str) -> None:
    hidden = desk.accept(caller="grace", entity="US")
    found, absent = ending(made, role, hidden), ending(made, role, "nobody")
    assert found == absent
    assert found[0]["data"] == {"operationChanged": {"missed": False, "operation": None}}
    assert found[1] == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("away", [False, True], ids=["", "the CRM is away"])
@pytest.mark.parametrize("role", ["support_agent", "revops", "finance"])
def test_looking_for_one_in_vain_takes_what_judging_it_takes(
    made: Gateway, desk: Desk, monkeypatch: pytest.MonkeyPatch, role: str, away: bool
) -> None:
    asked: list[str] = []
    read = Catalog.read

    async def counted(self: Catalog, ask: Ask) -> Any:
        if (ask.record, ask.by) not in JUDGING:
            return await read(self, ask)
        asked.append(f"{ask.record.__name__}.{ask.by}")
        failed = Unavailable("it is away", source="crm")
        return Reading({}, Report("crm"), dict.fromkeys(ask.keys, failed)) if away else await read(self, ask)

    monkeypatch.setattr(Catalog, "read", counted)
    told = []
    for key in (desk.accept(caller="grace", entity="US"), "nobody"):
        asked.clear()
        told.append((ending(made, role, key), list(asked)))
    assert told[0] == told[1]
    assert bool(told[0][1]) is (role != "finance")


def test_exceptions_are_told_to_those_with_whom_they_lie(made: Gateway, desk: Desk) -> None:
    with (
        following(made, "finance", query=RAISED) as finance,
        following(made, "revops", query=RAISED) as revops,
        following(made, "auditor", query=RAISED) as auditor,
    ):
        begun = {"finance": raised(finance), "revops": raised(revops), "auditor": raised(auditor)}
        assert all(each["exception"] is None and not each["missed"] for each in begun.values())
        key = desk.accept(caller="grace")
        mine = desk.raise_exception(key)
        theirs = desk.raise_exception(key, "revops", "IDENTITY_AMBIGUOUS")
        last = desk.raise_exception(key)
        told = [raised(finance) for _ in range(2)]
        assert [each["exception"]["key"] for each in told] == [mine, last]  # the other left no trace
        assert told[0]["exception"]["operation"]["key"] == key
        assert [raised(auditor)["exception"]["key"] for _ in range(3)] == [mine, theirs, last]
    for role, expected in (("finance", [mine, last]), ("auditor", [mine, theirs, last])):
        with following(made, role, query=RAISED, after=begun[role]["cursor"]) as again:
            first = raised(again)
            assert (first["exception"], first["missed"]) == (None, False)
            assert [raised(again)["exception"]["key"] for _ in expected] == expected
    with following(made, "finance", query=RAISED, after=told[0]["cursor"]) as again:
        raised(again)
        assert raised(again)["exception"]["key"] == last


def test_a_change_is_read_once_for_all_who_follow_it(
    made: Gateway, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Ask] = []
    read = Facts.read

    async def counted(self: Facts, ask: Ask) -> Any:
        reads.append(ask)
        return await read(self, ask)

    with ExitStack() as stack:
        followers = [stack.enter_context(following(made, "auditor", query=RAISED)) for _ in range(12)]
        for each in followers:
            raised(each)
        key = desk.accept(caller="grace")
        monkeypatch.setattr(Facts, "read", counted)
        made_ = desk.raise_exception(key)
        assert {raised(each)["exception"]["key"] for each in followers} == {made_}
    assert len([each for each in reads if each.keys == (made_,)]) == 1


def test_an_exception_that_is_handed_over_is_told_to_its_new_owner(made: Gateway, desk: Desk) -> None:
    with following(made, "finance", query=RAISED) as finance:
        raised(finance)
        lying = desk.raise_exception(desk.accept(caller="grace"), "revops")
        now = datetime.now(UTC)
        desk(exceptions.hand_over, lying, "finance", now, "it is theirs", 1, now)
        told = raised(finance)["exception"]
        assert (told["key"], told["owner"]) == (lying, "finance")


def test_a_cursor_of_one_stream_is_none_of_another(made: Gateway, desk: Desk) -> None:
    with following(made, "finance", query=RAISED) as followed:
        cursor = raised(followed)["cursor"]
    with following(made, "finance", query=OPERATION, id=desk.accept(), after=cursor) as other:
        assert changed(other)["missed"] is True


def test_where_there_are_no_governed_writes_there_is_nothing_to_follow() -> None:
    with gateway() as made, following(made, "finance", query=RAISED) as followed:
        said = followed.socket.receive_json()
        assert said["type"] == "error"
        assert [each["extensions"]["code"] for each in said["payload"]] == ["WRITES_OFF"]


@pytest.mark.parametrize("role", ["customer_user", "partner_user"])
def test_to_outsiders_there_are_no_such_subscriptions(made: Gateway, role: str) -> None:
    with following(made, role, query=RAISED) as followed:
        said = followed.socket.receive_json()
        assert said["type"] == "error"
        assert "OperationException" not in json.dumps(said)
