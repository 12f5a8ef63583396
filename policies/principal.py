"""Who asks, as far as rules care."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `human` is the person a service acts for (`onBehalfOf`); `audience` internal or external;
    `client` the program that asks."""

    subject: str
    roles: frozenset[str] = frozenset()
    regions: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    audience: str = "internal"
    human: str | None = None
    purposes: tuple[str, ...] = ()
    claims: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)  # the rest of the token
    client: str | None = None

    @property
    def person(self) -> str:
        """Who asks, as persons are compared: whoever stands behind a service, in one spelling."""
        return person(self.subject, self.human)


def person(subject: str, human: str | None) -> str:
    """The human behind a caller, in the one spelling that is compared; empty if nobody is named."""
    return (subject if human is None else human).strip().casefold()
