"""Failing: what a stream that broke off is ended with. An answer's own errors are in the answer; these are none's."""

from __future__ import annotations

import logging

from gateway.http.admission import Shed
from gateway.http.streams.ends import EXPIRED, FAILED, SLOW, End
from gateway.identity.verify import Unauthenticated
from policies.purposes import PurposeRefused
from sources.feed import LeftBehind
from sources.store.errors import StoreError

_log = logging.getLogger("opsgraph.http")


def end_of(error: Exception, correlation_id: str) -> End:
    """Why a stream ends whose answers ended with an error."""
    if isinstance(error, LeftBehind):
        return SLOW
    if isinstance(error, Unauthenticated):
        return EXPIRED
    if isinstance(error, PurposeRefused):
        return End("purpose", 4403, str(error), error.code)
    if isinstance(error, StoreError):
        return End("store", 1013, str(error), error.code, retryable=True)
    if isinstance(error, Shed):
        return End("shed", 1013, str(error), "OVERLOADED", retryable=True)
    _log.error("a stream failed", exc_info=error, extra={"correlation_id": correlation_id})
    return FAILED
