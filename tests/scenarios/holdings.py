"""What the four systems hold, before and after: which records came, changed and went, and that nothing else did."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from sources import canonical as c
from sources.simulation.kit import Holdings

Record = dict[str, Any]
_READ = frozenset({"source", "source_id", "source_account_id", "as_of", "external_ids"})

# What an order of one line makes of a customer that is there, without support.
ORDERED: dict[str, dict[str, int]] = {
    "crm": {"Order.added": 1, "OrderItem.added": 1},
    "billing": {
        "customer.changed": 1,  # only its marks
        "subscription.added": 1,
        "subscription_item.added": 1,
        "invoice.added": 1,
        "active_entitlement.added": 1,
    },
    "erp": {"customer.changed": 1, "salesOrder.added": 1},  # what it has ordered and was not billed
}


def facts(record: c.Record) -> dict[str, object]:
    """All that a record says, but where and when that was read."""
    told = {name: getattr(record, name) for name in record.__struct_fields__}
    return {
        name: value
        for name, value in told.items()
        if value not in (None, ()) and name not in _READ and not name.endswith("_evidence")
    }


class Change(msgspec.Struct, frozen=True):
    """One record, in its system's own words; `before` None: it came, `after` None: it went."""

    source: str
    kind: str
    key: str
    before: Record | None
    after: Record | None

    @property
    def what(self) -> str:
        """`invoice.added`, `invoice.changed`, `invoice.removed`."""
        return f"{self.kind}.{'added' if self.before is None else 'removed' if self.after is None else 'changed'}"

    @property
    def fields(self) -> Record:
        """The fields that have another value now, with it."""
        before, after = self.before or {}, self.after or {}
        return {name: after.get(name) for name in before | after if before.get(name) != after.get(name)}


class Changes:
    """All that is different."""

    def __init__(self, before: Mapping[str, Holdings], after: Mapping[str, Holdings]) -> None:
        self.all = [each for source in before for each in _changes(source, before[source], after[source])]

    @property
    def told(self) -> dict[str, dict[str, int]]:
        """How many records of each kind came, changed and went, in each system where any did."""
        return {
            source: dict(Counter(each.what for each in self.all if each.source == source))
            for source in dict.fromkeys(each.source for each in self.all)
        }

    def of(self, source: str, what: str) -> list[Change]:
        """Those of one sort, such as `invoice.changed`."""
        return [each for each in self.all if (each.source, each.what) == (source, what)]

    def one(self, source: str, what: str) -> Change:
        """The only one of its sort."""
        [found] = self.of(source, what)
        return found


def _changes(source: str, before: Holdings, after: Holdings) -> Iterator[Change]:
    for kind in before | after:
        old, new = before.get(kind, {}), after.get(kind, {})
        for key in old | new:
            if old.get(key) != new.get(key):
                yield Change(source, kind, key, old.get(key), new.get(key))
