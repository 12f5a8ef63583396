"""How an order comes to be with all its lines, over as many requests as it takes, and which of them are there.

The order and its first lines are made in one request, further lines in further ones: each has a unique key of its own,
so that a repetition adds what is missing. An order that is to be activated is so with its last lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from sources.canonical.commands import Command, Written
from sources.errors import (
    BadAsk,
    Contended,
    Duplicate,
    Locked,
    Missing,
    OutcomeUnknown,
    Rejected,
    Remedy,
    SourceError,
)
from sources.vendors.salesforce import facts
from sources.vendors.salesforce.writers import wire
from sources.vendors.salesforce.writers.org import Org, Ref, Step, Told, born, said
from sources.vendors.salesforce.writers.outcome import same, written

LINES = facts.COMPOSITE - 3
"""Lines of one request, besides the order, its activation and what is read back."""


class Line(msgspec.Struct, frozen=True):
    """A line to be made: the command's key of it, and its fields."""

    key: str
    fields: Mapping[str, Any]


class Making(msgspec.Struct, frozen=True):
    """What is to be there: quantities by the command's line keys, and fields of the order by which it is known."""

    quantities: Mapping[str, Decimal]
    head: Mapping[str, str | None]


class Maker:
    """Makes orders in one org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def make(
        self,
        command: Command,
        key: str,
        making: Making,
        head: Mapping[str, Any],
        lines: Sequence[Line],
        *,
        activated: bool,
    ) -> Written:
        """A new order; where it was made before, what it lacks."""
        first, last = lines[:LINES], len(lines) <= LINES
        signature = born(command, key)
        steps = [Step("order", "POST", "/sobjects/Order", {**said(head), **signature})]
        steps += self._steps(command, key, first, Ref("order"))
        if activated and last:
            steps.append(_activation("@{order.id}"))
        steps.append(self._org.back(wire.Order, "@{order.id}"))
        try:
            told = await self._org.write("order.put", steps)
        except Duplicate:
            order = await self._org.made(wire.Order, key)
            if order is None:
                raise
            return await self._continue(command, key, order, making, lines, activated=activated)
        order = self._org.shown(told, wire.Order)
        parts = {line.key: self._org.shown(told, wire.Done, f"line{place}").id for place, line in enumerate(first)}
        if not last:
            order, more, _ = await self._rest(command, key, order, lines[LINES:], activated=activated, ours=True)
            parts |= more
        return written(self._org, order, number=order.OrderNumber, parts=parts, request_id=told.request_id)

    async def _continue(
        self,
        command: Command,
        key: str,
        order: wire.Order,
        making: Making,
        lines: Sequence[Line],
        *,
        activated: bool,
    ) -> Written:
        """The order that was made under this key, with the lines that it lacked."""
        parts = await self._parts(order, key, making)
        missing = [line for line in lines if line.key not in parts]
        if missing or (activated and order.StatusCode == facts.DRAFT):
            order, more, request = await self._rest(command, key, order, missing, activated=activated)
            return written(self._org, order, number=order.OrderNumber, parts=parts | more, request_id=request)
        return await self._replayed(order, parts)

    async def _replayed(self, order: wire.Order, parts: Mapping[str, str]) -> Written:
        """An order that is complete. Lines that came by several requests may have come since it was read."""
        if len(parts) > LINES:
            order = await self._org.one(wire.Order, order.Id)
        return written(self._org, order, number=order.OrderNumber, parts=parts, replayed=True)

    async def _rest(
        self,
        command: Command,
        key: str,
        order: wire.Order,
        lines: Sequence[Line],
        *,
        activated: bool,
        ours: bool = False,
    ) -> tuple[wire.Order, dict[str, str], str | None]:
        """Adds lines to an order, as many in a request as it takes; the last one activates it. `ours`: this very
        attempt has made the order, and nobody was told of it."""
        if order.StatusCode != facts.DRAFT:
            raise Locked(
                f"`{self._org.source}` has order `{order.OrderNumber}` as `{order.StatusCode}` and without some of its "
                "lines: make a new one",
                source=self._org.source,
            )
        parts: dict[str, str] = {}
        request = None
        for start in range(0, max(len(lines), 1), LINES):
            some = lines[start : start + LINES]
            steps = self._steps(command, key, some, order.Id)
            if activated and start + LINES >= len(lines):
                steps.append(_activation(order.Id))
            steps.append(self._org.back(wire.Order, order.Id))
            told = await self._added(order.Id, steps, withdrawn=ours)
            order, request = self._org.shown(told, wire.Order), told.request_id
            parts |= {line.key: self._org.shown(told, wire.Done, f"line{place}").id for place, line in enumerate(some)}
        return order, parts, request

    async def _added(self, order: str, steps: Sequence[Step], *, withdrawn: bool) -> Told:
        """Where a line is refused the draft goes, if it may be `withdrawn`: it would be an order that nobody asked for,
        and its key is free. One that an earlier attempt has made stays: it may have been told of, and is taken back by
        who asked for it. Where a line is there already, somebody else adds them just now under the same key."""
        try:
            return await self._org.write("order.lines", steps)
        except Duplicate as error:
            raise Contended(
                f"`{self._org.source}` is given these lines by somebody else", source=error.source
            ) from error
        except (Rejected, Locked, Missing, BadAsk):
            if withdrawn:
                await self._withdraw(order)
            raise

    async def _withdraw(self, order: str) -> None:
        """Deletes a draft; raises OutcomeUnknown where it may still be there."""
        try:
            await self._org.write("order.withdraw", [Step("gone", "DELETE", f"/sobjects/Order/{order}")])
        except Missing:
            return
        except SourceError as error:
            raise OutcomeUnknown(
                f"`{self._org.source}` refused a line, and may have kept the order `{order}` without it: look for it",
                remedy=Remedy.READ,
                source=self._org.source,
                status=error.status,
                vendor_code=error.vendor_code,
                request_id=error.request_id,
            ) from error

    def _steps(self, command: Command, key: str, lines: Sequence[Line], order: Ref | str) -> list[Step]:
        return [
            Step(
                f"line{place}",
                "POST",
                "/sobjects/OrderItem",
                {"OrderId": order, **said(line.fields), **born(command, f"{key}:{line.key}")},
            )
            for place, line in enumerate(lines)
        ]

    async def _parts(self, order: wire.Order, key: str, making: Making) -> dict[str, str]:
        """The products of an order by the line keys of the change that made them. Raises Duplicate where the key made
        something else than is asked for now."""
        prefix = f"{key}:"
        items = [item for item in await self._org.items(order.Id) if (item.Gateway_Op_Id__c or "").startswith(prefix)]
        made = {str(item.Gateway_Op_Id__c).removeprefix(prefix): item for item in items}
        same(self._org, "order", found={name: getattr(order, name) for name in making.head}, asked=making.head)
        asked = {line: making.quantities.get(line) for line in made}
        same(self._org, "order", found={line: item.Quantity for line, item in made.items()}, asked=asked)
        return {line: item.Id for line, item in made.items()}

    async def begun(self, key: str, making: Making) -> Written | None:
        """The order with the lines that it has, whether these are all or not."""
        order = await self._org.made(wire.Order, key)
        return None if order is None else await self._replayed(order, await self._parts(order, key, making))

    async def found(self, key: str, making: Making, *, activated: bool) -> Written | None:
        """The order with all its lines, and activated where it is to be; None where any of that is missing."""
        order = await self._org.made(wire.Order, key)
        if order is None:
            return None
        parts = await self._parts(order, key, making)
        if set(parts) != set(making.quantities) or (activated and order.StatusCode == facts.DRAFT):
            return None
        return await self._replayed(order, parts)


def _activation(order: str) -> Step:
    return Step("activation", "PATCH", f"/sobjects/Order/{order}", {"Status": facts.ACTIVATED})
