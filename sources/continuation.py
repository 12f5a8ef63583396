"""Several lists read as one: merging the rows of several owners or customer records, and going on where each stopped.

The position of a merged list is opaque text: for every part (source, the key that source was asked for) the position at
which it goes on. A part that is not among them has ended.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping, Sequence
from functools import cmp_to_key
from typing import Any

import msgspec

from sources.canonical import Money, Record, Served
from sources.errors import Ambiguous, BadAsk, Missing, SourceError
from sources.ports import Ask, Connector, Order, Position, Reading, Report, Rows

_BOUND = 4  # keys continued at once
_START = Position(None, "")
_AGE = (Served.LIVE, Served.CACHE, Served.STALE, Served.FALLBACK)  # of what is in several parts the oldest counts


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Where one part of a merged list goes on; `_START` where nothing of it has been used yet."""

    source: str
    key: str
    after: Position


class Continuation:
    """The parts of a merged position; none at the beginning of a list."""

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self.parts = {(part.source, part.key): part.after for part in parts}

    @classmethod
    def of(cls, ask: Ask) -> Continuation:
        """Reads an ask's position; raises BadAsk where it is none of ours."""
        if ask.page.after is None:
            return cls()
        try:
            raw = base64.urlsafe_b64decode(ask.page.after.token or "")
            return cls(msgspec.json.decode(raw, type=list[Part]))
        except (ValueError, msgspec.MsgspecError) as error:
            raise BadAsk("`after` is no cursor of this list: use an `endCursor` of it") from error

    async def read(self, connector: Connector, ask: Ask) -> Reading:
        """Reads keys in one batch at the beginning, one by one where they go on at different places."""
        if ask.page.after is None:
            return await connector.read(ask)
        gate = asyncio.Semaphore(_BOUND)

        async def one(key: str) -> Reading:
            after = self.parts.get((connector.name, key))
            if after is None:
                return Reading({key: Rows()}, Report(connector.name))
            page = msgspec.structs.replace(ask.page, after=None if after == _START else after)
            async with gate:
                return await connector.read(msgspec.structs.replace(ask, keys=(key,), page=page))

        whole = Reading({}, Report(connector.name))
        for reading in await asyncio.gather(*(one(key) for key in ask.keys)):
            whole.rows |= reading.rows
            whole.errors |= reading.errors
            whole.along += reading.along
            add(whole.report, reading.report)
        return whole


class Answer(msgspec.Struct):
    """What one owner said: `renamed` maps the keys it was asked for to the ask's own; `errors` are of the ask's own;
    `nameless`: some records did not say which account is theirs."""

    reading: Reading
    renamed: Mapping[str, str] | None = None
    errors: Mapping[str, SourceError] = msgspec.field(default_factory=dict)
    nameless: bool = False

    def settle(self) -> None:
        """Lets the report say that the source failed, whichever key it was for; a bad question is not its failure."""
        if not self.reading.errors and not self.errors:
            return
        for error in (*self.reading.errors.values(), *self.errors.values()):
            if not isinstance(error, (BadAsk, Missing, Ambiguous)):
                self.reading.report.error = self.reading.report.error or error.code


class _Piece(msgspec.Struct):
    source: str
    key: str
    rows: Rows


def unmerged(ask: Ask, answer: Answer) -> Reading | None:
    """One owner's answer as it is, where nothing has to be merged or cut off; None where something has."""
    reading, names = answer.reading, answer.renamed
    if answer.errors or reading.reports or ask.page.after is not None:
        return None
    if names is not None and (reading.errors or len(set(names.values())) < len(names)):
        return None
    source, rows, short = reading.report.source, {}, ask.page.first is None
    for key, found in reading.rows.items():
        plain = (short and len(found.records) < 2 and not found.more) or _is_plain(ask, found)
        whole = found if plain else _undivided(ask, _Piece(source, key, found))
        if whole is None:
            return None
        rows[key if names is None else names[key]] = whole
    if ask.by != "key":
        for key in ask.keys:
            if key not in rows and key not in reading.errors:
                rows[key] = Rows()
    reports = [reading.report, *reading.reports] if reading.reports else []
    return Reading(rows, reading.report, reading.errors, reports, reading.along)


def note_told(answer: Answer, whole: Reading) -> None:
    """Notes at remembered rows what `unmerged` has made of them: of the same it makes the same."""
    names = answer.renamed
    for key, rows in answer.reading.rows.items():
        told = whole.rows[key if names is None else names[key]]
        if told is rows:
            rows.plain = True
        else:
            rows.told = told


def _is_plain(ask: Ask, rows: Rows) -> bool:
    """Whether rows are a whole list, each record once: then there is nothing to say of places in it."""
    records = rows.records
    if rows.more or ask.page.first is not None:
        return False
    if len(records) < 2 or rows.distinct:
        return True
    rows.distinct = len({record.key for record in records}) == len(records)
    return rows.distinct


def merge(ask: Ask, answers: Sequence[Answer], begun: Continuation) -> Reading:
    """One reading of all answers. Of two records with one key the earlier answer's stands."""
    reports = [report for answer in answers for report in (answer.reading.report, *answer.reading.reports)]
    merged = Reading({}, Report(""), reports=reports)
    for report in reports:
        add(merged.report, report)
    pieces: dict[str, list[_Piece]] = {key: [] for key in ask.keys}
    for answer in answers:
        names = answer.renamed
        for key, rows in answer.reading.rows.items():
            final = names[key] if names is not None else key
            pieces.setdefault(final, []).append(_Piece(answer.reading.report.source, key, rows))
        for key, error in answer.reading.errors.items():
            merged.errors[names[key] if names is not None and key in names else key] = error
        merged.errors.update(answer.errors)
        merged.along += answer.reading.along
    for key, found in pieces.items():
        if found:
            merged.rows[key] = _one(ask, found, begun)
        elif ask.by != "key" and key not in merged.errors:
            merged.rows[key] = Rows()
    return merged


class _Positions(Sequence[Position]):
    """Where each row of an undivided list goes on; worked out only for the rows that are asked about. It holds no rows:
    they may hold it (`note_told`), and nothing would go before the garbage collector came."""

    __slots__ = ("_end", "_key", "_order", "_records", "_source")

    def __init__(self, piece: _Piece, order: Order | None, end: Position | None) -> None:
        self._source, self._key, self._records = piece.source, piece.key, piece.rows.records
        self._order, self._end = order, end

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if index in (len(self) - 1, -1):
            return self._end if self._end is not None else wrap(())
        return wrap([Part(self._source, self._key, position(self._records[index], self._order))])


def _undivided(ask: Ask, piece: _Piece) -> Rows | None:
    """The rows of a list that is in one part and no longer than what is asked for; None where it is not so."""
    rows, first = piece.rows, ask.page.first
    records = rows.records
    if (first is not None and len(records) > first) or len({record.key for record in records}) < len(records):
        return None
    end = wrap([Part(piece.source, piece.key, rows.next)]) if rows.more and rows.next is not None else None
    positions = _Positions(piece, ask.page.order, end) if first is not None else ()
    return Rows(records, end is not None, end, rows.total, positions, rows.served)


def _one(ask: Ask, pieces: list[_Piece], begun: Continuation) -> Rows:
    if len(pieces) == 1 and (whole := _undivided(ask, pieces[0])) is not None:
        return whole
    tagged = [(index, record) for index, piece in enumerate(pieces) for record in piece.rows.records]
    if ask.page.order is not None and len(pieces) > 1:
        compare = comparison(ask.page.order)
        by_record = cmp_to_key(compare)
        tagged.sort(key=lambda pair: by_record(pair[1]))
    first = ask.page.first if ask.page.first is not None else len(tagged)
    kept: list[Record] = []
    positions: list[Position] = []
    seen: set[str] = set()
    each: list[Served] = []
    taken: list[list[Record]] = [[] for _ in pieces]
    for index, record in tagged:
        new = record.key not in seen
        if new and len(kept) >= first:
            break
        taken[index].append(record)
        if new:
            seen.add(record.key)
            kept.append(record)
            each.append(pieces[index].rows.served)
            if ask.page.first is not None:
                positions.append(wrap(_parts(ask, pieces, taken, begun)))
    parts = _parts(ask, pieces, taken, begun)
    totals = [piece.rows.total for piece in pieces]
    exact = None if None in totals or len(seen) < len(tagged) else sum(total or 0 for total in totals)
    served = max((piece.rows.served for piece in pieces), key=_AGE.index)
    return Rows(kept, bool(parts), wrap(parts) if parts else None, exact, positions, served, each)


def _parts(ask: Ask, pieces: list[_Piece], taken: list[list[Record]], begun: Continuation) -> list[Part]:
    return [
        Part(piece.source, piece.key, after)
        for piece, used in zip(pieces, taken, strict=True)
        if (after := _goes_on(ask, piece, used, begun)) is not None
    ]


def _goes_on(ask: Ask, piece: _Piece, used: Sequence[Record], begun: Continuation) -> Position | None:
    if len(used) == len(piece.rows.records):
        return piece.rows.next if piece.rows.more else None
    if used:
        return position(used[-1], ask.page.order)
    return begun.parts.get((piece.source, piece.key), _START)


def wrap(parts: Sequence[Part]) -> Position:
    """Parts as one position of a merged list."""
    return Position(None, "", base64.urlsafe_b64encode(msgspec.json.encode(list(parts))).decode())


def position(record: Record, order: Order | None) -> Position:
    """The keyset position of a record: as text its order value, and its id in the source."""
    value = getattr(record, order.field, None) if order else None
    return Position(None if value is None else _text(value), record.source_id)


def comparison(order: Order) -> Callable[[Record, Record], int]:
    """A comparison of records by `order`: nulls last, the key breaks ties, ascending."""

    def compare(left: Record, right: Record) -> int:
        a, b = _sortable(getattr(left, order.field, None)), _sortable(getattr(right, order.field, None))
        if (a is None) != (b is None):
            return 1 if a is None else -1
        if a is not None and a != b:
            return -1 if (a < b) != order.descending else 1
        return -1 if left.key < right.key else int(left.key > right.key)

    return compare


def _sortable(value: Any) -> Any:
    return value.minor if isinstance(value, Money) else value


def _text(value: Any) -> str:
    if isinstance(value, Money):
        return str(value.minor)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def add(total: Report, part: Report) -> None:
    """Adds one report to another of the same question; of times that ran side by side the longest counts."""
    total.calls += part.calls
    total.joined += part.joined
    total.cached += part.cached
    total.stale += part.stale
    total.milliseconds = max(total.milliseconds, part.milliseconds)
    total.error = part.error or total.error
