"""The audit of reads: what was denied, masked or hidden waits here, and is appended in batches beside the requests.

Nobody who asks waits for it. Where it cannot be written it waits on, within a bound; what is beyond is lost, counted,
said in the log, and said in the audit itself as soon as that can be written again.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Protocol, TypeAlias

import msgspec

from gateway.telemetry.accesses import DENIED, HIDDEN, MASKED, READ, Access, Withheld, merged
from gateway.telemetry.exposition import Counter, gauge
from sources.store.chain import Event, Said
from sources.store.errors import StoreError
from sources.store.settings import AuditSettings

ACTION, SHOWN, LOST = "read.withheld", "read.shown", "read.lost"
_log = logging.getLogger("opsgraph.audit")
_BATCH = 200  # entries of one transaction
_FEW = 2 * _BATCH  # that may wait as they came
_CLOSING = 5.0  # seconds in which what waits is written when the process ends
_ALARM = 60.0  # seconds between two lines of the log about the same trouble
_STRICTEST = (DENIED, HIDDEN, MASKED, READ)
Telling: TypeAlias = Callable[[], list[Said]]


class Sink(Protocol):
    """Where entries are appended."""

    async def append(self, telling: Telling, /) -> None:
        """Appends what `telling` gives, which it calls in a thread of its own; all of it or nothing. Raises StoreError
        where that cannot be done now."""


class RowHash:
    """Hashes keys of rows: who has the key of `[policies] hash_key` finds a row in the audit, nobody else tells one."""

    def __init__(self, key: bytes | None) -> None:
        own = hmac.digest(key or secrets.token_bytes(32), b"opsgraph audit rows", "sha256")
        self._keyed = hashlib.blake2b(key=own, digest_size=16)

    def __call__(self, row: str) -> str:
        """The hash of a row, given as `Type:key`."""
        hashed = self._keyed.copy()  # which costs half of what making it anew does
        hashed.update(row.encode("utf-8", "surrogatepass"))
        return hashed.hexdigest()


class ReadAudit:
    """Takes accesses down at once and appends them later; without a sink it takes nothing down.

    `hashed` hashes the keys of rows, `nameless` are sources whose rows are not named at all; `clock` gives the present
    in UTC, `monotonic` seconds.
    """

    def __init__(
        self,
        settings: AuditSettings,
        sink: Sink | None,
        hashed: RowHash,
        nameless: Collection[str] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._sink, self._hashed = settings, sink, hashed
        self._nameless = frozenset(nameless)
        self._clock, self._monotonic = clock, monotonic
        self._kinds = frozenset({*settings.kinds, READ})  # which roles' reads these are is for the rules to say
        self._waiting: deque[Access] = deque()
        self._enough = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._unsaid = 0  # lost, and not in the audit yet
        self._alarmed: dict[str, float] = {}
        self._counts = Counter(
            "opsgraph_audit_reads_total",
            "Operations of which something was withheld, by what became of their record.",
            ["outcome"],
        )

    @property
    def on(self) -> bool:
        """Whether anything is put on record."""
        return self._sink is not None

    def note(self, access: Access) -> None:
        """Takes an operation down."""
        waiting = len(self._waiting)
        if waiting >= self._settings.queue:
            self._lose(1, "the queue is full")
            return
        if waiting >= _FEW:
            told = access.tell(self._nameless)  # now, because what waits for long must not hold on to rows
            access = msgspec.structs.replace(access, tell=lambda _: told)
        self._waiting.append(access)
        if waiting + 1 == _BATCH:
            self._enough.set()

    def start(self) -> None:
        """Begins to append what is taken down, every `interval` seconds and whenever there is a batch."""
        if self.on and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Appends what waits, in a few seconds; the rest is lost."""
        self._closing = True
        self._enough.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_CLOSING)
            self._task.cancel()
        if self._waiting:
            self._lose(len(self._waiting), "the process ends")
            self._waiting.clear()

    async def _run(self) -> None:
        while True:
            last = self._closing
            if not last:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._settings.interval):
                        await self._enough.wait()
                self._enough.clear()
            await self._flush()
            if last:
                return

    async def _flush(self) -> None:
        """Appends what waits, batch after batch, until nothing does or it cannot be written now."""
        while self._waiting or self._unsaid:
            if not await self._appended(list(islice(self._waiting, _BATCH)), self._unsaid):
                return

    async def _appended(self, batch: Sequence[Access], lost: int) -> bool:
        assert self._sink is not None  # noqa: S101 - without one nothing is begun
        failed = False
        try:
            await self._sink.append(lambda: [*self._entries(batch), *self._confession(lost)])
            self._unsaid -= lost
            self._counts.add("appended", by=len(batch))
        except StoreError as error:
            self._alarm("away", "the audit of reads cannot be written, and waits: %s", error)
            return False
        except Exception:  # of what it cannot write it would never get rid
            _log.exception("entries of the audit of reads cannot be written")
            self._lose(len(batch), "some cannot be written")
            failed = True
        for _ in batch:
            self._waiting.popleft()
        return not failed

    # ------------------------------------------------------------ what is said

    def _entries(self, batch: Iterable[Access]) -> Iterator[Said]:
        for access in batch:
            kept = [each for each in merged(access.tell(self._nameless)) if each.how in self._kinds]
            if kept:
                yield self._event(access, kept), access.at

    def _event(self, access: Access, kept: Sequence[Withheld]) -> Event:
        who = access.principal
        read = [[each.coordinate, each.rows] for each in kept if each.how == READ]
        return Event(
            actor=_text(who.subject),
            human=_text(who.human),
            action=SHOWN if all(each.how == READ for each in kept) else ACTION,
            decision=next(how for how in _STRICTEST if any(each.how == how for each in kept)),
            correlation_id=access.correlation_id,
            after={
                "operation": access.operation,
                "document": access.digest.hex(),
                "roles": sorted(map(_text, who.roles)),
                "purposes": list(who.purposes),
                "client": _text(who.client),
                "withheld": [self._shown(each) for each in kept if each.how != READ],
                **({"read": read} if read else {}),
            },
        )

    def _shown(self, each: Withheld) -> dict[str, Any]:
        return {
            "coordinate": each.coordinate,
            "how": each.how,
            "rule": each.rule,
            "class": each.class_name,
            "rows": each.rows,
            "keys": [self._hashed(f"{each.of}:{key}") for key in each.keys],
        }

    def _confession(self, lost: int) -> Iterator[Said]:
        if lost:
            yield Event(actor="opsgraph", action=LOST, after={"operations": lost}), self._clock()

    # ------------------------------------------------------------ what is lost

    def _lose(self, count: int, why: str) -> None:
        self._unsaid += count
        self._counts.add("lost", by=count)
        self._alarm("lost", "denied and masked reads are missing in the audit: %s", why)

    def _alarm(self, about: str, line: str, *values: object) -> None:
        now = self._monotonic()
        if now - self._alarmed.get(about, -_ALARM) >= _ALARM:
            self._alarmed[about] = now
            _log.error(line, *values)

    def lines(self) -> Iterator[Iterable[str]]:
        """The figures, as text."""
        yield self._counts.lines()
        about = "Operations that wait to be put on record."
        yield gauge("opsgraph_audit_reads_waiting", about, [({}, float(len(self._waiting)))])


def _text(given: str | None) -> Any:
    """A text as it may be written: a token may hold what is no character."""
    return None if given is None else given.encode("utf-8", "replace").decode()
