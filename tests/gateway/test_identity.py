"""Tokens over a real local key server: what is accepted, and that everything else is one clear refusal."""

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from gateway.identity.keys import KeySet, KeysUnavailable
from gateway.identity.verify import Unauthenticated, Verifier
from gateway.settings import IdentitySettings
from sources.transport import Transport
from tests.gateway.issuer import ISSUER, Issuer, running


class Clock:
    """Monotonic seconds that only a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running() as started:
        yield started


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport("identity", connections=4) as opened:
        yield opened


@pytest.fixture
def verifier(issuer: Issuer, transport: Transport) -> Verifier:
    return Verifier(issuer.settings().identity, transport.send, frozenset({"customer_user"}))


async def refusal(verifier: Verifier, header: str | None) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.principal(header)
    return str(caught.value)


async def test_a_valid_token_becomes_a_principal(issuer: Issuer, verifier: Verifier) -> None:
    token = issuer.token(
        roles=["finance", "auditor"], regions=["EMEA", "NO"], entities="DE JP", accounts=["001"], onBehalfOf="grace"
    )
    found = await verifier.principal(f"Bearer {token}")
    assert (found.subject, found.human, found.audience) == ("ada", "grace", "internal")
    assert found.roles == {"finance", "auditor"}
    assert (found.regions, found.entities, found.accounts) == (("EMEA", "NO"), ("DE", "JP"), ("001",))


async def test_one_external_role_makes_an_outsider(issuer: Issuer, verifier: Verifier) -> None:
    found = await verifier.principal(f"bearer  {issuer.token(roles=['customer_user', 'auditor'])}")
    assert found.audience == "external"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "expired": ({"exp": 1000}, "the token has expired: get a new one"),
    "another audience": ({"aud": "elsewhere"}, "the token is for another audience"),
    "another issuer": (
        {"iss": "https://other.test"},
        "the token's issuer is not trusted here: see `[[identity.issuers]]`",
    ),
    "an issuer that is no text": ({"iss": None}, "the token's issuer is not trusted here: see `[[identity.issuers]]`"),
    "not yet": ({"nbf": 9_999_999_999}, "the token is not valid"),
    "no end": ({"exp": None}, "the token is not valid"),
    "an end that is no number": ({"exp": "tomorrow"}, "the token is not valid"),
    "an end beyond all numbers": ({"exp": 10**400}, "the token is not valid"),
    "an endless end": ({"exp": float("inf")}, "the token is not valid"),
    "nobody": ({"sub": None}, "the token names nobody: `sub` is missing"),
    "an empty subject": ({"sub": ""}, "the token names nobody: `sub` is missing"),
    "roles of the wrong type": ({"roles": [1]}, "the token's claim `roles` is no list of texts"),
    "regions of the wrong type": ({"regions": {"EMEA": True}}, "the token's claim `regions` is no list of texts"),
    "an extension to understand": (
        {"header": {"crit": ["b64"], "b64": True}},
        "the token is not signed in a way this gateway accepts",
    ),
    "a key id that is no text": ({"header": {"kid": ""}}, "the token is signed with an unknown key"),
    "an unknown key": ({"header": {"kid": "unknown"}}, "the token is signed with an unknown key"),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_a_bad_token_is_refused_with_its_reason(reason: str, issuer: Issuer, verifier: Verifier) -> None:
    changed, message = REFUSED[reason]
    assert await refusal(verifier, f"Bearer {issuer.token(**changed)}") == message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (None, "send a token: `Authorization: Bearer …`"),
        ("", "the `Authorization` header is no bearer token"),
        ("Basic YTpi", "the `Authorization` header is no bearer token"),
        ("Bearer", "the `Authorization` header is no bearer token"),
        ("Bearer abc", "the token is no JWT: ask your identity provider for a new one"),
        ("Bearer a.b.c", "the token is no JWT: ask your identity provider for a new one"),
        ("Bearer " + "a" * 9000, "the token is no JWT: ask your identity provider for a new one"),
        ("Bearer \u00e9.\u00e9.\u00e9", "the token is no JWT: ask your identity provider for a new one"),
    ],
)
async def test_what_is_no_token_is_refused(header: str | None, message: str, verifier: Verifier) -> None:
    assert await refusal(verifier, header) == message


async def test_an_unsigned_token_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    token = jwt.encode(issuer.claims(), "", "none", {"kid": "first"})
    assert await refusal(verifier, f"Bearer {token}") == "the token is not signed in a way this gateway accepts"


async def test_a_public_key_is_no_shared_secret(issuer: Issuer, verifier: Verifier) -> None:
    public = (
        issuer.private["first"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    parts = [json.dumps(each).encode() for each in ({"alg": "HS256", "kid": "first"}, issuer.claims())]
    signed = b".".join(urlsafe_b64encode(each).rstrip(b"=") for each in parts)
    signature = urlsafe_b64encode(hmac.new(public, signed, hashlib.sha256).digest()).rstrip(b"=")
    forged = (signed + b"." + signature).decode()
    assert await refusal(verifier, f"Bearer {forged}") == "the token is not signed in a way this gateway accepts"


async def test_a_changed_token_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    header, _, signature = issuer.token().split(".")
    claims = urlsafe_b64encode(json.dumps(issuer.claims(roles=["platform"])).encode()).decode().rstrip("=")
    assert await refusal(verifier, f"Bearer {header}.{claims}.{signature}") == "the token is not valid"


async def test_a_remembered_token_ends_when_it_says(issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    verifier = Verifier(issuer.settings().identity, transport.send, clock=clock)
    token = issuer.token(exp=1500)  # long ago for the verification itself
    with pytest.raises(Unauthenticated, match="expired"):
        await verifier.principal(f"Bearer {token}")
    good = f"Bearer {issuer.token()}"
    await verifier.principal(good)
    issuer.rotate("second")
    assert (await verifier.principal(good)).subject == "ada"
    clock.now = 9e12
    issuer.away = True
    verifier._issuers[ISSUER][1]._keys.clear()
    assert "out of reach" in await refusal(verifier, good)


async def test_fifty_tokens_at_once_fetch_the_keys_once(issuer: Issuer, verifier: Verifier) -> None:
    issuer.delay = 0.1
    tokens = [issuer.token(sub=f"user{number}") for number in range(50)]
    found = await asyncio.gather(*(verifier.principal(f"Bearer {token}") for token in tokens))
    assert {each.subject for each in found} == {f"user{number}" for number in range(50)}
    assert issuer.fetches == 1


async def test_no_keys_at_all_is_a_clear_refusal(issuer: Issuer, verifier: Verifier) -> None:
    issuer.away = True
    message = "the token cannot be checked now: its issuer's keys are out of reach"
    assert await refusal(verifier, f"Bearer {issuer.token()}") == message


async def test_a_new_key_is_picked_up_once_its_tokens_arrive(issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    keys = KeySet(issuer.jwks, transport.send, clock)
    assert await keys.get("first", "RS256") is not None
    issuer.rotate("second")
    assert await keys.get("second", "RS256") is None, "within the cool-down nobody is asked"
    clock.now += 6
    assert await keys.get("second", "RS256") is not None
    assert await keys.get("first", "RS256") is None
    assert issuer.fetches == 2


async def test_unknown_key_ids_ask_the_issuer_once_in_a_cool_down(issuer: Issuer, transport: Transport) -> None:
    keys = KeySet(issuer.jwks, transport.send, Clock())
    for number in range(20):
        assert await keys.get(f"made-up-{number}", "RS256") is None
    assert issuer.fetches == 1


async def test_while_the_issuer_is_away_the_old_keys_work(issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    keys = KeySet(issuer.jwks, transport.send, clock)
    assert await keys.get("first", "RS256") is not None
    issuer.away, clock.now = True, clock.now + 3600
    assert await keys.get("first", "RS256") is not None
    assert issuer.fetches == 2


async def test_a_key_is_good_for_its_own_algorithm_only(issuer: Issuer, transport: Transport) -> None:
    assert await KeySet(issuer.jwks, transport.send).get("first", "RS512") is None


async def test_one_strange_key_does_not_spoil_the_set(issuer: Issuer, transport: Transport) -> None:
    issuer.keys += [
        {"kty": "EC", "crv": "P-1", "kid": "strange", "x": "AA", "y": "AA"},
        {"kty": "RSA", "kid": "encrypts", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ]
    keys = KeySet(issuer.jwks, transport.send)
    assert await keys.get("first", "RS256") is not None
    assert [await keys.get(each, "HS256") for each in ("strange", "encrypts", "shared")] == [None, None, None]


async def test_an_answer_that_is_no_key_set_leaves_none(issuer: Issuer, transport: Transport) -> None:
    issuer.keys = ["no key"]  # type: ignore[list-item]
    with pytest.raises(KeysUnavailable):
        await KeySet(issuer.jwks, transport.send).get("first", "RS256")


async def test_without_issuers_nobody_gets_in(issuer: Issuer, transport: Transport) -> None:
    message = await refusal(Verifier(IdentitySettings(), transport.send), f"Bearer {issuer.token()}")
    assert message == "the token's issuer is not trusted here: see `[[identity.issuers]]`"
