"""What a support desk can be told to do."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sources.canonical.account import SupportOrganization
from sources.canonical.commands.command import Command
from sources.canonical.record import Record
from sources.canonical.support import Case, Priority


class PutOrganization(Command, frozen=True, kw_only=True):
    """The organization of an account, found by the account's key or made."""

    target: ClassVar[type[Record]] = SupportOrganization

    account_key: str
    name: str
    plan: str | None = None


class SetSupportPlan(Command, frozen=True, kw_only=True):
    """Which plan an organization has (None: none any more): the desk's targets follow from it at each case's next
    change."""

    target: ClassVar[type[Record]] = SupportOrganization

    party: str
    plan: str | None


class OpenCase(Command, frozen=True, kw_only=True):
    """A new case; `requester` is the desk's own id of a person."""

    target: ClassVar[type[Record]] = Case

    party: str
    requester: str | None = None
    subject: str
    body: str
    priority: Priority
    kind: str | None = None


class EscalateCase(Command, frozen=True, kw_only=True):
    """Raises a case; refused (Contended) where it has changed since `expected_updated_at`. `note` is internal."""

    target: ClassVar[type[Record]] = Case

    case_key: str
    priority: Priority
    expected_updated_at: datetime | None = None
    note: str | None = None
    group: str | None = None


class TouchCases(Command, frozen=True, kw_only=True):
    """Makes the desk reckon the targets of open cases anew."""

    target: ClassVar[type[Record]] = Case

    case_keys: tuple[str, ...]
    note: str
