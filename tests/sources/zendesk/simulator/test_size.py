"""A large desk opens at once and searches by index."""

import time

import pytest

from sources.vendors.zendesk.simulator import create_simulator
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.search import find, parse
from sources.vendors.zendesk.simulator.shapes import integration
from tests.sources.zendesk.simulator.book import NOW, enterprise, organization, ticket, user


def book(accounts: int) -> dict[str, object]:
    return {
        "organizations": tuple(
            organization(key, f"Company {key}", domains=(f"c{key}.example",)) for key in range(accounts)
        ),
        "users": tuple(user(key, f"Person {key}", organization_id=key) for key in range(accounts)),
        "tickets": tuple(ticket(key, organization_id=key % accounts) for key in range(accounts * 4)),
    }


@pytest.mark.slow
def test_five_hundred_accounts_load_within_a_second() -> None:
    made = enterprise(**book(500))
    started = time.process_time()
    create_simulator(made)
    assert time.process_time() - started < 1


@pytest.mark.slow
def test_a_search_by_organization_or_domain_looks_at_few_of_twenty_thousand_accounts() -> None:
    desk = Desk(enterprise(**book(20_000)).support, integration(NOW, "agent@desk.example"))
    find(desk, parse("type:organization company"), NOW)  # the words are collected once
    started = time.process_time()
    for key in range(100):
        assert len(find(desk, parse(f"type:ticket organization:{key} status<solved"), NOW)) == 4
        assert len(find(desk, parse(f'type:organization "c{key}.example"'), NOW)) == 1
    assert time.process_time() - started < 1
