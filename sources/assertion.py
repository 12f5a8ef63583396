"""Signs the assertions with which we ask vendors for tokens; verifying tokens is the gateway's."""

from __future__ import annotations

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
