"""The whole gateway with manifests: ready when every document is planned, changed ones taken into use, its own console
at work where nothing but trusted documents is run."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.cli.tabs import tabs
from gateway.console.pages import DOCUMENTS
from gateway.engine.manifests import ManifestErrors, load_manifests
from gateway.engine.recording import read_recording
from gateway.engine.trusted import TrustedDocuments
from gateway.settings import DocumentSettings, Limits, parse
from policies.load import RULES, load_rules
from tests.gateway.engine.manifests_of import entry, id_of, write
from tests.gateway.issuer import AUDIENCE, ISSUER, Issuer, running

STATIC = DOCUMENTS.parent / "static"
ROLES = load_rules(RULES).roles
NAMES, STATES = "{ sources { name } }", "query States { sources { name state } }"
WHO = "query Who { __typename }"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running() as made:
        yield made


class Gateway:
    def __init__(self, client: TestClient, issuer: Issuer) -> None:
        self.client, self._issuer = client, issuer

    def ask(self, client: str | None, role: str = "support_lead", **body: Any) -> dict[str, Any]:
        token = self._issuer.token(roles=[role], regions=["EMEA"], client_id=client, accounts=["001A"])
        headers = {"authorization": f"Bearer {token}"}
        answer: dict[str, Any] = self.client.post("/graphql", json=body, headers=headers).json()
        return answer

    def code(self, client: str | None, role: str = "support_lead", **body: Any) -> str | None:
        errors = self.ask(client, role, **body).get("errors")
        return errors[0]["extensions"]["code"] if errors else None

    def ready(self) -> dict[str, Any]:
        body: dict[str, Any] = self.client.get("/readyz").json()
        return body

    def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """What `/readyz` says when it comes to that; files and plans have no event that a client could wait for."""
        for _ in range(2_000):
            body = self.ready()
            if condition(body):
                return body
            time.sleep(0.005)
        raise AssertionError(f"it did not come to that: {body}")


def client(issuer: Issuer, **documents: Any) -> TestClient:
    tree = {
        "identity": {"issuers": [{"issuer": ISSUER, "audience": AUDIENCE, "jwks": issuer.jwks}]},
        "documents": documents,
    }
    return TestClient(create_app(parse(tree, {})))


@contextmanager
def gateway(issuer: Issuer, **documents: Any) -> Iterator[Gateway]:
    with client(issuer, **documents) as made:
        yield Gateway(made, issuer)


@pytest.fixture(scope="module")
def console(issuer: Issuer) -> Iterator[Gateway]:
    with gateway(issuer, directory=str(DOCUMENTS), mode="enforce") as made:
        made.until(lambda body: body["ready"])
        yield made


def test_it_is_not_ready_before_every_document_is_planned(tmp_path: Path, issuer: Issuer) -> None:
    write(tmp_path, "app", entry(NAMES), entry(WHO, roles=["finance"]))
    app = client(issuer, directory=str(tmp_path), mode="enforce")
    early = app.get("/readyz")  # its lifespan has not begun: nothing is planned
    assert early.status_code == 503
    assert early.json()["ready"] is False
    assert early.json()["documents"] == {"trusted": 2, "clients": 1, "warm": 0, "failed": 0, "stale": False}
    engine = app.app.state.engine  # type: ignore[attr-defined]
    assert not engine._plans
    with app as made:
        ready = Gateway(made, issuer).until(lambda body: body["ready"])
        assert ready["documents"] == {"trusted": 2, "clients": 1, "warm": 2, "failed": 0, "stale": False}
        planned = len(engine._plans)
        assert planned > 2
        found = Gateway(made, issuer)
        assert found.code("app", documentId=id_of(NAMES)) is None
        assert found.code("app", "finance", documentId=id_of(WHO)) is None
        assert len(engine._plans) == planned, "what was warm is not planned again"


MISTAKES = [
    (entry("{ nosuch }"), "app.json: documents[0]: Cannot query field 'nosuch' on type 'Query'. (1:3), as "),
    (entry("{ sources {"), "app.json: documents[0]: Syntax Error: Expected Name, found <EOF>. (1:12), as "),
    (entry(NAMES, roles=["finanse"]), "app.json: documents[0]: there is no role `finanse`: one of "),
    (entry(NAMES, roles=["portal_user", "customer_user"]), "on type 'Query'. (1:3), as customer_user"),
    (
        entry(NAMES, operation="Names"),
        "documents[0] (Names): the document has no operation `Names`: its operation has no",
    ),
    (entry(STATES, operation="Names"), "documents[0] (Names): the document has no operation `Names`: it has States"),
    (entry("{ " + "a: sources { name } " * 40 + "}"), "documents[0]: the document has more than 20 root fields"),
]


@pytest.mark.parametrize(("wrong", "message"), MISTAKES, ids=[message for _, message in MISTAKES])
def test_a_mistake_is_told_with_file_and_place(
    tmp_path: Path, console: Gateway, wrong: dict[str, Any], message: str
) -> None:
    write(tmp_path, "app", wrong)
    with pytest.raises(ManifestErrors) as error:
        loaded(tmp_path).attend(console.client.app.state.engine, lambda: ROLES)  # type: ignore[attr-defined]
    (line,) = error.value.mistakes
    assert message in line


def loaded(folder: Path) -> TrustedDocuments:
    return TrustedDocuments(DocumentSettings(directory=str(folder)), Limits(), lambda *_: None)


def test_a_mistake_stops_the_start(tmp_path: Path, issuer: Issuer) -> None:
    write(tmp_path, "app", entry("{ nosuch }"), entry(NAMES))
    with pytest.raises(ManifestErrors, match="Cannot query field 'nosuch'"):
        client(issuer, directory=str(tmp_path), mode="off")
    write(tmp_path, "app", {**entry(NAMES), "id": id_of(STATES)})
    with pytest.raises(ManifestErrors, match="`id` does not fit the text"):
        client(issuer, directory=str(tmp_path), mode="off")


def test_a_changed_manifest_is_taken_into_use_and_one_with_a_mistake_is_not(tmp_path: Path, issuer: Issuer) -> None:
    write(tmp_path, "app", entry(NAMES))
    with gateway(issuer, directory=str(tmp_path), mode="enforce", poll=0.01) as made:
        assert made.code("app", query=STATES) == "OPERATION_NOT_TRUSTED"
        write(tmp_path, "app", entry(NAMES), entry("{ nosuch }"))
        assert made.until(lambda body: body["documents"]["stale"])["documents"]["trusted"] == 1
        assert made.code("app", query=NAMES) is None
        write(tmp_path, "app", entry(STATES))
        write(tmp_path, "other", entry(NAMES), entry(WHO))
        found = made.until(lambda body: body["documents"]["warm"] == 3)["documents"]
        assert (found["clients"], found["stale"]) == (2, False)
        assert made.code("app", query=STATES) is None
        assert made.code("app", query=NAMES) == "OPERATION_NOT_TRUSTED"
        assert made.code("other", query=NAMES) is None
        (tmp_path / "other.json").unlink()
        made.until(lambda body: body["documents"]["clients"] == 1)
        assert made.code("other", query=NAMES) == "OPERATION_NOT_TRUSTED"


def test_the_client_is_who_the_token_says(tmp_path: Path, issuer: Issuer) -> None:
    write(tmp_path, "app", entry(NAMES))
    with gateway(issuer, directory=str(tmp_path), mode="enforce") as made:
        assert made.code("app", query=NAMES) is None
        for stranger in ("App", "app ", "", None, ["app"], {"app": "app"}, 7, True):
            assert made.code(stranger, query=NAMES) == "OPERATION_NOT_TRUSTED"  # type: ignore[arg-type]


def test_figures_name_the_clients_that_have_a_manifest_and_no_others(tmp_path: Path, issuer: Issuer) -> None:
    write(tmp_path, "app", entry(NAMES))
    with gateway(issuer, directory=str(tmp_path), mode="warn") as made:
        for asker in ("app", "someone", None):
            assert made.code(asker, query=STATES) is None
        made.code("app", "customer_user", query=WHO)
        page = made.client.get("/metrics").text
        name = "opsgraph_untrusted_documents_total"
        for labels in (
            'client="app",reason="unknown",done="run"',
            'client="other",reason="unknown",done="run"',
            'client="none",reason="no-client",done="run"',
            'client="app",reason="unknown",done="refused"',
        ):
            assert f"{name}{{{labels}}} 1" in page
        assert "someone" not in page


def test_what_clients_ask_is_recorded(tmp_path: Path, issuer: Issuer) -> None:
    path = tmp_path / "recording.json"
    with gateway(issuer, mode="record", recording=str(path)) as made:
        for _ in range(2):
            assert made.code("app", query=STATES) is None
        assert made.code("app", "customer_user", query=WHO) is None
    found = {each.operation: (each.client, each.uses, each.roles) for each in read_recording(path)}
    assert found == {"States": ("app", 2, ["support_lead"]), "Who": ("app", 1, ["customer_user"])}


# ---------------------------------------------------------------- our own


TABS = tabs({"hero": "001A"}, date(2026, 11, 21))


def introspection() -> str:
    """What GraphiQL asks when it opens, made as it makes it: with every option switched off."""
    script = (STATIC / "vendor" / "graphiql.min.js").read_text(encoding="utf-8")
    (template,) = set(re.findall(r"return`(\\n    query IntrospectionQuery \{.*?)`", script))
    lines = template.replace(r"\n", "\n")
    return re.sub(r"\$\{(\w)(\(.*?\))?\}", lambda found: "description" if found[1] == "n" else "", lines)


def panel() -> str:
    found = re.search(r"const QUERY = `(.*?)`", (STATIC / "sources.js").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


ASKED = {**{each.title: each.query for each in TABS}, "introspection": introspection(), "sources panel": panel()}


@pytest.mark.parametrize("text", ASKED.values(), ids=ASKED)
def test_the_console_asks_nothing_that_is_not_trusted(console: Gateway, text: str) -> None:
    variables = next((dict(each.variables) for each in TABS if each.query == text), {})
    for body in ({"query": text}, {"documentId": id_of(text)}):
        answer = console.ask("console", **body, variables=variables)
        assert "data" in answer
        codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
        assert codes <= {"SOURCE_UNAVAILABLE"}, "there is no source behind it; it was run all the same"
    assert console.code("console", query=f"{text} ", variables=variables) == "OPERATION_NOT_TRUSTED"
    assert console.code("bench", query=text, variables=variables) == "OPERATION_NOT_TRUSTED"


def test_the_manifest_of_the_console_has_nothing_that_it_does_not_ask() -> None:
    assert {each.text for each in load_manifests(DOCUMENTS)} == set(ASKED.values())
