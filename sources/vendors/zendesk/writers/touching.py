"""Several cases touched, so that the desk reckons their targets anew: a note on each, once for each."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from sources.abreast import abreast
from sources.canonical import CaseStatus
from sources.canonical.commands import TouchCases, Written
from sources.errors import Contended, Locked, Missing, OutcomeUnknown, SourceError
from sources.vendors.zendesk import mapping, wire
from sources.vendors.zendesk.writers.cases import TicketDeed

_OVER = (CaseStatus.RESOLVED, CaseStatus.CLOSED)


class Touching(TicketDeed[TouchCases]):
    """Each case has a key of its own below the command's: who repeats goes on where it stopped. Cases that are over, or
    gone, have no running targets and are passed over. `parts` of the answer are the cases that were touched."""

    async def found(self) -> Written | None:
        """What was done, where no open case is left to be touched."""
        self._left: dict[str, wire.Ticket] = {}
        self._touched: dict[str, Written] = {}
        cases = dict.fromkeys(self.command.case_keys)
        await abreast([partial(self._look, case) for case in cases], self.desk.settings.concurrency)
        return None if self._left else self._whole(replayed=True)

    async def done(self) -> Written:
        """Touches what is left; what fails does not keep the others from being touched, and is raised in the end. Who
        was at work on a case meanwhile is named before a refusal: those cases are looked at and tried again."""
        failed: list[SourceError] = []

        async def touch(case: str) -> None:
            try:
                await self._touch(case)
            except SourceError as error:
                failed.append(error)

        await abreast([partial(touch, case) for case in tuple(self._left)], self.desk.settings.concurrency)
        if failed:
            raise min(failed, key=lambda each: (not isinstance(each, OutcomeUnknown), not isinstance(each, Contended)))
        return self._whole(replayed=False)

    async def _look(self, case: str) -> None:
        """Whether a case is still to be touched: reads it, and then what was noted on it."""
        self._left.pop(case, None)
        try:
            ticket = await self.desk.ticket(case)
        except Missing:
            return
        if mapping.word(mapping.STATUS, "ticket.status", ticket.status) in _OVER:
            return
        known = await self.noted(ticket, self._key(case))
        if known is None:
            self._left[case] = ticket
            return
        self._touched[case] = known

    async def _touch(self, case: str) -> None:
        with suppress(Locked):  # it was closed meanwhile
            self._touched[case] = await self.change(self._left[case], self.command.note, self._key(case))

    def _key(self, case: str) -> str:
        return f"{self.key}:{case}"

    def _whole(self, *, replayed: bool) -> Written:
        touched = {case: self._touched[case] for case in self.command.case_keys if case in self._touched}
        return Written(
            source=self.desk.name,
            key=next(iter(touched), next(iter(self.command.case_keys), "")),
            at=max((each.at for each in touched.values()), default=self.desk.now()),
            parts={case: each.key for case, each in touched.items()},
            replayed=replayed,
        )
