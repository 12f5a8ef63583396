"""A large desk opens in a time that grows with its size, and searches by index."""

import pytest

from sources.vendors.zendesk.simulator import create_simulator
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.search import find, parse
from sources.vendors.zendesk.simulator.shapes import integration
from tests.growth import growth
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
def test_ten_times_the_accounts_take_ten_times_the_work() -> None:
    made = {size: enterprise(**book(size)) for size in (200, 2_000)}
    assert growth(lambda size: create_simulator(made[size]), 200, 2_000) < 30


@pytest.mark.slow
def test_a_search_by_organization_or_domain_takes_no_longer_at_a_hundred_times_the_accounts() -> None:
    desks = {
        size: Desk(enterprise(**book(size)).support, integration(NOW, "agent@desk.example")) for size in (200, 20_000)
    }
    for desk in desks.values():
        find(desk, parse("type:organization company"), NOW)  # the words are collected once

    def search(size: int) -> None:
        for key in range(100):
            assert len(find(desks[size], parse(f"type:ticket organization:{key} status<solved"), NOW)) == 4
            assert len(find(desks[size], parse(f'type:organization "c{key}.example"'), NOW)) == 1

    assert growth(search, 200, 20_000) < 10
