"""Idempotency keys: the first answer is given again for a day; other parameters under one key are refused."""

from __future__ import annotations

import hashlib

import msgspec

from sources.simulation.kit import Clock
from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal
from sources.vendors.stripe.simulator.shapes import Object


class Replayed(msgspec.Struct, frozen=True):
    """The answer that a key stands for."""

    fingerprint: str
    status: int
    body: Object
    until: float


class Keys:
    """The keys of one account. While the first request is under way, a second one is told so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, Replayed] = {}
        self._under_way: set[str] = set()

    def known(self, key: str, path: str, body: bytes) -> Replayed | None:
        """The answer given before; raises the vendor's 400 for another request."""
        if len(key) > facts.KEY_CHARACTERS:
            raise Refusal(400, "Idempotency keys are at most 255 characters.", kind="idempotency_error")
        found = self._known.get(key)
        if found is None or found.until < self._clock.now().timestamp():
            return None
        if found.fingerprint != _fingerprint(path, body):
            raise Refusal(
                400,
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                kind="idempotency_error",
            )
        return found

    def begin(self, key: str) -> None:
        """Takes a key for a request; raises the vendor's 409 while another one has it."""
        if key in self._under_way:
            message = "There is currently another in-progress request using this idempotency key."
            raise Refusal(409, message, code="idempotency_key_in_use", kind="idempotency_error")
        self._under_way.add(key)

    def end(self, key: str) -> None:
        """The request that had the key is over."""
        self._under_way.discard(key)

    def remember(self, key: str, path: str, body: bytes, status: int, answer: Object) -> None:
        """Keeps an answer for a day."""
        until = self._clock.now().timestamp() + facts.KEY_LIFE
        self._known[key] = Replayed(_fingerprint(path, body), status, answer, until)


def _fingerprint(path: str, body: bytes) -> str:
    return hashlib.sha256(path.encode() + b"\0" + body).hexdigest()
