"""Tokens over a real local key server: what is accepted, and that everything else is one clear refusal."""

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

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
        await verifier.principal(None if header is None else header.encode("latin-1"))
    return str(caught.value)


def bearer(token: str) -> bytes:
    return f"Bearer {token}".encode()


async def test_a_valid_token_becomes_a_principal(issuer: Issuer, verifier: Verifier) -> None:
    token = issuer.token(
        roles=["finance", "auditor"], regions=["EMEA", "NO"], entities="DE JP", accounts=["001"], onBehalfOf="grace"
    )
    found = await verifier.principal(bearer(token))
    assert (found.subject, found.human, found.audience) == ("ada", "grace", "internal")
    assert found.roles == {"finance", "auditor"}
    assert (found.regions, found.entities, found.accounts) == (("EMEA", "NO"), ("DE", "JP"), ("001",))


async def test_one_external_role_makes_an_outsider(issuer: Issuer, verifier: Verifier) -> None:
    found = await verifier.principal(f"bearer  {issuer.token(roles=['customer_user', 'auditor'])}".encode())
    assert found.audience == "external"


async def test_an_issuer_names_only_its_own_roles_clients_and_people(issuer: Issuer, transport: Transport) -> None:
    (whole,) = issuer.settings().identity.issuers
    own = msgspec.structs.replace(whole, roles=("finance", "portal_user"), clients=("portal",), prefix="staff:")
    verifier = Verifier(IdentitySettings(issuers=(own,)), transport.send)
    found = await verifier.principal(
        bearer(issuer.token(roles=["finance", "platform"], onBehalfOf="grace", client_id="portal"))
    )
    assert (found.subject, found.human, found.client) == ("staff:ada", "staff:grace", "portal")
    assert found.roles == {"finance"}
    other = await verifier.principal(bearer(issuer.token(client_id="console")))
    assert (other.client, other.roles) == (None, frozenset())


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


@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
async def test_a_token_does_not_say_where_its_key_is(name: str, issuer: Issuer, verifier: Verifier) -> None:
    with running() as attacker:
        own: Any = attacker.jwks if name in ("jku", "x5u") else attacker.keys[0] if name == "jwk" else ["MIIB"]
        token = attacker.token(header={name: own})
        assert await refusal(verifier, f"Bearer {token}") == "the token is not valid"
        assert (attacker.fetches, issuer.fetches) == (0, 1)


async def test_a_changed_token_is_refused(issuer: Issuer, verifier: Verifier) -> None:
    header, _, signature = issuer.token().split(".")
    claims = urlsafe_b64encode(json.dumps(issuer.claims(roles=["platform"])).encode()).decode().rstrip("=")
    assert await refusal(verifier, f"Bearer {header}.{claims}.{signature}") == "the token is not valid"


async def test_a_remembered_token_ends_to_the_second(issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    verifier = Verifier(
        IdentitySettings(issuers=issuer.settings().identity.issuers, leeway=30.0), transport.send, clock=clock
    )
    header = bearer(issuer.token(exp=2000))
    known = await verifier.principal(header)
    for now, remembered in ((1999.0, True), (2029.999, True), (2030.0, False), (2030.001, False)):
        clock.now = now
        assert (verifier.recall(header) is known) is remembered
    assert await refusal(verifier, header.decode()) == "the token has expired: get a new one"
    clock.now = 2029.0
    assert (await verifier.principal(header)).subject == "ada", "forgotten, not refused for good"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_begins_to_the_second(claim: str, issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    verifier = Verifier(issuer.settings().identity, transport.send, clock=clock)
    begins: dict[str, Any] = {claim: 1100}
    header = bearer(issuer.token(**begins))
    clock.now = 1069.999
    assert await refusal(verifier, header.decode()) == "the token is not valid"
    assert verifier.recall(header) is None
    clock.now = 1070.0
    assert (await verifier.principal(header)).subject == "ada"


async def test_a_known_token_is_not_verified_again(issuer: Issuer, verifier: Verifier) -> None:
    header = bearer(issuer.token())
    assert verifier.recall(header) is None
    known = await verifier.principal(header)
    assert await verifier.principal(header) is known
    assert verifier.recall(header) is known
    assert issuer.fetches == 1


async def test_a_refused_token_is_not_remembered(issuer: Issuer, verifier: Verifier) -> None:
    for changed in ({"exp": 1000}, {"aud": "elsewhere"}, {"sub": None}, {"roles": [1]}):
        header = bearer(issuer.token(**changed))
        first = await refusal(verifier, header.decode())
        assert verifier.recall(header) is None
        assert await refusal(verifier, header.decode()) == first
    signed, signature = issuer.token().rsplit(".", 1)
    await verifier.principal(bearer(f"{signed}.{signature}"))
    forged = signature[:9] + ("A" if signature[9] != "A" else "B") + signature[10:]
    assert await refusal(verifier, f"Bearer {signed}.{forged}") == "the token is not valid"
    assert len(verifier._remembered) == 1


async def test_tokens_of_a_key_that_was_rotated_away_are_forgotten(issuer: Issuer, verifier: Verifier) -> None:
    header = bearer(issuer.token())
    await verifier.principal(header)
    issuer.rotate("second")
    keys = verifier._issuers[ISSUER][1]
    assert verifier.recall(header) is not None, "nobody has asked the issuer yet"
    await keys._refresh(keys._clock())
    assert verifier.recall(header) is None
    assert await refusal(verifier, header.decode()) == "the token is signed with an unknown key"


async def test_a_key_id_that_comes_back_with_another_key_forgets_too(issuer: Issuer, verifier: Verifier) -> None:
    header = bearer(issuer.token())
    await verifier.principal(header)
    issuer.rotate("first")
    keys = verifier._issuers[ISSUER][1]
    await keys._refresh(keys._clock())
    assert await refusal(verifier, header.decode()) == "the token is not valid"


async def test_a_fetch_that_finds_the_same_keys_forgets_nobody(issuer: Issuer, verifier: Verifier) -> None:
    header = bearer(issuer.token())
    known = await verifier.principal(header)
    issuer.keys.append({**issuer.keys[0], "kid": "another"})
    keys = verifier._issuers[ISSUER][1]
    await keys._refresh(keys._clock())
    assert issuer.fetches == 2
    assert verifier.recall(header) is known


async def test_other_rules_of_who_is_an_outsider_forget_everybody(issuer: Issuer, verifier: Verifier) -> None:
    header = bearer(issuer.token(roles=["auditor"]))
    assert (await verifier.principal(header)).audience == "internal"
    verifier.reclassify(frozenset({"auditor"}))
    assert (await verifier.principal(header)).audience == "external"


async def test_the_least_recently_seen_token_is_forgotten_first(issuer: Issuer, verifier: Verifier) -> None:
    verifier._remembered._most = 3
    headers = [bearer(issuer.token(sub=f"user{number}")) for number in range(4)]
    for header in headers[:3]:
        await verifier.principal(header)
    assert verifier.recall(headers[0]) is not None
    await verifier.principal(headers[3])
    assert [verifier.recall(each) is not None for each in headers] == [True, False, True, True]


async def test_keys_in_use_are_asked_for_anew_without_anybody_waiting(issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    keys = KeySet(issuer.jwks, transport.send, clock)
    key = await keys.get("first", "RS256")
    assert key is not None
    issuer.rotate("second")
    clock.now += 299
    assert keys.holds("first", key)
    assert keys._flight is not None
    assert keys._flight.done()
    clock.now += 2
    assert keys.holds("first", key), "the answer is on its way"
    await keys._flight
    assert issuer.fetches == 2
    assert not keys.holds("first", key)


async def test_keys_nobody_asked_for_in_a_long_time_hold_nothing_until_they_are_fetched(
    issuer: Issuer, transport: Transport
) -> None:
    clock = Clock()
    keys = KeySet(issuer.jwks, transport.send, clock)
    key = await keys.get("first", "RS256")
    assert key is not None
    clock.now += 601
    assert not keys.holds("first", key)
    assert await keys.get("first", "RS256") is key
    assert issuer.fetches == 2
    assert keys.holds("first", key)


async def test_an_hour_without_the_issuer_costs_one_wait_and_no_token(issuer: Issuer, transport: Transport) -> None:
    clock = Clock()
    keys = KeySet(issuer.jwks, transport.send, clock)
    key = await keys.get("first", "RS256")
    assert key is not None
    issuer.away, clock.now = True, clock.now + 601
    assert await keys.get("first", "RS256") is key
    for _ in range(12):
        clock.now += 300
        assert keys.holds("first", key)
        assert keys._flight is not None
        await keys._flight
    assert issuer.fetches == 14
    issuer.away, clock.now = False, clock.now + 6
    issuer.rotate("second")
    assert keys.holds("first", key)
    assert keys._flight is not None
    await keys._flight
    assert not keys.holds("first", key)


async def test_fifty_tokens_at_once_fetch_the_keys_once(issuer: Issuer, verifier: Verifier) -> None:
    issuer.delay = 0.1
    tokens = [issuer.token(sub=f"user{number}") for number in range(50)]
    found = await asyncio.gather(*(verifier.principal(bearer(token)) for token in tokens))
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


async def test_weak_keys_and_keys_for_something_else_are_no_keys(issuer: Issuer, transport: Transport) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - on purpose
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(weak.public_key()))
    issuer.keys += [
        {**public, "kid": "weak", "alg": "RS256"},
        {**issuer.keys[0], "kid": "encrypts", "use": "enc"},
        {**issuer.keys[0], "kid": "wraps", "key_ops": ["wrapKey"]},
        {**issuer.keys[0], "kid": "verifies", "key_ops": ["verify"]},
    ]
    keys = KeySet(issuer.jwks, transport.send)
    found = [await keys.get(each, "RS256") for each in ("first", "weak", "encrypts", "wraps", "verifies")]
    assert [each is not None for each in found] == [True, False, False, False, True]


async def test_an_answer_that_is_no_key_set_leaves_none(issuer: Issuer, transport: Transport) -> None:
    issuer.keys = ["no key"]  # type: ignore[list-item]
    with pytest.raises(KeysUnavailable):
        await KeySet(issuer.jwks, transport.send).get("first", "RS256")


async def test_without_issuers_nobody_gets_in(issuer: Issuer, transport: Transport) -> None:
    message = await refusal(Verifier(IdentitySettings(), transport.send), f"Bearer {issuer.token()}")
    assert message == "the token's issuer is not trusted here: see `[[identity.issuers]]`"
