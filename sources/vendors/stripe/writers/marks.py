"""What a change leaves in an object's metadata, so that people find its operation and we find whether it was done.

An idempotency key is good for a day. For longer, and where Stripe takes none, the object itself remembers its last
changes. Stripe has no lock, but merges metadata by their names: so each change has a name of its own, made of its key,
and two at once cannot take each other's away. Their values count on from one change to the next: the oldest go first.
"""

from __future__ import annotations

import hashlib

from sources.canonical.commands import Command
from sources.vendors.stripe import facts
from sources.vendors.stripe.wire import Metadata

_SIGNS = 16
KEPT = 12
"""Changes that an object remembers: metadata have fifty names, and up to thirty-eight are used for other things."""


def marks(command: Command, key: str, before: Metadata | None = None) -> dict[str, str]:
    """The metadata of an object that this change makes or (`before`: its metadata) changes; an empty value takes a
    name away."""
    known, name = _known(before), _name(key)
    number = known.pop(name, max(known.values(), default=0) + 1)
    oldest = sorted(known, key=lambda each: (known[each], each))[: max(len(known) + 1 - KEPT, 0)]
    return {
        facts.OPERATION: command.operation[: facts.METADATA_VALUE],
        facts.CORRELATION: command.correlation[: facts.METADATA_VALUE],
        facts.KEY: key[: facts.METADATA_VALUE],
        **dict.fromkeys(oldest, ""),
        name: str(number),
    }


def marked(key: str, metadata: Metadata | None) -> bool:
    """Whether the object was made or changed under this key."""
    return bool((metadata or {}).get(_name(key)))


def step(key: str, name: str = "") -> str:
    """The idempotency key of one call of a change; what is too long for Stripe is cut to what still tells it apart."""
    whole = f"{key}:{name}" if name else key
    if len(whole) <= facts.KEY_CHARACTERS:
        return whole
    return hashlib.sha256(whole.encode()).hexdigest()


def _known(metadata: Metadata | None) -> dict[str, int]:
    """The numbers of the changes that are remembered, by their names."""
    return {
        name: int(value) if value.isdecimal() else 0
        for name, value in (metadata or {}).items()
        if name.startswith(facts.KEYS) and value
    }


def _name(key: str) -> str:
    return facts.KEYS + hashlib.sha256(key.encode()).hexdigest()[:_SIGNS]
