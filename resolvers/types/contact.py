"""Contact and requester."""

from __future__ import annotations

from datetime import datetime

import strawberry

from resolvers.batch import link, links
from resolvers.registry import entity
from resolvers.types import references as ref
from resolvers.types.node import Node
from sources import canonical as c

SupportAuthority = strawberry.enum(c.SupportAuthority, description="What a contact may do at the support desk.")
ContactRole = strawberry.enum(c.ContactRole, description="What a contact is for.")


@entity(c.Contact)
class Contact(Node):
    """A person at an account; owned by the CRM."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    first_name: str | None
    last_name: str | None
    name: str | None
    email: str | None
    phone: str | None
    title: str | None
    role: ContactRole | None  # type: ignore[valid-type]
    reports_to: ref.ContactRef | None = link(c.Contact, key="reports_to_key")
    support_authority: SupportAuthority | None  # type: ignore[valid-type]
    authorised_by: str | None
    authorised_until: datetime | None
    deleted: bool | None
    updated_at: datetime | None
    requesters: list[ref.RequesterRef | None] | None = links(
        c.Requester, by="contact", description="The same person at the support desk."
    )


@entity(c.Requester)
class Requester(Node):
    """A user of the support desk."""

    account: ref.AccountRef | None = link(c.Account, key="account_key")
    contact: ref.ContactRef | None = link(c.Contact, key="contact_key")
    name: str | None
    email: str | None
    role: str | None
    suspended: bool | None
    updated_at: datetime | None
