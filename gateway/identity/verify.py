"""Verifies bearer tokens and maps their claims to a principal; verified ones are remembered until they end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt

from gateway.identity.keys import KeySet, KeysUnavailable
from gateway.identity.remembered import RememberedTokens, Verified
from gateway.settings import IdentitySettings, Issuer
from policies.principal import Principal
from sources.ports import Send

_MAX_TOKEN = 8 * 1024
_REQUIRED = ["exp", "iss", "aud"]
_INVALID = "the token is not valid"
_SIGNED_OTHERWISE = "the token is not signed in a way this gateway accepts"


class Unauthenticated(Exception):
    """No token, or none we can accept. The message may be shown; it says nothing about keys."""


class Verifier:
    """Turns `Authorization` headers into principals. `external` names the roles whose holders are outsiders.

    `clock` gives seconds since 1970.
    """

    def __init__(
        self,
        settings: IdentitySettings,
        send: Send,
        external: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._leeway, self._external, self._clock = settings.leeway, external, clock
        self._issuers = {each.issuer: (each, KeySet(each.jwks, send)) for each in settings.issuers}
        self._remembered = RememberedTokens(clock)
        self.recall = self._remembered.get

    def reclassify(self, external: frozenset[str]) -> None:
        """Other rules: other roles may be those of outsiders. Everybody is verified again."""
        self._external = external
        self._remembered.forget()

    async def principal(self, authorization: bytes | None) -> Principal:
        """The principal of a header; raises Unauthenticated. `recall` is the same without waiting, for one known."""
        return (await self.verified(authorization)).principal

    async def verified(self, authorization: bytes | None) -> Verified:
        """The same, and until when that is so."""
        if authorization is None:
            raise Unauthenticated("send a token: `Authorization: Bearer …`")
        known = self._remembered.verified(authorization)
        if known is not None:
            return known
        external = self._external
        verified = await self._verified(_bearer(authorization.decode("latin-1")))
        if external is self._external:
            self._remembered.keep(authorization, verified)
        return verified

    def left(self, verified: Verified) -> float:
        """For how many seconds a token is still good."""
        return verified.ends - self._clock()

    async def _verified(self, token: str) -> Verified:
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
        claims = self._decoded(token, key, issuer)
        ends = self._ends(claims)
        return Verified(self._mapped(claims, issuer), ends, keys, key_id, key)

    def _trusted(self, issuer: Any) -> tuple[Issuer, KeySet]:
        found = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if found is None:
            raise Unauthenticated("the token's issuer is not trusted here: see `[[identity.issuers]]`")
        return found

    def _decoded(self, token: str, key: jwt.PyJWK, issuer: Issuer) -> dict[str, Any]:
        """The claims, times apart: those are judged by our own clock."""
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=list(issuer.algorithms),
                audience=issuer.audience,
                issuer=issuer.issuer,
                options={"require": _REQUIRED, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidAudienceError:
            raise Unauthenticated("the token is for another audience") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
            raise Unauthenticated(_INVALID) from None

    def _ends(self, claims: Mapping[str, Any]) -> float:
        """When the token ends, the allowed skew included; raises Unauthenticated where that is not its time."""
        now = self._clock()
        begins = [_seconds(claims[name]) for name in ("nbf", "iat") if name in claims]
        ends = _seconds(claims["exp"]) + self._leeway
        if any(each > now + self._leeway for each in begins):
            raise Unauthenticated(_INVALID)
        if ends <= now:
            raise Unauthenticated("the token has expired: get a new one")
        return ends

    def _mapped(self, claims: Mapping[str, Any], issuer: Issuer) -> Principal:
        """Whom the claims stand for. Roles and clients that are not the issuer's to name are left out."""
        subject, names = claims.get("sub"), issuer.claims
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("the token names nobody: `sub` is missing")
        roles = frozenset(_texts(claims, names.roles))
        if issuer.roles is not None:
            roles &= {*issuer.roles}
        human, client = claims.get(names.human), claims.get(names.client)
        known = isinstance(client, str) and client and (issuer.clients is None or client in issuer.clients)
        return Principal(
            subject=issuer.prefix + subject,
            roles=roles,
            regions=tuple(_texts(claims, names.regions)),
            entities=tuple(_texts(claims, names.entities)),
            accounts=tuple(_texts(claims, names.accounts)),
            audience="external" if any(role in self._external for role in roles) else "internal",
            human=issuer.prefix + human if isinstance(human, str) else None,
            client=client if known else None,
        )


def _seconds(value: Any) -> float:
    """A time of a token; raises Unauthenticated for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Unauthenticated(_INVALID)
    try:
        seconds = float(value)
    except OverflowError:
        raise Unauthenticated(_INVALID) from None
    if not math.isfinite(seconds):
        raise Unauthenticated(_INVALID)
    return seconds


def _bearer(authorization: str) -> str:
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
