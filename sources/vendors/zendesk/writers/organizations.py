"""Organizations: found by the account or made, and the plan they have.

An organization knows neither keys nor audits: the keys of its last changes stand in a field of it, so that a change
that is repeated late, after somebody else's, is not done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sources.canonical.commands import PutOrganization, SetSupportPlan, Written
from sources.deeds import keys_of, with_key
from sources.errors import Ambiguous, Duplicate, Missing
from sources.ports import Effect
from sources.vendors.zendesk import facts, wire
from sources.vendors.zendesk.writers.deed import C, Deed

_SHOWN = "/organizations/show_many.json"


class OrganizationDeed(Deed[C]):
    """What both have in common: one organization, its fields, its keys."""

    known: wire.Organization | None = None

    async def read(self, by: str, value: str) -> wire.Organization | None:
        """The organization by `ids` or `external_ids`."""
        page = await self.desk.look(_SHOWN, wire.Organizations, "organizations.show_many", {by: value})
        name = "external_id" if by == "external_ids" else "id"
        self.known = next((each for each in page.value.organizations if str(getattr(each, name)) == value), None)
        return self.known

    def keys(self) -> list[str]:
        """The keys of the last changes, the newest first."""
        return keys_of(self._fields().get(facts.KEYS_FIELD))

    def plan(self) -> str | None:
        """The plan it has."""
        value = self._fields().get(facts.PLAN_FIELD)
        return value if isinstance(value, str) and value else None

    def _fields(self) -> Mapping[str, Any]:
        return (self.known.organization_fields if self.known else None) or {}

    def fields(self, plan: str | None) -> dict[str, str]:
        """The fields to write."""
        kept = with_key(self._fields().get(facts.KEYS_FIELD), self.key, facts.KEYS_KEPT)
        own = {facts.OPERATION_FIELD: self.command.operation, facts.KEYS_FIELD: kept}
        return own if plan is None else {facts.PLAN_FIELD: plan, **own}

    async def write(self, method: str, path: str, operation: str, **organization: Any) -> Written:
        """Sends it."""
        sent = await self.desk.client.exchange(
            method,
            path,
            wire.OneOrganization,
            operation,
            effect=Effect.UPSERT,
            body={"organization": organization},
        )
        made = sent.value.organization
        return self.desk.written(made.id, made.updated_at, sent.headers)

    def replayed(self, known: wire.Organization) -> Written:
        """There is nothing to do."""
        return self.desk.written(known.id, known.updated_at, replayed=True)


class PuttingOrganization(OrganizationDeed[PutOrganization]):
    """Found by the account's key: then its name stays as the desk has it, and it gets the plan. Else it is made."""

    async def found(self) -> Written | None:
        """The organization, if it is there and has the plan, or had it by this key."""
        known = await self.read("external_ids", self.command.account_key)
        wanted = self.command.plan
        if known is None or not (self.key in self.keys() or wanted is None or self.plan() == wanted):
            return None
        return self.replayed(known)

    async def done(self) -> Written:
        """Makes it, or gives it the plan. Raises Ambiguous where its name is taken by one that is no account's."""
        if self.known is not None:
            place, given = f"/organizations/{self.known.id}.json", self.fields(self.command.plan)
            return await self.write("PUT", place, "organizations.update", organization_fields=given)
        command, given = self.command, self.fields(self.command.plan)
        place, operation = "/organizations/create_or_update.json", "organizations.create_or_update"
        try:
            return await self.write(
                "POST",
                place,
                operation,
                external_id=command.account_key,
                name=command.name,
                organization_fields=given,
            )
        except Duplicate as error:
            if (known := await self.found()) is not None:
                return known
            raise Ambiguous(
                f"`{self.desk.name}` has another organization of the name `{command.name}`: give it the external id "
                f"`{command.account_key}` if it is the account's, or another name",
                source=self.desk.name,
                status=error.status,
                vendor_code=error.vendor_code,
            ) from error


class SettingPlan(OrganizationDeed[SetSupportPlan]):
    """The desk's targets follow from the plan at each case's next change."""

    async def found(self) -> Written | None:
        """The organization, if it has the plan, or had it by this key. Raises Missing where there is none."""
        party = str(self.desk.number(self.command.party, "organization"))
        known = await self.read("ids", party)
        if known is None:
            raise Missing(f"`{self.desk.name}` has no organization `{party}`", source=self.desk.name)
        return self.replayed(known) if self.key in self.keys() or self.plan() == self.command.plan else None

    async def done(self) -> Written:
        """Sets it; no plan is a field that is empty."""
        place = f"/organizations/{self.desk.number(self.command.party, 'organization')}.json"
        given = {facts.PLAN_FIELD: self.command.plan, **self.fields(None)}
        return await self.write("PUT", place, "organizations.update", organization_fields=given)
