"""What NetSuite allows an account: so many requests at once, over REST, SOAP and scripts, whoever sends them."""

from __future__ import annotations

from sources.hints import account
from sources.ports import Allowance
from sources.vendors.netsuite.settings import NetSuiteSettings


def allowance(settings: NetSuiteSettings) -> Allowance:
    """The part of the account's limit that all our processes share; the rest is left to the company's other programs.

    No answer tells the limit, and it has no rate: 5 at once on the smallest tier, 20 on the largest.
    """
    return Allowance(account(settings.url), concurrent=settings.concurrency)
