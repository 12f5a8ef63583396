"""Commands as short as a test needs them."""

from datetime import date
from decimal import Decimal
from typing import Any

from resolvers.sagas.writes.issue_credit import IssueCredit
from resolvers.sagas.writes.open_case import OpenCase
from resolvers.sagas.writes.order import SubmitOrder
from resolvers.sagas.writes.order_terms import OrderedLine
from sources import canonical as c


def order(**given: Any) -> SubmitOrder:
    """A year of ten seats at the list price of 100.00 a month."""
    line = OrderedLine(product="SEAT", price="price_1", quantity=Decimal(10), unit_price=Decimal("100.00"))
    standing: dict[str, Any] = {
        "account": "A-1",
        "legal_entity": "US",
        "currency": "USD",
        "lines": (line,),
        "start_on": date(2026, 11, 21),
        "end_on": date(2027, 11, 20),
        "support_tier": "premium",
    }
    return SubmitOrder(**standing | given)


def credit(amount: str = "50.00", **given: Any) -> IssueCredit:
    standing: dict[str, Any] = {
        "invoice": "in_1",
        "amount": Decimal(amount),
        "currency": "USD",
        "reason": c.CreditReason.GOODWILL,
    }
    return IssueCredit(**standing | given)


def case(**given: Any) -> OpenCase:
    standing: dict[str, Any] = {"account": "A-1", "subject": "it is down", "body": "since noon"}
    return OpenCase(**standing | given)
