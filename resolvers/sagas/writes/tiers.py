"""Which support tier is the better one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sources import canonical as c


def ranks(plans: Iterable[c.SupportPlan]) -> Mapping[str, int]:
    """Tier -> its rank among the desk's plans, from 1 for the lowest. The desk uses the first plan that fits, so that
    the best ones come first; a plan without a place has no rank."""
    placed = [(plan.position, plan.key) for plan in plans if plan.position is not None]
    return {key: rank for rank, (_, key) in enumerate(sorted(placed, reverse=True), 1)}
