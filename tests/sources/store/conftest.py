"""The store on both databases."""

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sources.canonical import Money
from sources.store.operations import Command, accept
from sources.store.store import Store, open_store
from tests.databases import fresh_postgres, fresh_sqlite

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_sqlite(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres")


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    opened = await open_store(database)
    yield opened
    await opened.close()


def command(operation_id: str, **values: Any) -> Command:
    standing: dict[str, Any] = {
        "mutation": "issueCredit",
        "caller": "ada",
        "idempotency_key": operation_id,
        "payload": '{"account":"A-1"}',
        "kept_until": NOW + timedelta(hours=24),
        "correlation_id": "c-1",
        "amount": Money(1000, "EUR"),
    }
    return Command(id=operation_id, **(standing | values))


Accepted = Callable[..., Any]


@pytest.fixture
def accepted(store: Store) -> Accepted:
    async def accepting(operation_id: str, **values: Any) -> Any:
        return await store.transact(accept, command(operation_id, **values), NOW)

    return accepting
