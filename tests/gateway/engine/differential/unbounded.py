"""Limits that nothing passes: what documents cost is not what is compared."""

from gateway.settings import Limits

_MUCH = 10**6
UNBOUNDED = Limits(
    characters=_MUCH,
    tokens=_MUCH,
    depth=_MUCH,
    fields=_MUCH,
    aliases=_MUCH,
    roots=_MUCH,
    directives=_MUCH,
    introspections=_MUCH,
    cost=_MUCH**2,
    warn_only=("cost",),
)
