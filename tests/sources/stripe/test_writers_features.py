"""Features that come with a product: who subscribes to it afterwards has the right, and nobody gets a feature twice."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
import stripe
from msgspec.structs import replace

from sources.canonical import Entitlement
from sources.canonical.commands import OfferFeature
from sources.errors import Locked, Missing, Rejected
from sources.vendors.stripe.simulator import DEVELOPMENT
from tests.sources.stripe.commands_of import OP, released
from tests.sources.stripe.writing import BUYER, Billing

OFFER = OfferFeature(product_key="prod_seat", feature="sso", name="Single sign-on", **OP)


def features(account: Billing) -> list[Any]:
    """What the product comes with."""
    return [each["entitlement_feature"] for each in account.raw("products/prod_seat/features")["data"]]


def active(account: Billing) -> list[str]:
    found = account.raw("entitlements/active_entitlements", customer=BUYER)["data"]
    return [each["lookup_key"] for each in found]


def test_who_subscribes_to_the_product_has_the_right_and_our_own_reader_shows_it(account: Billing) -> None:
    written = account.do(OFFER)
    [found] = features(account)
    assert (found["id"], found["lookup_key"], found["name"]) == (written.key, "sso", "Single sign-on")
    assert (found["metadata"]["gateway_op_id"], found["metadata"]["gateway_correlation"]) == ("op", "req-1")
    assert active(account) == []
    released(account)
    assert active(account) == ["sso"]
    rights = account.read(Entitlement, "account", BUYER)
    assert [(each.feature, each.source_account_id) for each in rights] == [("sso", BUYER)]


def test_who_has_subscribed_already_has_it_from_his_next_period_on(account: Billing) -> None:
    released(account)
    account.do(OFFER)
    assert active(account) == []
    account.clock.advance(timedelta(days=31).total_seconds())
    assert active(account) == ["sso"]


def test_a_feature_that_is_there_is_taken_and_named_anew(account: Billing) -> None:
    there = account.change("entitlements/features", lookup_key="sso", name="SSO")
    assert account.do(OFFER).key == there["id"]
    assert [each["name"] for each in features(account)] == ["Single sign-on"]
    assert account.kinds()["feature.create"] == 1, "by somebody else"


def test_what_is_offered_already_is_left_alone(account: Billing) -> None:
    first = account.do(OFFER, "a")
    effects = account.kinds()
    again = account.do(OFFER, "b")
    assert (again.key, again.replayed, account.kinds()) == (first.key, True, effects)


def test_several_at_once_under_keys_of_their_own_offer_it_once(account: Billing) -> None:
    async def together() -> list[str]:
        done = await asyncio.gather(*(account.connector.do(OFFER, f"op{each}:feature") for each in range(4)))
        return [each.key for each in done]

    keys = account.run(together())
    assert len(set(keys)) == 1
    assert (len(features(account)), account.kinds()["feature.create"]) == (1, 1)


def test_a_late_repetition_does_not_offer_what_was_taken_away_since(account: Billing) -> None:
    account.do(OFFER)
    [offered] = account.raw("products/prod_seat/features")["data"]
    account.remove(f"products/prod_seat/features/{offered['id']}")
    account.clock.advance(3 * 86_400)
    assert account.do(OFFER).replayed
    assert features(account) == []
    account.do(OFFER, "op2:feature")
    assert len(features(account)) == 1


def test_a_feature_in_the_archive_does_not_come_back_and_its_key_is_free_again(account: Billing) -> None:
    old = account.do(OFFER).key
    account.change(f"entitlements/features/{old}", active="false")
    with pytest.raises(Locked, match="archive"):
        account.do(OFFER, "op2:feature")
    account.clock.advance(3 * 86_400)
    assert account.do(OFFER, "op3:feature").key != old


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"product_key": "prod_none"}, Missing),
        ({"product_key": "no id"}, Missing),
        ({"feature": "x" * 81}, Rejected),
        ({"feature": ""}, Rejected),
        ({"name": "x" * 81}, Rejected),
    ],
)
def test_what_cannot_be_offered_leaves_nothing(account: Billing, given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        account.do(replace(OFFER, **given))
    assert account.kinds() == {}


@pytest.mark.live
def test_the_published_client_reads_what_comes_with_the_product(account: Billing) -> None:
    client = stripe.StripeClient(DEVELOPMENT.key, base_addresses={"api": account.url}, max_network_retries=0)
    written = account.do(OFFER)
    released(account)
    [feature] = client.v1.entitlements.features.list({"lookup_key": "sso"}).data
    assert (feature["id"], feature["name"], feature["active"]) == (written.key, "Single sign-on", True)
    [offered] = client.v1.products.features.list("prod_seat").data
    assert offered["entitlement_feature"]["id"] == written.key
    assert client.v1.products.features.retrieve("prod_seat", offered["id"])["id"] == offered["id"]
    [right] = client.v1.entitlements.active_entitlements.list({"customer": BUYER}).data
    assert right["lookup_key"] == "sso"
