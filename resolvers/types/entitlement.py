"""Entitlement: a right, whoever grants it."""

from __future__ import annotations

from datetime import date, datetime

import strawberry

from resolvers.batch import derived, link, links
from resolvers.registry import entity, value
from resolvers.types import references as ref
from resolvers.types.node import Node
from resolvers.types.scalars import Evidenced, status
from sources import canonical as c

EntitlementStatus = strawberry.enum(c.EntitlementStatus, description="What the granting system says of a right.")
Coverage = strawberry.enum(c.Coverage, description="Whom a right covers.")


@value
class Pack:
    """A right that is used up."""

    total: int | None
    remaining: int | None
    reserved: int | None


@entity(c.Entitlement)
class Entitlement(Node):
    """A right to a feature (billing) or to support (CRM)."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    name: str | None
    feature: str | None
    support_tier: str | None
    status: Evidenced[EntitlementStatus] | None = derived(status)  # type: ignore[valid-type]
    coverage: Coverage | None  # type: ignore[valid-type]
    covers: list[ref.AccountRef | None] | None = links(c.Account, by="key", key="covers")
    starts_on: date | None
    ends_on: date | None = strawberry.field(description="The last day, inclusive.")
    time_zone: str | None
    grace_until: datetime | None
    pack: Pack | None
    subscription: ref.AccountSubscriptionRef | None = link(c.AccountSubscription, key="subscription_key")
    contract: ref.SubscriptionContractRef | None = link(c.SubscriptionContract, key="contract_key")
