"""Trust: in `enforce`, and for outsiders, a client runs what its own manifest says and nothing else."""

import asyncio
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.engine.documents import Refused
from gateway.engine.engine import Engine, Question, Response, Wishes
from gateway.engine.manifests import Manifests, digest_of
from gateway.engine.trust import Trust
from gateway.settings import DocumentSettings, Limits
from policies.principal import Principal
from resolvers.budget import OperationClass
from sources.errand import Lane
from tests.gateway.engine.manifests_of import manifests, trusted
from tests.gateway.engine.rules_of import AGENT, CHIEF, PORTAL, policies, who
from tests.gateway.engine.shop import engine
from tests.gateway.engine.stock import small
from tests.gateway.engine.test_errands import Desk

CARD = "query Card($key: ID!) { account(key: $key) { name } }"
BILLS = "{ bills { nodes { key } } }"
UNICODE = '# Müller & Söhne 名前 🧾\nquery Card { echo(text: "名前 🧾") }\r\n'
TWO = 'query A { a: echo(text: "x") } query B { b: echo(text: "x") }'
RULES = policies(AGENT, CHIEF, PORTAL)
MANIFESTS = manifests(
    trusted("app", CARD, roles=frozenset({"agent"})),
    trusted("app", UNICODE),
    trusted("app", TWO, operation="B"),
    trusted("other", BILLS),
    trusted("other", CARD),
)


class Gateway:
    """An engine that judges by manifests, and what it told of those that it did not trust."""

    def __init__(self, mode: Any = "enforce", found: Manifests | None = MANIFESTS, **settings: Any) -> None:
        self.told: list[tuple[str, str, bool]] = []
        known = {"mode": mode, "directory": "x" if mode != "record" else None, **settings}
        told = lambda *each: self.told.append(each)  # noqa: E731
        self.trust = Trust(DocumentSettings(**known), Limits(), found, told=told)
        self.over: Engine = engine(small(), RULES.granted, trust=self.trust)

    async def ask(
        self, query: str = "", *, of: str | None = None, by: Principal | None = None, **more: Any
    ) -> Response:
        digest = digest_of(of) if of is not None else None
        given = more.pop("variables", {"key": "a1"} if "Card(" in query + (of or "") else None)
        question = Question(query, given, digest=digest, **more)
        return await self.over.run(question, by or client("app"), "cid")

    async def code(self, query: str = "", **more: Any) -> str | None:
        body = (await self.ask(query, **more)).body
        return body["errors"][0]["extensions"]["code"] if "errors" in body else None


def client(name: str | None, *roles: str, **more: Any) -> Principal:
    return who(*(roles or ("agent",)), client=name, **more)


async def test_a_document_is_run_by_its_text_and_by_its_id_alike() -> None:
    over = Gateway()
    bodies = [(await over.ask(CARD)).body, (await over.ask(of=CARD)).body, (await over.ask(CARD, of=CARD)).body]
    assert [each["data"] for each in bodies] == [{"account": {"name": "name of a1"}}] * 3
    assert over.told == []


async def test_a_client_runs_its_own_documents_only() -> None:
    over = Gateway()
    assert await over.code(BILLS) == await over.code(of=BILLS) == "OPERATION_NOT_TRUSTED"
    assert await over.code(of=BILLS, by=client("other")) is None
    assert await over.code(of="{ never }") == "OPERATION_NOT_TRUSTED"
    assert await over.code(CARD, by=client("nobody")) == "OPERATION_NOT_TRUSTED"
    assert await over.code(CARD, by=client(None)) == "OPERATION_NOT_TRUSTED"
    assert [each[:2] for each in over.told] == [
        ("app", "unknown"),
        ("app", "unknown"),
        ("app", "unknown"),
        ("other", "unknown"),  # a client without a manifest: figures name those that have one
        ("none", "no-client"),
    ]


async def test_of_two_clients_with_one_document_each_has_it_on_its_own_terms() -> None:
    over = Gateway()
    assert await over.code(of=CARD, by=client("app", "chief")) == "OPERATION_NOT_TRUSTED"
    assert await over.code(of=CARD, by=client("other", "chief")) is None
    assert over.told == [("app", "roles", True)]


async def test_a_refusal_does_not_tell_whether_there_is_such_a_document() -> None:
    over = Gateway()
    asked = [
        {"of": CARD},
        {"of": "{ never }"},
        {"query": CARD},
        {"query": "{ never }"},
        {"query": TWO, "operation_name": "A"},
    ]
    bodies = [(await over.ask(by=client("app", "chief"), **each)).body for each in asked]
    assert all(body == bodies[0] for body in bodies)
    hashes = [(await over.ask(by=client("app", "chief"), automatic=True, of=each)).body for each in (CARD, "{ never }")]
    assert hashes[0] == hashes[1]


async def test_of_several_operations_only_the_pinned_one_is_run() -> None:
    over = Gateway()
    assert (await over.ask(of=TWO)).body["data"] == {"b": "text='x'"}
    assert (await over.ask(of=TWO, operation_name="B")).body["data"] == {"b": "text='x'"}
    assert await over.code(of=TWO, operation_name="A") == "OPERATION_NOT_TRUSTED"


async def test_a_text_is_trusted_to_the_last_byte_whatever_it_is_written_in() -> None:
    over = Gateway()
    assert (await over.ask(of=UNICODE)).body["data"] == {"echo": "text='名前 🧾'"}
    assert await over.code(UNICODE) is None
    for other in (UNICODE.rstrip(), UNICODE.replace("\r\n", "\n"), UNICODE.replace("ü", "u\u0308"), UNICODE + "\ud800"):
        assert await over.code(other) == "OPERATION_NOT_TRUSTED"


@pytest.mark.parametrize("mode", ["off", "warn", "enforce"])
async def test_outsiders_are_held_to_the_manifests_in_every_mode(mode: str) -> None:
    over = Gateway(mode)
    outsider = client("other", "portal", accounts=("a1",))
    assert await over.code(CARD, by=outsider) is None
    assert await over.code("{ bills { nodes { id } } }", by=outsider) == "OPERATION_NOT_TRUSTED"
    assert await over.code("{ __typename }", by=client("other", "nobody's role")) == "OPERATION_NOT_TRUSTED"
    assert (await over.code("{ __typename }") is None) is (mode != "enforce")


async def test_without_manifests_outsiders_ask_what_they_like() -> None:
    assert await Gateway("off", None).code("{ __typename }", by=client("other", "portal")) is None


async def test_what_is_not_trusted_is_refused_before_anything_that_costs() -> None:
    over, lanes = Gateway(), list[Lane]()
    for query in (BILLS, "{ " * 5_000, "x" * 200_000):
        response = await over.over.run(Question(query), client("app"), "cid", lanes.append)
        assert response.body["errors"][0]["extensions"]["code"] == "OPERATION_NOT_TRUSTED"
        assert not response.started
    assert lanes == []
    assert not over.over._documents._known
    assert not over.over._documents._refused


async def test_warn_runs_everything_counts_and_logs_once_each(caplog: pytest.LogCaptureFixture) -> None:
    over = Gateway("warn")
    with caplog.at_level(logging.WARNING, "opsgraph.documents"):
        for _ in range(3):
            assert await over.code(BILLS, operation_name=None) is None
        assert await over.code(CARD, by=client("app", "chief")) is None
        assert await over.code(of=CARD, by=client("app", "chief")) is None
        assert await over.code(CARD) is None
    assert over.told == [("app", "unknown", False)] * 3 + [("app", "roles", False)] * 2
    assert [record.getMessage().split(", which ")[1] for record in caplog.records] == [
        "would be refused: unknown",
        "would be refused: roles",
    ]
    assert digest_of(BILLS).hex() in caplog.text


async def test_what_is_logged_is_one_line_without_variables(caplog: pytest.LogCaptureFixture) -> None:
    over = Gateway("warn")
    with caplog.at_level(logging.WARNING, "opsgraph.documents"):
        await over.ask(
            "query Q($text: String) { echo(text: $text) }",
            variables={"text": "canary"},
            operation_name="Q\nforged " * 50,
        )
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert "canary" not in record.getMessage()
    assert len(record.getMessage()) < 300


async def test_an_id_must_be_that_of_the_text_beside_it() -> None:
    for mode in ("off", "warn", "enforce"):
        body = (await Gateway(mode).ask(CARD, of=BILLS)).body
        assert body["errors"][0]["extensions"]["code"] == "BAD_INPUT"
        assert "does not fit" in body["errors"][0]["message"]


async def test_other_manifests_are_in_force_from_the_next_question_on() -> None:
    over = Gateway()
    assert await over.code(BILLS) == "OPERATION_NOT_TRUSTED"
    over.trust.manifests = manifests(trusted("app", BILLS))
    assert await over.code(BILLS) is None
    assert await over.code(CARD) == "OPERATION_NOT_TRUSTED"


# ---------------------------------------------------------------- terms


@pytest.mark.parametrize(
    ("terms", "wishes", "seconds", "lane", "max_age"),
    [
        ({}, {}, 4.0, Lane.PORTAL, None),
        ({"operation_class": OperationClass.LOOKUP}, {}, 1.5, Lane.LOOKUP, None),
        ({"operation_class": OperationClass.LOOKUP, "budget": 0.7}, {}, 0.7, Lane.LOOKUP, None),
        ({"budget": 9.0}, {}, 9.0, Lane.PORTAL, None),
        ({"budget": 0.7}, {"timeout": 5.0}, 0.7, Lane.PORTAL, None),
        ({"budget": 0.7}, {"timeout": 0.3}, 0.3, Lane.PORTAL, None),
        ({"max_age": 30.0}, {}, 4.0, Lane.PORTAL, 30.0),
        ({"max_age": 30.0}, {"max_age": 60.0}, 4.0, Lane.PORTAL, 30.0),
        ({"max_age": 30.0}, {"max_age": 0.0}, 4.0, Lane.PORTAL, 0.0),
        ({"max_age": 30.0}, {"timeout": 1.0}, 1.0, Lane.PORTAL, 30.0),
    ],
)
async def test_the_manifest_pins_class_budget_and_freshness_which_a_client_may_only_tighten(
    terms: dict[str, Any], wishes: dict[str, Any], seconds: float, lane: Lane, max_age: float | None
) -> None:
    desk = Desk()
    query = '{ page(key: "a1") { name } }'
    desk.over._trust = Trust(
        DocumentSettings(mode="enforce", directory="x"), Limits(), manifests(trusted("app", query, **terms))
    )
    before = asyncio.get_running_loop().time()
    await desk.over.run(Question(query, wishes=Wishes(**wishes)), client("app"), "cid")
    after = asyncio.get_running_loop().time()
    (found,) = {id(each): each for each in desk.shelf.errands}.values()
    assert found.lane is lane
    assert before + seconds <= found.until <= after + seconds
    assert found.max_age == max_age


async def test_only_a_document_whose_manifest_says_so_may_cost_more_than_the_limit() -> None:
    dear = "{ accounts(first: 100) { nodes { bills(first: 100) { nodes { key } } } } }"
    for exempt in (False, True):
        over = Gateway(found=manifests(trusted("app", dear, cost_exempt=exempt)))
        assert await over.code(of=dear) == (None if exempt else "COST_LIMIT")


# ---------------------------------------------------------------- automatic persisted queries


async def test_a_client_registers_a_text_by_sending_it_with_its_hash() -> None:
    over = Gateway("off", None)
    missing = (await over.ask(of=BILLS, automatic=True)).body["errors"][0]
    assert (missing["message"], missing["extensions"]["code"]) == (
        "PersistedQueryNotFound",
        "PERSISTED_QUERY_NOT_FOUND",
    )
    assert await over.code(BILLS, of=BILLS, automatic=True) is None
    assert await over.code(of=BILLS, automatic=True) is None
    assert await over.code(of=BILLS) is None


async def test_a_text_that_does_not_pass_is_not_registered() -> None:
    over = Gateway("off", None)
    for bad in ("{ nosuch }", "{ x", "{ " + "bills { nodes { key } } " * 200 + "}"):
        await over.ask(bad, of=bad, automatic=True)
    assert len(over.trust.registered) == 0


async def test_where_nothing_may_be_registered_a_client_is_told_so() -> None:
    over = Gateway("off", None, registered=0)
    assert await over.code(of=BILLS, automatic=True) == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert await over.code(BILLS, of=BILLS, automatic=True) is None
    assert await over.code(of=BILLS, automatic=True) == "PERSISTED_QUERY_NOT_SUPPORTED"


async def test_nobody_registers_where_manifests_are_enforced() -> None:
    over = Gateway()
    assert await over.code(of=BILLS, automatic=True) == "PERSISTED_QUERY_NOT_FOUND"
    assert await over.code(BILLS, of=BILLS, automatic=True) == "OPERATION_NOT_TRUSTED"
    assert await over.code(of=CARD, automatic=True) is None
    off = Gateway("off")
    assert await off.code(BILLS, of=BILLS, automatic=True, by=client("app", "portal")) == "OPERATION_NOT_TRUSTED"
    assert await off.code(BILLS, of=BILLS, automatic=True) is None
    assert len(off.trust.registered) == 1
    assert len(over.trust.registered) == 0


async def test_what_others_have_registered_is_no_way_in_for_outsiders() -> None:
    over = Gateway("warn")
    assert await over.code(BILLS, of=BILLS, automatic=True) is None
    assert await over.code(of=BILLS, by=client("app", "portal")) == "OPERATION_NOT_TRUSTED"


async def test_registered_texts_are_bounded_in_number_and_in_bytes() -> None:
    over = Gateway("off", None, registered=3)
    texts = [f"{{ a{at}: echo }}" for at in range(5)]
    for text in texts:
        assert await over.code(text, of=text, automatic=True) is None
    assert [await over.code(of=text, automatic=True) is None for text in texts] == [False, False, True, True, True]
    tight = Gateway("off", None, registered_bytes=1_000)
    for text in texts:
        await tight.ask(text + " " * 200, of=text + " " * 200, automatic=True)
    assert 0 < len(tight.trust.registered) < 5
    assert tight.trust.registered._bytes <= 1_000


async def test_a_subscription_ends_when_its_document_is_no_longer_trusted() -> None:
    over = Gateway()
    question = over.trust.of(Question(CARD, {"key": "a1"}), client("app"), outsider=False)
    assert over.over.again(question, client("app")).plan.root.fields[0].name == "account"
    over.trust.manifests = manifests(trusted("app", BILLS))
    with pytest.raises(Refused):
        over.over.again(question, client("app"))


# ---------------------------------------------------------------- the law

_CLIENTS = st.sampled_from(["app", "other", "third", None])
_TEXTS = st.sampled_from([CARD, BILLS, UNICODE, "{ __typename }"])
_ROLES = st.frozensets(st.sampled_from(["agent", "chief", "portal"]), min_size=1)
_DOCUMENTS = st.lists(
    st.builds(
        lambda client, text, roles: trusted(client, text, roles=roles),
        _CLIENTS.filter(bool),
        _TEXTS,
        st.none() | _ROLES,
    ),
    max_size=6,
)


@given(_DOCUMENTS, _CLIENTS, _TEXTS, _ROLES, st.sampled_from(["off", "warn", "enforce"]), st.booleans(), st.booleans())
def test_it_is_run_exactly_if_the_client_has_it_for_one_of_the_roles_or_is_not_held_to_it(
    documents: list[Any], name: str | None, text: str, roles: frozenset[str], mode: Any, by_id: bool, automatic: bool
) -> None:
    found = manifests(*documents)
    trust = Trust(DocumentSettings(mode=mode, directory="x"), Limits(), found)
    asker = Principal("ada", roles, client=name)
    held = mode == "enforce" or "portal" in roles
    own = found.by_client.get(name or "", {}).get(digest_of(text))
    may = own is not None and (own.roles is None or bool(own.roles & roles))
    question = Question("" if by_id else text, digest=digest_of(text) if by_id else None, automatic=automatic and by_id)
    try:
        judged = trust.of(question, asker, outsider="portal" in roles)
    except Refused:
        assert not may
        assert held or (by_id and own is None)
        return
    assert may or not held
    assert judged.query == text
    if judged.trusted is not None:
        assert judged.trusted is own
        assert may
    assert not (judged.noted and held)


async def test_many_at_once_are_judged_each_by_its_own() -> None:
    over = Gateway()
    asked = [over.code(of=BILLS, by=client(name)) for name in ("app", "other") * 20]
    assert await asyncio.gather(*asked) == ["OPERATION_NOT_TRUSTED", None] * 20
