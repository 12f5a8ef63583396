"""The answer to the support agent's question."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers.batch import link
from resolvers.entitlement import model
from resolvers.registry import value
from resolvers.types import references as ref
from resolvers.types.scalars import Long, Served
from sources import canonical as c

Intent = strawberry.enum(model.Intent, description="What the customer wants.")
EntitlementDecision = strawberry.enum(model.Verdict, description="The decision, best first.")
Severity = strawberry.enum(model.Severity, description="How bad it is for the customer.")


@value
class DecisionEvidence:
    """One fact that was looked at, and how old it is."""

    fact: str | None
    source: str | None
    key: str | None
    as_of: datetime | None
    served: Served | None  # type: ignore[valid-type]
    age_ms: Long | None


@value
class EntitlementCheck:
    """A decision with its reasons and evidence. It reads, it never consumes."""

    decision: EntitlementDecision | None  # type: ignore[valid-type]
    reasons: list[str | None] | None = strawberry.field(description="Stable codes, the deciding one first.")
    rule: int | None = strawberry.field(description="The row of the decision table.")
    version: str | None = strawberry.field(description="The version of the rules.")
    tier: str | None
    support_plan: ref.SupportPlanRef | None = link(c.SupportPlan, key="tier", description="What the tier promises.")
    covered_by: ref.AccountRef | None = link(
        c.Account, key="covered_by", description="Whose right it is: the account itself or one above it."
    )
    inherited: bool | None
    remaining: int | None = strawberry.field(description="What is left of a pack.")
    grace_until: datetime | None
    time_zone: str | None = strawberry.field(description="The zone in which the right's days were counted.")
    standing: str | None = strawberry.field(description="GOOD, DELINQUENT, CREDIT_HOLD or UNKNOWN; never an amount.")
    evidence: list[DecisionEvidence | None] | None
    served: Served | None = strawberry.field(  # type: ignore[valid-type]
        description="STALE where the decision rests on facts past their time, FALLBACK where rule 14 stood in for one."
    )
    fallback_rule: str | None = strawberry.field(description="Set where a source could not be asked.")
    owner: str | None = strawberry.field(description="Who to refer to.")
    valid_until: datetime | None
    case: ref.CaseRef | None = link(c.Case, key="case_key")
