"""The audit of reads: in batches beside the requests, bounded, and honest about what it lost."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.telemetry.accesses import Access, Withheld
from gateway.telemetry.reads import ReadAudit, RowHash, Telling
from policies.principal import Principal
from sources.store.chain import Event, Said
from sources.store.errors import StoreAway
from sources.store.settings import AuditSettings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ADA = Principal("ada", frozenset({"agent", "clerk"}), human="Ada L.", client="portal", purposes=("reveal",))
HASH = RowHash(b"a key of the tests")


class Shelf:
    """A sink that may be away, slow, or unable to take one actor's entries; `batches` are those it took."""

    def __init__(self) -> None:
        self.batches: list[list[Said]] = []
        self.away, self.poison = False, ""
        self.gate: asyncio.Event | None = None

    async def append(self, telling: Telling) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise StoreAway("our own tables cannot be reached")
        said = telling()
        if self.poison and any(event.actor == self.poison for event, _ in said):
            raise ValueError("no such character")
        self.batches.append(said)

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event, _ in batch]


def access(number: int = 0, *kept: Withheld, who: Principal = ADA) -> Access:
    told = kept or (Withheld("Contact.phone", "masked", "agent/pii", "pii", 1, "Contact", (f"{number}",)),)
    return Access(NOW, who, f"corr-{number}", "Phones", b"\x01" * 32, lambda _: told)


def audit(shelf: Any, **settings: Any) -> ReadAudit:
    """One that looks every few milliseconds."""
    return ReadAudit(AuditSettings(**{"interval": 0.005, **settings}), shelf, HASH, clock=lambda: NOW)


def figures(reads: ReadAudit) -> dict[str, float]:
    lines = [line for family in reads.lines() for line in family if not line.startswith("#")]
    return {
        name.partition('"')[2].rstrip('"}') or "waiting": float(value)
        for name, _, value in (each.rpartition(" ") for each in lines)
    }


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


async def test_an_entry_says_who_asked_what_was_withheld_by_which_rule_and_hashes_whose_it_was() -> None:
    shelf = Shelf()
    reads = audit(shelf)
    reads.start()
    denied = Withheld("Invoice.total", "denied", "agent/billing", "billing", 2, "Invoice", ("in_1", "in_2"))
    reads.note(access(7, Withheld("Contact.phone", "masked", "agent/pii", "pii", 1, "Contact", ("c1",)), denied))
    await reads.close()
    ((event, at),) = shelf.batches[0]
    assert at == NOW
    assert (event.actor, event.human, event.action, event.decision, event.correlation_id) == (
        "ada",
        "Ada L.",
        "read.withheld",
        "denied",
        "corr-7",
    )
    assert event.after == {
        "operation": "Phones",
        "document": "01" * 32,
        "roles": ["agent", "clerk"],
        "purposes": ["reveal"],
        "client": "portal",
        "withheld": [
            {
                "coordinate": "Contact.phone",
                "how": "masked",
                "rule": "agent/pii",
                "class": "pii",
                "rows": 1,
                "keys": [HASH("Contact:c1")],
            },
            {
                "coordinate": "Invoice.total",
                "how": "denied",
                "rule": "agent/billing",
                "class": "billing",
                "rows": 2,
                "keys": [HASH("Invoice:in_1"), HASH("Invoice:in_2")],
            },
        ],
    }
    assert "in_1" not in str(event)


def test_a_row_is_found_again_by_whoever_has_the_key_and_by_nobody_else() -> None:
    assert RowHash(b"a key of the tests")("Invoice:in_1") == HASH("Invoice:in_1")
    assert (
        len(
            {
                HASH("Invoice:in_1"),
                HASH("Invoice:in_2"),
                RowHash(b"another")("Invoice:in_1"),
                RowHash(None)("Invoice:in_1"),
            }
        )
        == 4
    )


async def test_whoever_asks_never_waits_and_what_waits_goes_in_few_batches() -> None:
    shelf = Shelf()
    shelf.gate = asyncio.Event()
    reads = audit(shelf)
    reads.start()
    for number in range(450):
        reads.note(access(number))
    await asyncio.sleep(0.01)
    assert shelf.batches == []
    shelf.gate.set()
    await until(lambda: figures(reads)["waiting"] == 0)
    assert [len(each) for each in shelf.batches] == [200, 200, 50]
    assert [each.correlation_id for each in shelf.events] == [f"corr-{number}" for number in range(450)]
    await reads.close()


async def test_while_the_store_is_away_they_wait_and_what_the_queue_cannot_hold_is_counted_and_confessed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    shelf = Shelf()
    shelf.away = True
    reads = audit(shelf, queue=3)
    reads.start()
    with caplog.at_level(logging.ERROR, "opsgraph.audit"):
        for number in range(8):
            reads.note(access(number))
        await asyncio.sleep(0.03)
    assert figures(reads) == {"lost": 5, "waiting": 3}
    assert sorted(each.message.partition(":")[0] for each in caplog.records) == [
        "denied and masked reads are missing in the audit",
        "the audit of reads cannot be written, and waits",
    ]  # once each, however often it happens
    shelf.away = False
    await until(lambda: shelf.batches)
    assert [each.correlation_id for each in shelf.events[:3]] == ["corr-0", "corr-1", "corr-2"]
    assert (shelf.events[3].action, shelf.events[3].after) == ("read.lost", {"operations": 5})
    reads.note(access(9))
    await reads.close()
    assert [each.correlation_id for each in shelf.events[4:]] == ["corr-9"]
    assert figures(reads) == {"lost": 5, "appended": 4, "waiting": 0}


async def test_what_cannot_be_written_at_all_is_lost_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    shelf = Shelf()
    shelf.poison = "eve"
    reads = audit(shelf)
    reads.start()
    with caplog.at_level(logging.CRITICAL, "opsgraph.audit"):
        reads.note(access(1, who=Principal("eve")))
        await until(lambda: figures(reads).get("lost"))
    reads.note(access(2))
    await reads.close()
    assert [(each.action, each.after) for each in shelf.events if each.action == "read.lost"] == [
        ("read.lost", {"operations": 1})
    ]
    assert [each.correlation_id for each in shelf.events if each.action != "read.lost"] == ["corr-2"]


async def test_what_waits_is_written_when_the_process_ends() -> None:
    shelf = Shelf()
    reads = audit(shelf, interval=1.0)
    reads.start()
    for number in range(250):
        reads.note(access(number))
    await reads.close()
    assert len(shelf.events) == 250


async def test_only_the_kinds_that_are_wanted_are_put_on_record() -> None:
    shelf = Shelf()
    reads = audit(shelf, kinds=("denied",))
    reads.start()
    masked = Withheld("Contact.phone", "masked", "agent/pii", "pii", 1)
    reads.note(access(1, masked))
    reads.note(access(2, masked, Withheld("Invoice.total", "denied", "agent/billing", "billing", 2)))
    await reads.close()
    (event,) = shelf.events
    assert [each["coordinate"] for each in event.after["withheld"]] == ["Invoice.total"]


async def test_what_a_recorded_role_is_shown_is_kept_whatever_the_kinds_with_what_is_withheld_besides() -> None:
    shelf = Shelf()
    reads = audit(shelf, kinds=("denied",))
    reads.start()
    read = Withheld("Invoice.total", "read", "auditor/billing", "billing", 3)
    masked = Withheld("Contact.phone", "masked", "auditor/pii", "pii", 1)
    denied = Withheld("Invoice.hostedUrl", "denied", "auditor/secret", "secret", 3)
    reads.note(access(1, read, masked))
    reads.note(access(2, read, denied))
    await reads.close()
    first, second = shelf.events
    assert (first.action, first.decision) == ("read.shown", "read")
    assert (second.action, second.decision) == ("read.withheld", "denied")
    assert (first.after["read"], first.after["withheld"]) == ([["Invoice.total", 3]], [])
    assert second.after["read"] == [["Invoice.total", 3]]
    assert [each["coordinate"] for each in second.after["withheld"]] == ["Invoice.hostedUrl"]


async def test_without_a_sink_nothing_is_taken_down() -> None:
    assert not audit(None).on
    nowhere = audit(None)
    nowhere.start()
    await nowhere.close()


async def test_a_name_that_is_no_text_does_not_stop_the_audit() -> None:
    shelf = Shelf()
    reads = audit(shelf)
    reads.start()
    reads.note(access(1, who=Principal("ev\ud800e", frozenset({"cl\udfffk"}))))
    await reads.close()
    assert shelf.events[0].actor == "ev?e"
    assert shelf.events[0].after["roles"] == ["cl?k"]
