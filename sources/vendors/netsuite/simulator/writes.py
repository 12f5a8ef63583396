"""POST, PATCH, PUT eid:, DELETE and transforms of records: 204 and a Location, no body."""

# ruff: noqa: S608 - table and column names come from this package; values are always bound

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from sources.vendors.netsuite.simulator import customers, documents, effects, facts, settlements, transforms
from sources.vendors.netsuite.simulator.amounts import ZERO, exact, rounded
from sources.vendors.netsuite.simulator.book import insert_named
from sources.vendors.netsuite.simulator.dates import mark
from sources.vendors.netsuite.simulator.documents import Circumstances, Draft, Parties
from sources.vendors.netsuite.simulator.errors import Refusal, business, missing
from sources.vendors.netsuite.simulator.lines import Line, given_lines, merged, stored
from sources.vendors.netsuite.simulator.postings import refuse_locked
from sources.vendors.netsuite.simulator.properties import (
    columns,
    properties,
    referred,
    refuse_duplicate,
    subsidiary_of,
)
from sources.vendors.netsuite.simulator.records import Row, row_of
from sources.vendors.netsuite.simulator.shapes import WRITABLE, Shape


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One write as it arrived. `wanted`: `{id}` or `eid:{externalId}`, empty for a POST. `strict`: unknown property
    names are errors (X-NetSuite-PropertyNameValidation: Error), otherwise they are left out. `replace`: sublists of
    which only the given lines stay. `source`: of a transform, the type it starts from (then `wanted` is its id).
    `version`: how often the record had been changed when the request came, None where there was none."""

    method: str
    shape: Shape
    wanted: str
    body: bytes
    strict: bool
    under: Circumstances
    replace: frozenset[str] = frozenset()
    source: Shape | None = None
    version: int | None = None
    current: Any = None  # (table, key) -> how often it has been changed by now


class Applied(msgspec.Struct, frozen=True):
    """What was written; `effect` None: nothing is different from before."""

    key: int
    effect: str | None


def apply(book: sqlite3.Connection, write: Write) -> Applied:
    """Carries the write out in one transaction; raises Refusal and changes nothing then."""
    book.execute("BEGIN")
    try:
        done = _delete(book, write) if write.method == "DELETE" else _save(book, write)
    except BaseException:
        book.execute("ROLLBACK")
        raise
    book.execute("COMMIT")
    return done


def _save(book: sqlite3.Connection, write: Write) -> Applied:
    if write.shape.name not in WRITABLE:
        raise Refusal(405, "INVALID_REQUEST", f"The simulator does not write '{write.shape.name}' yet.")
    given = properties(write.shape, write.body, strict=write.strict)
    if write.source is not None:
        return Applied(_create(book, write, given), "create")
    row = row_of(book, write.shape, write.wanted) if write.wanted else None
    external = write.wanted.removeprefix("eid:") if write.wanted.startswith("eid:") else None
    if write.wanted and row is None and not (write.method == "PUT" and external is not None):
        raise missing()
    if external is not None:
        given = {"externalId": external, **given}
    if row is None:
        return Applied(_create(book, write, given), "create")
    key = int(row["id"])
    _refuse_changed(write, key)
    before = effects.state(book, write.shape, key)
    _change(book, write, given, row)
    return Applied(key, effects.verb(write.shape, before, effects.state(book, write.shape, key)))


def _refuse_changed(write: Write, key: int) -> None:
    """Raises Refusal where somebody else saved (or made) the record while this request was under way."""
    if write.current is None:
        return
    if write.version is None:
        raise business(facts.DUPLICATE_RECORD)
    if write.current(write.shape.table, key) != write.version:
        raise Refusal(400, "RCRD_HAS_BEEN_CHANGED", facts.CHANGED)


def _create(book: sqlite3.Connection, write: Write, given: dict[str, Any]) -> int:
    shape = write.shape
    found = columns(book, shape, given)
    refuse_duplicate(book, shape, found.get("externalid"))
    if shape.transaction is None:
        return customers.create(book, given, found, write.under.now)
    kind, source, subsidiary = shape.transaction, None, subsidiary_of(book, given)
    if write.source is not None:
        source = transforms.source_of(book, write.source.transaction or "", kind, write.wanted)
        found = transforms.inherited(source, kind) | found
        subsidiary = subsidiary or source.subsidiary
    who = documents.parties(book, found.get("entity"), subsidiary, found.get("currency"))
    pricing = who.pricing(book, kind)
    old = transforms.lines_of(book, source, kind, pricing) if source is not None else []
    asked = given_lines(given.get("item"), strict=write.strict)
    lines = merged(old, asked, partial(referred, book, "item"), pricing, replace="item" in write.replace)
    draft = Draft(
        kind=kind,
        columns=found,
        lines=_tax_told(given, lines, who),
        applied=_applied(book, given, source, found, lines),
        created_from=None if source is None else int(source.row["id"]),
        deposited=given.get("account") is not None,
    )
    key = documents.create(book, draft, who, write.under)
    if source is not None and source.row["type"] == "SalesOrd":
        transforms.bill(book, source, key, draft.lines)
    return key


def _applied(
    book: sqlite3.Connection,
    given: dict[str, Any],
    source: transforms.Source | None,
    found: dict[str, object],
    lines: Sequence[Line],
) -> list[settlements.Wanted]:
    if source is not None and "apply" not in given and source.row["type"] == "CustInvc":
        total = sum((one.amount + one.tax for one in lines), ZERO) or exact(str(found.get("foreigntotal") or 0))
        return transforms.applied_to_source(source, total)
    return settlements.given_applications(given.get("apply"), partial(referred, book, "transaction"))


def _tax_told(given: dict[str, Any], lines: list[Line], who: Parties) -> list[Line]:
    """The lines with the tax of `taxDetails`, where the caller overrides what the ERP would reckon: every line needs an
    entry with its `taxDetailsReference`."""
    if given.get("taxDetailsOverride") is not True:
        return lines
    details = given.get("taxDetails")
    told: dict[str, Decimal] = {}
    for one in details.get("items", ()) if isinstance(details, dict) else ():
        reference = str(one.get("taxDetailsReference"))
        told[reference] = told.get(reference, ZERO) + rounded(exact(one.get("taxAmount")), who.symbol)
    for number, line in enumerate(lines, 1):
        if line.tax_reference not in told:
            raise business(facts.NO_TAX_DETAILS.format(line=f"line {number}"))
    return [msgspec.structs.replace(line, tax=told[str(line.tax_reference)]) for line in lines]


def _change(book: sqlite3.Connection, write: Write, given: dict[str, Any], row: Row) -> None:
    shape, key, now = write.shape, int(row["id"]), write.under.now
    found = columns(book, shape, given)
    refuse_duplicate(book, shape, found.get("externalid"), key)
    if shape.transaction is None:
        customers.refuse_change(book, row, found)
        customers.put_address(book, key, given)
        found["lastmodifieddate"] = mark(now)
        names = ", ".join(f'"{name}" = ?' for name in found)
        book.execute(f'UPDATE "{shape.table}" SET {names} WHERE id = ?', (*found.values(), key))
        return
    refuse_locked(book, row, found)
    found["lastmodifieddate"] = mark(now)
    who = documents.parties(book, found.get("entity", row["entity"]), subsidiary_of(book, given), found.get("currency"))
    lines = None
    if "item" in given:
        asked = given_lines(given["item"], strict=write.strict)
        old = stored(book, key, shape.transaction)
        pricing, refer = who.pricing(book, shape.transaction), partial(referred, book, "item")
        lines = _tax_told(given, merged(old, asked, refer, pricing, replace="item" in write.replace), who)
    documents.change(book, row, found, lines, write.under)
    if "apply" in given:
        wanted = settlements.given_applications(given["apply"], partial(referred, book, "transaction"))
        settlements.settle(book, key, wanted, who.symbol, now.date())


def _delete(book: sqlite3.Connection, write: Write) -> Applied:
    row = row_of(book, write.shape, write.wanted)
    if row is None:
        raise missing()
    key = int(row["id"])
    if write.shape.name == "customer":
        customers.refuse_delete(book, row)
    else:
        documents.refuse_delete(book, row)
    book.execute(f'DELETE FROM "{write.shape.table}" WHERE id = ?', (key,))
    if write.shape.transaction:
        for table in ("transactionline", "transactionaccountingline"):
            book.execute(f'DELETE FROM "{table}" WHERE "transaction" = ?', (key,))
    gone = {"recordid": key, "recordtypeid": write.shape.name.lower(), "name": None}
    insert_named(book, "deletedrecord", gone | {"deleteddate": mark(write.under.now)})
    return Applied(key, "delete")
