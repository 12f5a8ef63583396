"""An account with ten thousand invoices is read page by page, never whole."""

from datetime import UTC, datetime

from gateway.enterprise.generate import generate
from sources.canonical import Invoice
from sources.catalog import Catalog, open_catalog
from sources.ports import Ask, Order, Page
from sources.settings import Secret
from sources.vendors.stripe import VENDOR
from sources.vendors.stripe.simulator import DEVELOPMENT, create_simulator
from tests.peers import serving

COUNT = 10_000


async def pages(catalog: Catalog, account: str) -> list[list[str]]:
    """The keys of every page of a hundred, newest first."""
    found: list[list[str]] = []
    after = None
    while True:
        page = Page(100, after, Order("created_at", descending=True))
        reading = await catalog.read(Ask(Invoice, "account", (account,), page))
        assert not reading.errors
        rows = reading.rows[account]
        found.append([record.key for record in rows.records])
        after = rows.next
        if not rows.more:
            return found


async def test_ten_thousand_invoices_page_through_without_loading_all() -> None:
    enterprise = generate(accounts=80, now=datetime(2026, 11, 20, 9, tzinfo=UTC), giant_invoices=COUNT)
    account = enterprise.landmarks["ten_thousand_invoices"]
    app = create_simulator(enterprise)
    with serving(app) as url:
        settings = VENDOR.settings(vendor="stripe", url=url, timeout=20.0, key=Secret(DEVELOPMENT.key))  # type: ignore[call-arg]
        catalog = open_catalog({"billing": settings})
        first = await catalog.read(Ask(Invoice, "account", (account,), Page(100, None, Order("created_at", True))))
        assert first.rows[account].more
        assert len(app.state.calls.calls) <= 5
        found = await pages(catalog, account)
        await catalog.close()
    keys = [key for page in found for key in page]
    expected = {each.id for each in enterprise.billing.invoices if each.account_id == account}
    assert len(keys) == len(set(keys)) == len(expected) >= COUNT
    assert set(keys) == expected
