"""Contact, and what the support desk knows of the same person."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sources.canonical.record import Owned


class SupportAuthority(StrEnum):
    """What a contact may do at the support desk in the name of the account; each includes the ones before it."""

    NONE = "NONE"
    VIEW = "VIEW"
    OPEN = "OPEN"
    ESCALATE = "ESCALATE"
    ADMIN = "ADMIN"


class ContactRole(StrEnum):
    """What a contact is for, as far as policies care."""

    BUSINESS = "BUSINESS"
    BILLING = "BILLING"
    TECHNICAL = "TECHNICAL"
    SHIPPING = "SHIPPING"


class Contact(Owned, frozen=True, gc=False, kw_only=True):
    """A person at an account; key = the CRM's contact id. Owner: CRM."""

    first_name: str | None = None
    last_name: str | None = None
    name: str
    email: str | None = None  # lower case
    phone: str | None = None
    title: str | None = None
    role: ContactRole = ContactRole.BUSINESS
    reports_to_key: str | None = None
    support_authority: SupportAuthority = SupportAuthority.NONE
    authorised_by: str | None = None
    authorised_until: datetime | None = None
    deleted: bool = False
    updated_at: datetime | None = None


class Requester(Owned, frozen=True, gc=False, kw_only=True):
    """The support desk's user; key = its user id. Facet of Contact, owner: support. `contact_key` = its external id."""

    name: str
    email: str | None = None
    contact_key: str | None = None
    role: str | None = None  # end-user, agent, admin
    suspended: bool = False
    updated_at: datetime | None = None
