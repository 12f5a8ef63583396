"""The token of a validation: what was judged, for whom and by which rules, signed.

It is good for one subject, the person behind it, one input, one set of prices and the very rules it was judged by, and
for the minutes that these say. What may have changed meanwhile (who may be seen, hold, exposure, period, duplicates,
approvals) is judged again in any case: a token never stands for that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from policies.principal import Principal
from resolvers.validation.case import Case
from resolvers.validation.intake import Intake
from resolvers.validation.order import Order
from resolvers.validation.pricing import PricedLine
from sources.assertion import BadSeal, seal, unseal
from sources.errors import SourceError
from sources.settings import Secret

_ISSUER, _AUDIENCE = "opsgraph", "opsgraph:order"
_CLAIMS = ("iss", "aud", "sub", "human", "iat", "exp", "input", "prices", "rules", "idle")


class TokenRefused(SourceError):
    """A token that does not stand for this order: `code` says why, the message what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Vouched(msgspec.Struct, frozen=True):
    """What a good token says: when it was judged, the digest of the prices, the instant to prorate by, and which checks
    did not apply."""

    at: datetime
    prices: str
    proration_at: datetime | None = None
    idle: frozenset[str] = frozenset()


def issue(
    case: Case, principal: Principal, until: datetime, key: Secret, *, rules: str, idle: Iterable[str] = ()
) -> str:
    """A token for an order that was found valid by these `rules` (see `judge.edition_of`); `idle` are the codes of the
    checks that did not apply."""
    prorated = case.proration.date.isoformat() if case.proration is not None else None
    claims = {
        "iss": _ISSUER,
        "aud": _AUDIENCE,
        "sub": principal.subject,
        "human": principal.human,
        "iat": int(case.now.timestamp()),
        "exp": int(until.timestamp()),
        "input": digest_of(case.order),
        "prices": prices_of(case.priced),
        "rules": rules,
        "prorate": prorated,
        "idle": sorted(idle),
    }
    return seal(claims, key)


def open_token(token: str, intake: Intake, principal: Principal, rules: str, now: datetime, key: Secret) -> Vouched:
    """What a token vouches for; raises TokenRefused with `TOKEN_INVALID`, `TOKEN_EXPIRED`, `TOKEN_OTHER_SUBJECT`,
    `TOKEN_OTHER_ORDER` or `TOKEN_OTHER_RULES`. No token is for an input with mistakes: its bad lines are not in the
    order."""
    try:
        claims = unseal(token, key)
        stated = {name: claims[name] for name in _CLAIMS}
        begun, ends = _instant(stated["iat"]), _instant(stated["exp"])
        idle = frozenset(map(str, stated["idle"]))
    except (BadSeal, KeyError, TypeError, ValueError, OverflowError, OSError):
        raise TokenRefused("TOKEN_INVALID", "the token is none of ours: validate the order again") from None
    if (stated["iss"], stated["aud"]) != (_ISSUER, _AUDIENCE):
        raise TokenRefused("TOKEN_INVALID", "the token is for something else: send the one of this order's validation")
    if not begun - timedelta(minutes=1) <= now < ends:
        raise TokenRefused("TOKEN_EXPIRED", "the validation is too old: validate the order again")
    if (stated["sub"], stated["human"]) != (principal.subject, principal.human):
        raise TokenRefused("TOKEN_OTHER_SUBJECT", "somebody else validated the order: validate it for yourself")
    if intake.order is None or intake.mistaken or stated["input"] != digest_of(intake.order):
        raise TokenRefused("TOKEN_OTHER_ORDER", "another order was validated: validate this one")
    if stated["rules"] != rules:
        raise TokenRefused("TOKEN_OTHER_RULES", "the rules have changed: validate the order again")
    prorated = claims.get("prorate")
    at = datetime.fromisoformat(prorated) if prorated else None
    return Vouched(begun, str(stated["prices"]), at, idle)


def digest_of(order: Order) -> str:
    """What tells one order from every other: SHA-256 of all it says."""
    return hashlib.sha256(msgspec.json.encode(order, order="deterministic")).hexdigest()


def prices_of(lines: Sequence[PricedLine]) -> str:
    """The same of prices."""
    return hashlib.sha256(msgspec.json.encode(lines, order="deterministic")).hexdigest()


def _instant(seconds: Any) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
