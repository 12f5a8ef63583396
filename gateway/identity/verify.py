"""Verifies bearer tokens and maps their claims to a principal; verified ones are remembered until they end."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt
import msgspec

from gateway.identity.keys import KeySet, KeysUnavailable
from gateway.settings import Claims, IdentitySettings, Issuer
from policies.principal import Principal
from sources.ports import Send

_MAX_TOKEN = 8 * 1024
_REMEMBERED = 10_000
_REQUIRED = ["exp", "iss", "aud"]
_SIGNED_OTHERWISE = "the token is not signed in a way this gateway accepts"


class Unauthenticated(Exception):
    """No token, or none we can accept. The message may be shown; it says nothing about keys."""


class _Remembered(msgspec.Struct, frozen=True):
    principal: Principal
    ends: float


class Verifier:
    """Turns `Authorization` headers into principals. `external` names the roles whose holders are outsiders."""

    def __init__(
        self,
        settings: IdentitySettings,
        send: Send,
        external: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leeway, self._external, self._clock = settings.leeway, external, clock
        self._issuers = {each.issuer: (each, KeySet(each.jwks, send)) for each in settings.issuers}
        self._known: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def principal(self, authorization: str | None) -> Principal:
        """The principal of a header; raises Unauthenticated."""
        token = _bearer(authorization)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and known.ends > self._clock():
            return known.principal
        principal, ends = await self._verified(token)
        self._known[digest] = _Remembered(principal, ends)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return principal

    async def _verified(self, token: str) -> tuple[Principal, float]:
        try:
            header = jwt.get_unverified_header(token)
            claimed = jwt.decode(token, options={"verify_signature": False})
        except (jwt.DecodeError, ValueError, RecursionError):
            raise Unauthenticated("the token is no JWT: ask your identity provider for a new one") from None
        except jwt.PyJWTError:
            raise Unauthenticated(_SIGNED_OTHERWISE) from None
        issuer, keys = self._trusted(claimed.get("iss"))
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms or not isinstance(key_id, str) or "crit" in header:
            raise Unauthenticated(_SIGNED_OTHERWISE)
        try:
            key = await keys.get(key_id, algorithm)
        except KeysUnavailable:
            raise Unauthenticated("the token cannot be checked now: its issuer's keys are out of reach") from None
        if key is None:
            raise Unauthenticated("the token is signed with an unknown key")
        claims, ends = self._decoded(token, key, issuer)
        return self._mapped(claims, issuer.claims), ends

    def _trusted(self, issuer: Any) -> tuple[Issuer, KeySet]:
        found = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if found is None:
            raise Unauthenticated("the token's issuer is not trusted here: see `[[identity.issuers]]`")
        return found

    def _decoded(self, token: str, key: Any, issuer: Issuer) -> tuple[dict[str, Any], float]:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(issuer.algorithms),
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=self._leeway,
                options={"require": _REQUIRED},
            )
            return claims, float(claims["exp"]) + self._leeway
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired: get a new one") from None
        except jwt.InvalidAudienceError:
            raise Unauthenticated("the token is for another audience") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise Unauthenticated("the token is not valid") from None

    def _mapped(self, claims: Mapping[str, Any], names: Claims) -> Principal:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("the token names nobody: `sub` is missing")
        roles = _texts(claims, names.roles)
        human = claims.get(names.human)
        return Principal(
            subject=subject,
            roles=frozenset(roles),
            regions=tuple(_texts(claims, names.regions)),
            entities=tuple(_texts(claims, names.entities)),
            accounts=tuple(_texts(claims, names.accounts)),
            audience="external" if any(role in self._external for role in roles) else "internal",
            human=human if isinstance(human, str) else None,
        )


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise Unauthenticated("send a token: `Authorization: Bearer …`")
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the `Authorization` header is no bearer token")
    if len(token) > _MAX_TOKEN or not token.isascii():
        raise Unauthenticated("the token is no JWT: ask your identity provider for a new one")
    return token


def _texts(claims: Mapping[str, Any], name: str) -> Sequence[str]:
    value = claims.get(name, [])
    if isinstance(value, str):
        value = value.split()
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Unauthenticated(f"the token's claim `{name}` is no list of texts")
    return tuple(value)
