"""Plans: those that are remembered, bounded in number and in what they take."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from gateway.engine.documents import Limits
from gateway.engine.plan import Plan

_FIELD = 1024  # bytes that a planned field with what was compiled for it takes, about


class Plans:
    """By document, operation, roles, rules and flags; the least recently used goes."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.plans: OrderedDict[Hashable, Plan] = OrderedDict()
        self.planned = 0  # fields

    def __len__(self) -> int:
        return len(self.plans)

    def get(self, key: Hashable) -> Plan | None:
        """The plan of a key, if it is remembered."""
        plan = self.plans.get(key)
        if plan is not None:
            self.plans.move_to_end(key)
        return plan

    def keep(self, key: Hashable, plan: Plan) -> None:
        """Remembers a plan."""
        self.plans[key] = plan
        self.count(plan)

    def count(self, plan: Plan) -> None:
        """Counts a plan anew. It grows while it runs: selections are made when a value of their type is first met."""
        self.planned += plan.size - plan.counted
        plan.counted = plan.size
        while len(self.plans) > self._limits.remembered or self.planned * _FIELD > self._limits.remembered_bytes:
            _, gone = self.plans.popitem(last=False)
            self.planned -= gone.counted
            gone.counted = 0
