"""Which command is done by what, and whose facts it changes."""

from __future__ import annotations

from collections.abc import Mapping

from sources import canonical as c
from sources.canonical import Record
from sources.canonical import commands as k
from sources.canonical.commands import Command
from sources.deeds import Deeds, Way
from sources.vendors.salesforce.client import Client
from sources.vendors.salesforce.settings import SalesforceSettings
from sources.vendors.salesforce.writers.cases import Cases
from sources.vendors.salesforce.writers.orders import Orders
from sources.vendors.salesforce.writers.org import Org
from sources.vendors.salesforce.writers.sales import Sales

TOUCHES: Mapping[type[Command], tuple[type[Record], ...]] = {
    k.PutAccount: (c.Account,),
    k.PutOrder: (c.Order,),
    k.ActivateOrder: (c.Order,),
    k.CancelOrder: (c.Order,),
    k.ReduceOrder: (c.Order,),
    k.ChangeOpportunity: (c.Renewal,),
    k.SetContract: (c.SubscriptionContract,),
    k.GrantRight: (c.Entitlement,),
    k.LinkRight: (c.Entitlement,),
    k.DropRight: (c.Entitlement,),
    k.EndRight: (c.Entitlement,),
    k.PutOrganization: (c.SupportOrganization,),
    k.OpenCase: (c.Case, c.CaseMirror, c.Sla),
    k.EscalateCase: (c.Case, c.CaseMirror, c.Sla),
}
"""The records that a command makes or changes: what is remembered of them is old once it is done."""

COMMANDS = frozenset(TOUCHES)


class Writers(Deeds):
    """Changes of one org. What is new is refused by the key that made it before, so that nothing is read first."""

    def __init__(self, source: str, client: Client, settings: SalesforceSettings) -> None:
        org = Org(source, client, settings.api_version)
        orders, sales, cases = Orders(org, settings), Sales(org, settings), Cases(org)
        ways: dict[type[Command], Way] = {
            k.PutAccount: Way(sales.put_account, sales.found_account),
            k.PutOrder: Way(orders.put, orders.found_draft, orders.begun_draft),
            k.ActivateOrder: Way(orders.activate, orders.altered),
            k.CancelOrder: Way(orders.cancel, orders.altered),
            k.ReduceOrder: Way(orders.reduce, orders.found_reduction, orders.begun_reduction),
            k.ChangeOpportunity: Way(sales.change_opportunity, sales.found_opportunity),
            k.SetContract: Way(sales.set_contract, sales.found_contract),
            k.GrantRight: Way(sales.grant, sales.found_right),
            k.LinkRight: Way(sales.link, sales.found_link),
            k.DropRight: Way(sales.drop, sales.found_drop),
            k.EndRight: Way(sales.end, sales.found_end),
            k.PutOrganization: Way(cases.party, cases.party),
            k.OpenCase: Way(cases.open, cases.found_opened),
            k.EscalateCase: Way(cases.escalate, cases.found_escalated),
        }
        super().__init__(source, ways)
