"""A request acts with a purpose if it names one that is in force for its caller, and the audit knows."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.http.requests import BadRequest, purposes
from policies.principal import Principal
from policies.store import PolicyStore
from resolvers.purposes import Purposes
from sources.store import audit
from sources.store.store import Store, open_store
from tests.databases import fresh_sqlite
from tests.gateway.http.edge import ISSUER, Edge, Engine
from tests.policies import small

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROLES = small.ROLES.replace("  rows: [entity]", "  with_purpose: {audit: {pii: allow}}\n  rows: [entity]")
PURPOSES = "audit: {means: an audit, lasts: 1h, persons: 1}\n"
TOKEN = b"Bearer " + ISSUER.token(exp=99_999_999_999, roles=["finance"]).encode()
ADA = Principal("ada", frozenset({"finance"}))


class Seeing(Engine):
    """Remembers who asked."""

    def __init__(self) -> None:
        super().__init__()
        self.callers: list[Principal] = []

    async def run(self, question, principal, correlation_id, admit=None):
        self.callers.append(principal)
        return await super().run(question, principal, correlation_id, admit)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await open_store(fresh_sqlite(tmp_path))
    yield opened
    await opened.close()


@pytest.fixture
def kept(store: Store, tmp_path: Path) -> Purposes:
    folder = small.written(tmp_path, roles=ROLES, purposes=PURPOSES)
    return Purposes(store, PolicyStore(folder, small.SCHEMA, b"key", lambda: NOON), "test", lambda: NOON)


@pytest.fixture
def edge(kept: Purposes) -> Edge:
    return Edge(Seeing(), purposes=kept)


async def test_it_acts_with_what_is_in_force_and_with_nothing_unless_it_says_so(
    edge: Edge, kept: Purposes, store: Store
) -> None:
    request = await kept.ask(ADA, "audit", "case 12", "corr-1234")
    for header in (None, b"audit"):
        answer = await edge.ask(authorization=TOKEN, opsgraph_purpose=header, x_correlation_id=b"corr-5678")
        assert answer.status == 200
    assert isinstance(edge.engine, Seeing)
    assert [each.purposes for each in edge.engine.callers] == [(), ("audit",)]
    used = (await store.read(audit.of_subject, request.id))[-1].event
    document = edge.engine.asked[-1].query
    assert (used.action, used.actor, used.correlation_id) == ("purpose.use", "ada", "corr-5678")
    assert used.after == {"asks": f"unnamed sha256:{hashlib.sha256(document.encode()).hexdigest()}"}


@pytest.mark.parametrize("header", [b"audit", b"curiosity"])
async def test_what_is_not_in_force_is_refused_before_anything_runs(edge: Edge, header: bytes) -> None:
    answer = await edge.ask(authorization=TOKEN, opsgraph_purpose=header)
    assert (answer.status, answer.body["errors"][0]["extensions"]["code"]) == (403, "FORBIDDEN")
    assert edge.engine.asked == []


async def test_a_gateway_that_keeps_none_says_so() -> None:
    answer = await Edge().ask(opsgraph_purpose=b"audit")
    assert answer.status == 400
    assert "keeps no purposes" in answer.body["errors"][0]["message"]


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"reveal", ("reveal",)),
        (b" reveal , tax_filing,reveal ", ("reveal", "tax_filing")),
        (b"a,b,c,d,e", tuple("abcde")),
    ],
)
def test_purposes_are_named_with_commas(header: bytes, names: tuple[str, ...]) -> None:
    assert purposes(header) == names


@pytest.mark.parametrize(
    "header", [b"", b",", b"Reveal", b"a b", b"a,b,c,d,e,f", b"auditor+reveal", b"\xff", b"a" * 65]
)
def test_what_names_no_purpose_is_a_bad_request(header: bytes) -> None:
    with pytest.raises(BadRequest, match="Opsgraph-Purpose"):
        purposes(header)
