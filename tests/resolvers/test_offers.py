"""Nothing is offered that an owner would refuse: filters, orders and their directions. `tests/integration/test_offers.py`
asks the connectors for every combination."""

import pytest
from graphql import GraphQLField

from resolvers.batch import Link
from sources.ports import Capability, Order
from tests.resolvers.offers import CONNECTIONS, answers, filters_of, orders_of


def refuses(able: Capability, order: Order) -> bool:
    return order.field not in able.orders or (not order.descending and order.field in able.descending_only)


@pytest.mark.parametrize(("name", "field", "link"), CONNECTIONS, ids=[name for name, _, _ in CONNECTIONS])
def test_only_what_every_owner_can_filter_and_order_by_is_offered(name: str, field: GraphQLField, link: Link) -> None:
    for able in answers(link.target, link.by):
        refused = [each for each in filters_of(field) if each.op not in able.filters.get(each.field, ())]
        assert not refused, f"{name} cannot be filtered by {refused}"
        wrong = [each for each in orders_of(field, link) if refuses(able, each)]
        assert not wrong, f"{name} cannot be ordered by {wrong}"


def test_the_lists_that_have_one_direction_only_say_so() -> None:
    one_way = {
        f"{link.target.__name__} by {link.by}"
        for _, _, link in CONNECTIONS
        for able in answers(link.target, link.by)
        if able.descending_only
    }
    assert one_way == {"AccountSubscription by list", "Invoice by list", "Operation by list"}
    assert refuses(Capability(orders=("created_at",), descending_only=("created_at",)), Order("created_at"))
