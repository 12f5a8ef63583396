"""The company that a source reads and writes: its code, currency and country, read once."""

from __future__ import annotations

from sources.errors import Rejected
from sources.ports import Report
from sources.vendors.tryton.client import Client
from sources.vendors.tryton.mapping import Origin, code_of
from sources.vendors.tryton.masters import country, entity_code
from sources.vendors.tryton.shapes import ENTITY
from sources.vendors.tryton.wire import Company


class Books:
    """What does not change while a company is in use."""

    def __init__(self, source: str, client: Client) -> None:
        self._source, self._client = source, client
        self._company: Company | None = None

    async def company(self, report: Report | None = None) -> Company:
        """The company of the settings; raises Rejected where the user does not see it."""
        if self._company is None:
            number = self._client.settings.company
            found = await self._client.search(
                Company, ENTITY.model, ENTITY.domain(number), ENTITY.fields, limit=1, report=report
            )
            if not found:
                message = f"has no company {number} for our user: check `company`, and the user's companies"
                raise Rejected(f"`{self._source}` {message}", source=self._source)
            self._company = found[0]
        return self._company

    async def origin(self, report: Report | None = None) -> Origin:
        """Where and when rows are read."""
        company = await self.company(report)
        currency = code_of(company.currency, "company.currency")
        return Origin(self._source, self._client.now(), entity_code(company), currency, country(company))
