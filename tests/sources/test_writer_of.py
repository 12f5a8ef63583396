"""Who carries a command out: the owner of its target that can, and that serves the legal entity."""

from typing import Any

import pytest

from sources import canonical as c
from sources.cache import Cache, Cached
from sources.canonical import System
from sources.canonical.commands import CreditInvoice, CreditPosted, PutOrder
from sources.catalog import Catalog, Source
from sources.errors import Unavailable
from sources.settings import SourceSettings


class Books:
    """A connector that can write."""

    vendor = "fake"
    account_facet = None

    def __init__(self, name: str, system: System, *commands: type[Any]) -> None:
        self.name, self.system, self.commands = name, system, frozenset(commands)
        self.capabilities: Any = {}


def catalog(*books: tuple[Books, tuple[str, ...]]) -> Catalog:
    opened = [
        Source(
            Cached(connector, Cache()),  # type: ignore[arg-type]
            SourceSettings(vendor="fake", url="http://127.0.0.1", entities=entities),
            None,  # type: ignore[arg-type]
        )
        for connector, entities in books
    ]
    return Catalog(opened)


def books(name: str, system: System, *commands: type[Any]) -> Any:
    return Books(name, system, *commands)


def test_the_owner_that_knows_the_command_carries_it_out() -> None:
    erp, billing = books("erp", System.ERP, CreditPosted), books("billing", System.BILLING, CreditInvoice)
    both = catalog((erp, ()), (billing, ()))
    assert CreditInvoice.target is CreditPosted.target is c.CreditMemo
    assert both.writer(CreditPosted) is erp
    assert both.writer(CreditInvoice, "US") is billing


def test_the_source_of_the_legal_entity_carries_it_out() -> None:
    eu, us = books("billing_eu", System.BILLING, CreditInvoice), books("billing_us", System.BILLING, CreditInvoice)
    both = catalog((eu, ("DE", "FR")), (us, ("US",)))
    assert both.writer(CreditInvoice, "US") is us
    assert both.writer(CreditInvoice, "FR") is eu
    with pytest.raises(Unavailable, match="legal entity `JP`"):
        both.writer(CreditInvoice, "JP")


def test_nobody_carries_out_what_no_source_can() -> None:
    with pytest.raises(Unavailable, match="no configured source carries out `PutOrder`"):
        catalog((books("crm", System.CRM), ())).writer(PutOrder)
