"""Makes the whole enterprise: sketches first, then everything that follows from them."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.enterprise.accounts import make_account, make_people
from gateway.enterprise.books import Books
from gateway.enterprise.cast import Cast
from gateway.enterprise.catalogue import make_catalogue
from gateway.enterprise.company import make_company
from gateway.enterprise.customers import make_customers
from gateway.enterprise.desk import make_cases, make_organization, make_tickets
from gateway.enterprise.fillers import Fillers
from gateway.enterprise.giant import make_giant
from gateway.enterprise.landmarks import make_landmarks
from gateway.enterprise.mint import Mint
from gateway.enterprise.orders import make_contracts, make_orders
from gateway.enterprise.receipts import make_receipts
from gateway.enterprise.rights import make_rights
from gateway.enterprise.sketch import Sketch
from gateway.enterprise.streams import Streams
from gateway.enterprise.subscriptions import make_subscriptions
from gateway.enterprise.world import Dossier, Tally, World
from sources.simulation.enterprise import BillingBook, CrmBook, Enterprise, ErpBook, SupportBook

GIANT = "ten_thousand_invoices"
_HOLD_OVERDUE_DAYS = 60


def generate(accounts: int = 500, seed: int = 7, now: datetime | None = None, giant_invoices: int = 0) -> Enterprise:
    """The enterprise at the instant `now` (UTC; default: the current hour), the same for the same arguments.

    `accounts` counts the CRM's accounts, but the landmarks need their number (about 80) whatever it says.
    `giant_invoices` adds one account with so many invoices, landmark `ten_thousand_invoices`.
    """
    now = (now or datetime.now(UTC).replace(minute=0)).replace(second=0, microsecond=0)
    mint, streams = Mint(seed), Streams(seed)
    company, catalogue = make_company(mint, now), make_catalogue(mint)
    cast = make_landmarks(mint)
    giant = _giant(mint) if giant_invoices else None
    fillers = Fillers(mint, streams).sketches(accounts - len(cast) - bool(giant))
    sketches = {sketch.id: sketch for sketch in (*cast.values(), *([giant] if giant else []), *fillers)}
    world = World(now, mint, streams, company, catalogue, Books(), sketches)
    for sketch in sketches.values():
        _build(world, sketch, giant_invoices if sketch is giant else 0)
    landmarks = {name: sketch.id for name, sketch in cast.items() if not name.startswith("_")}
    if giant:
        landmarks[GIANT] = giant.id
    return _bind(world, seed, landmarks)


def _giant(mint: Mint) -> Sketch:
    cast = Cast(mint)
    cast.add(GIANT, "Myriad Marketplaces Inc.", buyers=(cast.buyer(),), people=3)
    return cast.sketches[GIANT]


def _build(world: World, sketch: Sketch, giant_invoices: int) -> None:
    organization_id = world.mint.number("organization") if sketch.desk else None
    dossier = Dossier(sketch, organization_id, tallies=[Tally() for _ in sketch.buyers])
    if sketch.known:
        make_account(world, sketch)
    make_people(world, dossier)
    make_tickets(world, dossier)
    make_subscriptions(world, dossier)
    if giant_invoices:
        make_giant(world, dossier, giant_invoices)
    if sketch.known:
        make_contracts(world, dossier)
        make_orders(world, dossier)
        make_rights(world, dossier)
        make_cases(world, dossier)
    make_receipts(world, dossier)
    make_customers(world, dossier)
    make_organization(world, dossier)


def _bind(world: World, seed: int, landmarks: dict[str, str]) -> Enterprise:
    return Enterprise(
        seed=seed,
        now=world.now,
        crm=_crm(world),
        billing=_billing(world),
        erp=_erp(world),
        support=_support(world),
        contradictions=tuple(world.books.contradictions),
        landmarks=landmarks,
    )


def _crm(world: World) -> CrmBook:
    books, company = world.books, world.company
    return CrmBook(
        users=company.owners,
        accounts=tuple(books.accounts),
        contacts=tuple(books.contacts),
        products=world.catalogue.crm,
        contracts=tuple(books.contracts),
        opportunities=tuple(books.opportunities),
        orders=tuple(books.orders),
        sla_processes=company.sla_processes,
        entitlements=tuple(books.crm_entitlements),
        cases=tuple(books.cases),
    )


def _billing(world: World) -> BillingBook:
    books, catalogue = world.books, world.catalogue
    return BillingBook(
        customers=tuple(books.bill_customers),
        features=catalogue.features,
        products=catalogue.products,
        prices=catalogue.prices,
        meters=catalogue.meters,
        usage=tuple(books.usage),
        subscriptions=tuple(books.subscriptions),
        invoices=tuple(books.invoices),
        payments=tuple(books.payments),
        credit_notes=tuple(books.credit_notes),
        entitlements=tuple(books.bill_entitlements),
    )


def _erp(world: World) -> ErpBook:
    books = world.books
    return ErpBook(
        entities=world.company.entities,
        periods=world.company.periods,
        customers=tuple(books.erp_customers),
        items=world.catalogue.items,
        documents=tuple(books.documents),
        revenue=tuple(books.revenue),
        rates=world.company.rates,
        hold_preference="enforce",
        hold_overdue_days=_HOLD_OVERDUE_DAYS,
    )


def _support(world: World) -> SupportBook:
    books, company = world.books, world.company
    return SupportBook(
        policies=company.policies,
        groups=company.groups,
        organizations=tuple(books.organizations),
        users=(*company.agents, *books.users),
        tickets=tuple(books.tickets),
    )
