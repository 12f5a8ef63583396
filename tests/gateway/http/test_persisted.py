"""Documents by their id over HTTP: the forms of GraphQL over HTTP and of automatic persisted queries say the same."""

import json
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.gateway.http.edge import LIMIT, Edge

TEXT = "query ($id: ID!) {\n  user(id: $id) {\n    name\n  }\n}"
HEX = "7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e"  # the specification's own example
APQ = {"persistedQuery": {"version": 1, "sha256Hash": HEX}}
FORMS: dict[str, tuple[dict[str, Any], bool]] = {
    "documentId": ({"documentId": f"sha256:{HEX}"}, False),
    "documentId without a prefix": ({"documentId": HEX}, False),
    "id": ({"id": f"sha256:{HEX}"}, False),
    "automatic": ({"extensions": APQ}, True),
    "both": ({"documentId": f"sha256:{HEX}", "extensions": APQ}, True),
}


def test_the_digest_is_that_of_the_specification() -> None:
    assert sha256(TEXT.encode()).hexdigest() == HEX


@pytest.mark.parametrize("with_text", [False, True])
@pytest.mark.parametrize(("form", "automatic"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_every_form_names_the_same_document(
    method: str, form: dict[str, Any], automatic: bool, with_text: bool
) -> None:
    edge = Edge()
    asked = {**form, "variables": {"id": "1"}, "operationName": "Q", **({"query": TEXT} if with_text else {})}
    if method == "POST":
        got = await edge.ask(json.dumps(asked).encode())
    else:
        flat = {name: each if isinstance(each, str) else json.dumps(each) for name, each in asked.items()}
        got = await edge.ask(method="GET", query=urlencode(flat).encode(), content_type=None)
    assert got.status == 200
    (question,) = edge.engine.asked
    assert question.digest == bytes.fromhex(HEX)
    assert question.query == (TEXT if with_text else "")
    assert (question.automatic, question.may_mutate) == (automatic, method == "POST")
    assert (question.variables, question.operation_name) == ({"id": "1"}, "Q")
    assert question.trusted is None, "a client does not say what is trusted"


async def test_a_text_alone_names_nothing() -> None:
    edge = Edge()
    await edge.ask(json.dumps({"query": TEXT, "extensions": {"other": 1}, "documentId": None}).encode())
    (question,) = edge.engine.asked
    assert (question.digest, question.automatic) == (None, False)


OTHER = "0" * 64
BAD = {
    "no hash": ({"documentId": "Card"}, "`documentId` is no id"),
    "another prefix": ({"documentId": f"md5:{HEX}"}, "`documentId` is no id"),
    "capitals": ({"documentId": f"sha256:{HEX.upper()}"}, "`documentId` is no id"),
    "a number": ({"id": 7}, "`id` is no id"),
    "nothing": ({"documentId": ""}, "`documentId` is no id"),
    "two documents": ({"documentId": HEX, "id": OTHER}, "`documentId` and `id` name two documents"),
    "two ways": ({"id": OTHER, "extensions": APQ}, "name two documents"),
    "another version": ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": HEX}}}, "not of version 1"),
    "no version": ({"extensions": {"persistedQuery": {"sha256Hash": HEX}}}, "not of version 1"),
    "no object": ({"extensions": {"persistedQuery": HEX}}, "not of version 1"),
    "no digits": ({"extensions": {"persistedQuery": {"version": 1}}}, "`extensions.persistedQuery.sha256Hash` is no id"),
    "a query that is no text": ({"id": HEX, "query": 7}, "`query` is missing"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "message"), BAD.values(), ids=BAD)
async def test_what_names_no_document_is_refused_before_the_engine(body: dict[str, Any], message: str) -> None:
    edge = Edge()
    got = await edge.ask(json.dumps(body).encode())
    assert got.status == 400
    assert message in got.body["errors"][0]["message"]
    assert edge.engine.asked == []


async def test_an_id_given_twice_in_an_address_is_refused() -> None:
    for name in ("documentId", "id"):
        got = await Edge().ask(method="GET", query=f"{name}={HEX}&{name}={OTHER}".encode(), content_type=None)
        assert got.status == 400


async def test_a_body_of_a_megabyte_is_refused_whatever_it_names() -> None:
    edge = Edge()
    body = json.dumps({"documentId": HEX, "query": "{ a }" + " " * 1024 * 1024}).encode()
    got = await edge.ask(body, content_length=str(len(body)).encode())
    assert (got.status, got.reads) == (413, 0)
    got = await edge.ask(body)
    assert got.status == 413
    assert len(body) > LIMIT
    assert edge.engine.asked == []
