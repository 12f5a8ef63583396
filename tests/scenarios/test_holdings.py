"""What the systems are said to hold: all of it, whoever changed it, and copies of what it was."""

import pytest

from sources.simulation.kit import Holdings
from tests.scenarios.holdings import Changes
from tests.scenarios.town import Town

KINDS = {
    "crm": {"Account", "Contract", "Entitlement", "Opportunity", "Order", "OrderItem"},
    "billing": {"customer", "subscription", "subscription_item", "invoice", "credit_note", "payment_intent", "refund"},
    "erp": {"customer", "salesOrder", "invoice", "creditMemo", "customerPayment", "revenueplan"},
    "support": {"organization", "user", "ticket", "group"},
}


@pytest.mark.parametrize("source", KINDS)
def test_every_system_tells_all_that_it_holds(systems: Town, source: str) -> None:
    held = systems.holdings()[source]
    assert {kind for kind in KINDS[source] if not held.get(kind)} == set()
    assert all(record for records in held.values() for record in records.values())


def test_what_nobody_touches_is_no_change_and_what_somebody_changed_is_told_with_its_field(systems: Town) -> None:
    before = systems.holdings()
    assert systems.changes(before).told == {}
    [party, *_] = before["erp"]["customer"]
    was = before["erp"]["customer"][party]["creditholdoverride"]
    systems.hold(party, on=True)
    changed = systems.changes(before)
    assert changed.told == {"erp": {"customer.changed": 1}}
    assert (changed.one("erp", "customer.changed").key, changed.one("erp", "customer.changed").fields) == (
        party, {"creditholdoverride": "ON"},
    )  # fmt: skip
    assert before["erp"]["customer"][party]["creditholdoverride"] == was != "ON"
    systems.hold(party, on=False)


def test_parts_belong_to_their_record_and_what_went_is_told(systems: Town) -> None:
    held = systems.holdings()
    [ticket, *_] = held["support"]["ticket"].values()
    [posted, *_] = held["erp"]["invoice"].values()
    [issued, *_] = held["billing"]["invoice"].values()
    assert ticket["comments"]
    assert posted["transactionline"]
    assert posted["transactionaccountingline"]
    assert issued["lines"]
    nothing: dict[str, Holdings] = {source: {} for source in held}
    assert Changes(held, nothing).told["support"]["ticket.removed"] == len(held["support"]["ticket"])
    assert Changes(nothing, held).told["erp"]["invoice.added"] == len(held["erp"]["invoice"])
