"""Several lists read as one: merging the rows of several owners or customer records.

Each part stays in its own order: the merged list takes rows from the parts' beginnings, so that what is left of a part
is always behind one of its rows. Where a part ends that goes on, a page ends too: what follows in it may come first. No
row is told twice, and nothing has to be remembered for that. Of several owners' records with one key the first owner's
stands, at its place: those of the others are left out wherever they are (`Doubles`). A record in the lists of several
customers of one source is told in the list of the one it names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from functools import cmp_to_key
from typing import Any, Protocol

import msgspec

from sources.canonical import Money, Owned, Record, Served
from sources.continuation import START, Continuation, Part, add, place, wrap
from sources.errors import Ambiguous, BadAsk, Missing, SourceError
from sources.ports import Ask, Order, Position, Reading, Report, Rows

_AGE = (Served.LIVE, Served.CACHE, Served.STALE, Served.FALLBACK)  # of what is in several parts the oldest counts


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


class Piece(msgspec.Struct):
    """The rows of one part of a merged list."""

    source: str
    key: str
    rows: Rows

    @property
    def goes_on(self) -> bool:
        """Whether there are rows behind these that can be asked for."""
        return self.rows.more and self.rows.next is not None


class Elsewhere(Protocol):
    """What is told elsewhere: by key of the ask the source and the key of each row that an earlier owner tells, and
    what came of looking for them."""

    told: dict[str, set[tuple[str, str]]]
    answers: list[Answer]
    errors: dict[str, SourceError]


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
        whole = found if plain else _undivided(ask, Piece(source, key, found))
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


def merge(ask: Ask, answers: Sequence[Answer], begun: Continuation, elsewhere: Elsewhere | None = None) -> Reading:
    """One reading of all answers, without what is told elsewhere."""
    looked = elsewhere.answers if elsewhere is not None else []
    told = elsewhere.told if elsewhere is not None else {}
    reports = [report for answer in (*answers, *looked) for report in (answer.reading.report, *answer.reading.reports)]
    merged = Reading({}, Report(""), reports=reports)
    for report in reports:
        add(merged.report, report)
    for answer in answers:
        names = answer.renamed
        for key, error in answer.reading.errors.items():
            merged.errors[names[key] if names is not None and key in names else key] = error
        merged.errors.update(answer.errors)
        merged.along += answer.reading.along
    merged.errors.update(elsewhere.errors if elsewhere is not None else {})
    for key, found in pieces_of(ask, answers).items():
        if found:
            merged.rows[key] = _one(ask, found, begun, told.get(key, ()))
        elif ask.by != "key" and key not in merged.errors:
            merged.rows[key] = Rows()
    return merged


def pieces_of(ask: Ask, answers: Sequence[Answer]) -> dict[str, list[Piece]]:
    """The parts of each key's list, in the order of the answers."""
    pieces: dict[str, list[Piece]] = {key: [] for key in ask.keys}
    for answer in answers:
        names = answer.renamed
        for key, rows in answer.reading.rows.items():
            final = names[key] if names is not None else key
            pieces.setdefault(final, []).append(Piece(answer.reading.report.source, key, rows))
    return pieces


class _Positions(Sequence[Position]):
    """Where each row of an undivided list goes on; worked out only for the rows that are asked about. It holds no rows:
    they may hold it (`note_told`), and nothing would go before the garbage collector came."""

    __slots__ = ("_end", "_key", "_records", "_source", "_theirs")

    def __init__(self, piece: Piece, end: Position | None) -> None:
        self._source, self._key, self._records = piece.source, piece.key, piece.rows.records
        self._theirs, self._end = piece.rows.positions, end

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if index in (len(self) - 1, -1):
            return self._end if self._end is not None else wrap(())
        rows = Rows(self._records, positions=self._theirs)
        return wrap([Part(self._source, self._key, place(rows, index))])


def _undivided(ask: Ask, piece: Piece) -> Rows | None:
    """The rows of a list that is in one part and no longer than what is asked for; None where it is not so."""
    rows, first = piece.rows, ask.page.first
    records = rows.records
    if (first is not None and len(records) > first) or len({record.key for record in records}) < len(records):
        return None
    end = wrap([Part(piece.source, piece.key, rows.next)]) if rows.more and rows.next is not None else None
    positions = _Positions(piece, end) if first is not None else ()
    return Rows(records, end is not None, end, rows.total, positions, rows.served)


def _one(ask: Ask, pieces: list[Piece], begun: Continuation, told: Collection[tuple[str, str]]) -> Rows:
    if len(pieces) == 1 and (whole := _undivided(ask, pieces[0])) is not None:
        return whole
    first, taken = ask.page.first, [0] * len(pieces)
    customers = {(piece.source, piece.key) for piece in pieces}
    kept: list[Record] = []
    positions: list[Position] = []
    each: list[Served] = []
    seen: set[str] = set()
    for index in _in_turn(ask, pieces, taken):
        piece = pieces[index]
        record = piece.rows.records[taken[index]]
        if record.key not in seen and (piece.source, record.key) not in told and _is_its_own(record, piece, customers):
            if first is not None and len(kept) == first:
                break
            if first is not None and kept:
                positions.append(wrap(_parts(pieces, taken, begun)))
            seen.add(record.key)
            kept.append(record)
            each.append(piece.rows.served)
        taken[index] += 1
    parts = _parts(pieces, taken, begun)
    if first is not None and kept:
        positions.append(wrap(parts))
    totals = [piece.rows.total for piece in pieces]
    exact = None if None in totals or len(seen) < sum(taken) else sum(total or 0 for total in totals)
    served = max((piece.rows.served for piece in pieces), key=_AGE.index)
    return Rows(kept, bool(parts), wrap(parts) if parts else None, exact, positions, served, each)


def _in_turn(ask: Ask, pieces: Sequence[Piece], taken: Sequence[int]) -> Iterator[int]:
    """Whose row is the next, as long as that is known: one piece after the other where there is no order. Whoever asks
    counts in `taken` what was taken of each."""
    by_record = cmp_to_key(comparison(ask.page.order)) if ask.page.order is not None else None
    while True:
        live = [index for index, piece in enumerate(pieces) if taken[index] < len(piece.rows.records)]
        if ask.page.first is not None:
            over = [index for index, piece in enumerate(pieces) if piece.goes_on and index not in live]
            if over and (by_record is not None or not live or over[0] < live[0]):
                return
        if not live:
            return
        if by_record is None or len(live) == 1:
            yield live[0]
        else:
            yield min(live, key=lambda index: by_record(pieces[index].rows.records[taken[index]]))


def _is_its_own(record: Record, piece: Piece, customers: Collection[tuple[str, str]]) -> bool:
    """Whether a record is told in this list and not in that of another customer of the same source."""
    named = record.source_account_id if isinstance(record, Owned) else piece.key
    return named == piece.key or (piece.source, named) not in customers


def _parts(pieces: Sequence[Piece], taken: Sequence[int], begun: Continuation) -> list[Part]:
    return [
        Part(piece.source, piece.key, after)
        for piece, used in zip(pieces, taken, strict=True)
        if (after := _goes_on(piece, used, begun)) is not None
    ]


def _goes_on(piece: Piece, used: int, begun: Continuation) -> Position | None:
    if used == len(piece.rows.records):
        return piece.rows.next if piece.rows.more else None
    return place(piece.rows, used - 1) if used else begun.parts.get((piece.source, piece.key), START)


def comparison(order: Order) -> Callable[[Record, Record], int]:
    """A comparison of records by `order`: nulls last, the key breaks ties, ascending. Who only knows the day of an
    instant (`received_on` of `received_at`) is sorted by its beginning."""
    day = f"{order.field.removesuffix('_at')}_on" if order.field.endswith("_at") else None

    def value(record: Record) -> Any:
        found = getattr(record, order.field, None)
        if found is None and day is not None:
            on: date | None = getattr(record, day, None)
            return None if on is None else datetime.combine(on, time(), UTC)
        return found.minor if isinstance(found, Money) else found

    def compare(left: Record, right: Record) -> int:
        a, b = value(left), value(right)
        if (a is None) != (b is None):
            return 1 if a is None else -1
        if a is not None and a != b:
            return -1 if (a < b) != order.descending else 1
        return -1 if left.key < right.key else int(left.key > right.key)

    return compare
