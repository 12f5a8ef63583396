"""Customers: one for each account, entity and currency, whoever asks for it."""

from typing import Any

import pytest

from sources.canonical import BillingCustomer
from sources.canonical.commands import PutCustomer
from sources.errors import Ambiguous, Rejected
from tests.sources.stripe.commands_of import OP
from tests.sources.stripe.writing import ACCOUNT, BUYER, OTHER, Billing


class TestCustomers:
    def new(self, **changes: Any) -> PutCustomer:
        given_: dict[str, Any] = {"account_key": "001New", "name": "New", "currency": "EUR", "legal_entity": "DE", **OP}
        return PutCustomer(**given_ | changes)

    def test_a_new_one_is_seen_with_what_was_said_of_it(self, account: Billing) -> None:
        key = account.do(self.new(email="new@new.example", address={"street": "Weg 1", "country": "DE"})).key
        [found] = account.read(BillingCustomer, "key", key)
        assert (found.account_key, found.name, found.email, found.legal_entity) == (
            "001New", "New", "new@new.example", "DE",
        )  # fmt: skip
        assert account.raw(f"customers/{key}")["address"]["line1"] == "Weg 1"

    def test_operations_at_once_get_one_customer_though_no_search_has_found_it_yet(self, account: Billing) -> None:
        account.lag(3_600)
        keys = {account.do(self.new(operation=f"op{n}"), f"op{n}:customer").key for n in range(5)}
        assert (len(keys), account.kinds()["customer.create"]) == (1, 1)

    def test_another_entity_or_currency_is_another_customer(self, account: Billing) -> None:
        first = account.do(self.new(), "a").key
        dollars = account.do(self.new(currency="USD"), "b").key
        american = account.do(self.new(legal_entity="US"), "c").key
        assert len({first, dollars, american}) == 3
        assert account.do(self.new(name="Newer"), "d").key == first

    def test_the_customer_of_another_account_is_not_taken(self, account: Billing) -> None:
        with pytest.raises(Ambiguous):
            account.do(self.new(party=OTHER))
        assert account.raw(f"customers/{OTHER}")["name"] == "Buyer"

    def test_a_customer_of_another_currency_is_refused(self, account: Billing) -> None:
        with pytest.raises(Rejected, match="currency"):
            account.do(self.new(account_key=ACCOUNT, party=BUYER, legal_entity="US"))

    def test_two_that_fit_have_to_be_told_apart(self, account: Billing) -> None:
        for _ in range(2):
            account.change("customers", **{"metadata[crm_account_id]": "001Twice"})
        with pytest.raises(Ambiguous, match="say which one"):
            account.do(self.new(account_key="001Twice"))

    def test_an_address_has_known_parts_only(self, account: Billing) -> None:
        with pytest.raises(Rejected, match="`planet`"):
            account.do(self.new(address={"planet": "Mars"}))
