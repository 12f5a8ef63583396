"""Signs what we vouch for: assertions with which we ask vendors for tokens, and seals of our own.

Verifying the tokens of callers is the gateway's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import jwt

from sources.errors import Unauthorised
from sources.settings import Secret


def sign(claims: Mapping[str, Any], key: Secret, algorithm: str, key_id: str | None = None) -> str:
    """A signed JWT of `claims`; `key` is a PEM private key. Raises Unauthorised with a reason a person can act on."""
    headers = {"kid": key_id} if key_id else None
    try:
        return jwt.encode(dict(claims), key.reveal(), algorithm=algorithm, headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise Unauthorised(
            f"the private key cannot sign with `{algorithm}`: check that it is a PEM key of that kind"
        ) from error


class BadSeal(ValueError):
    """A sealed text that was not made with this key, or was changed since."""


def seal(claims: Mapping[str, Any], key: Secret) -> str:
    """Claims as a text that only holders of the key can make (JWT, HS256); everybody can read them."""
    return jwt.encode(dict(claims), _of_length(key), algorithm=_SEALED)


def unseal(text: str, key: Secret) -> dict[str, Any]:
    """The claims again, whatever they say of times and receivers: that is for who asked for the seal. Raises
    BadSeal."""
    try:
        claims: dict[str, Any] = jwt.decode(text, _of_length(key), algorithms=[_SEALED], options=_UNJUDGED)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise BadSeal("the text was not sealed with this key") from error
    return claims


def _of_length(key: Secret) -> bytes:
    """Whatever length a key has, the algorithm wants 32 bytes, and nobody else is to use the same ones."""
    return hashlib.sha256(b"opsgraph seal\0" + key.reveal().encode()).digest()


_SEALED = "HS256"
_UNJUDGED: Any = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False)
