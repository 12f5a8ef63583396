"""Governed writes are opened, closed and opened again: what was left lying is taken up."""

from pathlib import Path
from typing import Any

import pytest

from resolvers.sagas.answer import Request
from resolvers.sagas.opening import Opening, open_writes
from sources.store import operations
from sources.store.operations import State
from tests.fakes.ledger import FakeSystems, FakeWriter, Ledger, company
from tests.resolvers.sagas.conftest import AGENT, QUICK, RULES
from tests.resolvers.sagas.orders import case


async def test_what_one_process_accepted_the_next_one_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = Opening(store=f"sqlite:///{tmp_path}/opsgraph.db", durable=f"sqlite:///{tmp_path}/durable.db")
    ledger = Ledger(tmp_path / "ledger")
    systems = FakeSystems(FakeWriter(ledger, {}), company())

    async def lost(*_: Any) -> Any:
        raise ConnectionError("the process dies between the row and its run")

    async with open_writes(opening, systems, lambda: RULES, pace=QUICK) as writes:
        monkeypatch.setattr(writes.durable, "start", lost)
        with pytest.raises(ConnectionError):
            await writes.accept("openCase", Request(asker=AGENT, input=case(), key="k", correlation="c-1"))
    assert ledger.effects() == []
    async with open_writes(opening, systems, lambda: RULES, pace=QUICK) as writes:
        answer = await writes.accept("openCase", Request(asker=AGENT, input=case(), key="k", correlation="c-1"))
        assert answer.operation
        assert answer.replayed
        await writes.durable.result(answer.operation.id, 20)
        operation = await writes.room.store.read(operations.find, answer.operation.id)
        assert operation.state is State.COMPLETED
    assert [effect.command for effect in ledger.effects()] == ["OpenCase"]
