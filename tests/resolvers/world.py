"""Records as short as a test needs them, and a reader that answers from them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from policies.principal import Principal
from resolvers.context import Context
from resolvers.schema import build_schema
from sources import canonical as c
from sources.errors import SourceError, Unavailable
from sources.ports import Page, Reading, Report, Rows

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ACCOUNT = "001A"
SCHEMA = build_schema()
DOWN = Unavailable("it does not answer: try again", source="billing")


R = TypeVar("R", bound=c.Record)


def context(now: datetime = NOW, **figures: str) -> Context:
    """The context of an operation."""
    rules = type("Rules", (), {"entitlement": figures})()
    return Context(Principal(subject="ada", roles=frozenset({"auditor"})), now, "test", rules)


def ago(days: float) -> datetime:
    """An instant before NOW."""
    return NOW - timedelta(days=days)


def day(days: int) -> Any:
    """A day, counted from NOW's."""
    return (NOW + timedelta(days=days)).date()


def usd(minor: int) -> c.Money:
    """Dollars, in cents."""
    return c.Money(minor, "USD")


def _record(kind: type[R], source: str, key: str, given: dict[str, Any], **defaults: Any) -> R:
    plain: dict[str, Any] = {"key": key, "source": source, "source_id": key, "as_of": NOW}
    return kind(**plain | defaults | given)


def account(key: str = ACCOUNT, **given: Any) -> c.Account:
    return _record(c.Account, "crm", key, given, name="Acme", lifecycle=c.Lifecycle.ACTIVE)


def contact(key: str = "003A", **given: Any) -> c.Contact:
    return _record(
        c.Contact, "crm", key, given, account_key=ACCOUNT, name="Ada", support_authority=c.SupportAuthority.OPEN
    )


def entitlement(key: str = "550A", **given: Any) -> c.Entitlement:
    plan: dict[str, Any] = {} if "feature" in given else {"support_tier": "premium"}
    return _record(
        c.Entitlement, "crm", key, given, account_key=ACCOUNT, name="Support", status=c.EntitlementStatus.ACTIVE, **plan
    )


def subscription(status: str = "ACTIVE", key: str = "sub_1", **given: Any) -> c.AccountSubscription:
    return _record(
        c.AccountSubscription,
        "billing",
        key,
        given,
        account_key=ACCOUNT,
        status=c.SubscriptionStatus(status),
        status_evidence=(c.Evidence("billing", "subscription.status", status.lower()),),
        currency="USD",
        start_at=ago(100),
    )


def renewal(key: str = "006A", **given: Any) -> c.Renewal:
    return _record(
        c.Renewal, "crm", key, given, account_key=ACCOUNT, name="Renewal", stage="Proposal", open=True, won=False
    )


def organization(**given: Any) -> c.SupportOrganization:
    return _record(c.SupportOrganization, "desk", "361", given, account_key=ACCOUNT, name="Acme", updated_at=ago(30))


def profile(key: str = "901", **given: Any) -> c.BillingProfile:
    return _record(
        c.BillingProfile,
        "erp",
        key,
        given,
        account_key=ACCOUNT,
        source_account_id=key,
        name="Acme",
        currency="USD",
        legal_entity="US",
    )


def customer(key: str = "cus_1", **given: Any) -> c.BillingCustomer:
    return _record(c.BillingCustomer, "billing", key, given, account_key=ACCOUNT, legal_entity="US")


def case(key: str = "77", **given: Any) -> c.Case:
    return _record(c.Case, "desk", key, given, account_key=ACCOUNT, status=c.CaseStatus.OPEN, created_at=ago(10))


def invoice(status: str = "OPEN", key: str = "in_1", **given: Any) -> c.Invoice:
    amount = given.pop("amount", 10_000)
    nothing = usd(0)
    return _record(
        c.Invoice,
        "billing",
        key,
        given,
        account_key=ACCOUNT,
        status=c.InvoiceStatus(status),
        currency="USD",
        subtotal=usd(amount),
        tax=nothing,
        total=usd(amount),
        paid=nothing,
        remaining=usd(amount),
        settlement=c.Settlement(cash=nothing, credit=nothing, write_off=nothing, withheld_tax=nothing),
    )


def posted(invoice_key: str | None = "in_1", status: str = "OPEN", key: str = "8001", **given: Any) -> c.PostedInvoice:
    amount = given.pop("amount", 10_000)
    return _record(
        c.PostedInvoice,
        "erp",
        key,
        given,
        account_key=ACCOUNT,
        source_account_id="901",
        invoice_key=invoice_key,
        status=c.PostedStatus(status),
        currency="USD",
        total=usd(amount),
        paid=usd(0),
        remaining=usd(amount),
    )


def entity(code: str = "US", time_zone: str = "UTC", **given: Any) -> c.LegalEntity:
    return _record(c.LegalEntity, "erp", code, given, name=code, currency="USD", time_zone=time_zone)


class Shelf:
    """Answers reads from what was put on it, and writes down what was asked. It refuses what was not declared."""

    def __init__(self, needs: Sequence[tuple[type[c.Record], str]] = ()) -> None:
        self._needs = frozenset(needs)
        self._rows: dict[tuple[type[c.Record], str, str], list[c.Record]] = defaultdict(list)
        self._errors: dict[tuple[type[c.Record], str, str | None], SourceError] = {}
        self._served: dict[tuple[type[c.Record], str, str | None], c.Served] = {}
        self._hidden: set[tuple[type[c.Record], str, str | None]] = set()
        self.asked: list[tuple[str, str, tuple[str, ...]]] = []

    def put(self, by: str, key: str, *records: c.Record) -> "Shelf":
        """Records of one class under a key of an index."""
        self._rows[type(records[0]), by, key] += records
        return self

    def fail(self, record: type[c.Record], by: str, error: SourceError = DOWN, key: str | None = None) -> "Shelf":
        """Lets an index fail, for one key or for all."""
        self._errors[record, by, key] = error
        return self

    def hide(self, record: type[c.Record], by: str, key: str | None = None) -> "Shelf":
        """Lets the row rules hide what is under an index, for one key or for all."""
        self._hidden.add((record, by, key))
        return self

    def has(self, record: type[c.Record], by: str) -> bool:
        """Whether anything is under an index."""
        return any((kind, index) == (record, by) for kind, index, _ in self._rows)

    def serve(self, record: type[c.Record], by: str, served: c.Served, key: str | None = None) -> "Shelf":
        """Lets a memory serve an index, for one key or for all."""
        self._served[record, by, key] = served
        return self

    def served(self, record: c.Record) -> c.Served:
        """How a record was served, as the engine tells it."""
        told = [
            served
            for (kind, by, key), served in self._served.items()
            for (held, index, under), rows in self._rows.items()
            if (held, index) == (kind, by) and key in (None, under) and any(each is record for each in rows)
        ]
        return told[0] if told else c.Served.LIVE

    async def __call__(self, record: type[c.Record], by: str, keys: Sequence[str], page: Page = Page()) -> Reading:  # noqa: B008 - frozen
        if self._needs and (record, by) not in self._needs:
            raise RuntimeError(f"`{record.__name__}` by `{by}` is read but not declared")
        if keys:
            self.asked.append((record.__name__, by, tuple(keys)))
        reading = Reading({}, Report("shelf"))
        for key in keys:
            error = self._errors.get((record, by, key)) or self._errors.get((record, by, None))
            found = self._rows.get((record, by, key))
            if error is not None:
                reading.errors[key] = error
            elif found is not None and not self._hidden.isdisjoint({(record, by, key), (record, by, None)}):
                reading.rows[key] = Rows([], hidden=len(found))
            elif found is not None:
                served = self._served.get((record, by, key)) or self._served.get((record, by, None))
                reading.rows[key] = Rows(found, served=served or c.Served.LIVE)
        return reading
