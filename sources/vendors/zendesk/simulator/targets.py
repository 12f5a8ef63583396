"""Which targets a ticket has: those of its organization's plan for its priority, applied anew when the ticket changes.

A plan that changes moves no ticket by itself; the ticket's next change does [K]. What was achieved stays achieved and
what was broken stays broken, whatever plan comes later. Minutes are calendar minutes: nobody works outside them here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from sources.simulation.enterprise import DeskSla
from sources.vendors.zendesk.simulator.desk import Applied, Desk, Measures
from sources.vendors.zendesk.simulator.facts import ANSWERED, FINISHED
from sources.vendors.zendesk.simulator.shapes import Object, look


class Targets:
    """The clocks of tickets, from the desk's policies."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def first(self, made: Object) -> Measures:
        """Those of a new ticket, from its creation."""
        applied = self._applied(made)
        slas = self._moved((), applied, None, made, datetime.fromisoformat(made["created_at"]))
        finished = made["status"] in FINISHED
        return Measures(_achieved(slas) if finished else slas, applied=applied)

    def after(self, before: Object, made: Object, known: Measures, now: datetime, *, answered: bool) -> Measures:
        """Those of a changed ticket. They end with its solution, and `answered` (in public, by an agent) ends those
        that wait for a reply; another plan, priority or organization gives other targets."""
        was, finished = before["status"] in FINISHED, made["status"] in FINISHED
        slas = _achieved(known.slas, ANSWERED) if answered else known.slas
        if finished:
            return Measures(_achieved(slas), known.reopens, known.solved_at if was else now, known.applied)
        applied = self._applied(made)
        if applied != known.applied:
            slas = self._moved(slas, applied, known.applied, made, now)
        return Measures(slas, known.reopens + was, None, applied)

    def _applied(self, made: Object) -> Applied:
        organization = self._desk.at("organizations", made["organization_id"])
        return Applied(look(organization, "support_plan") if organization is not None else None, made["priority"])

    def _minutes(self, applied: Applied | None) -> dict[str, int]:
        targets = self._desk.targets.get(applied.plan or "", ()) if applied is not None else ()
        return {each.metric: each.minutes for each in targets if applied and each.priority == applied.priority}

    def _moved(
        self, known: tuple[DeskSla, ...], applied: Applied, earlier: Applied | None, made: Object, now: datetime
    ) -> tuple[DeskSla, ...]:
        """The known clocks with other targets: a running one keeps its start."""
        created = datetime.fromisoformat(made["created_at"])
        old, new = self._minutes(earlier), self._minutes(applied)
        moved: dict[str, DeskSla] = {}
        for each in known:
            if each.stage == "achieved" or _broken(each, now) or (each.metric in new and each.breach_at is None):
                moved[each.metric] = each
            elif each.metric in new and each.breach_at is not None:
                start = each.breach_at - timedelta(minutes=old[each.metric]) if each.metric in old else created
                ends = max(start, created) + timedelta(minutes=new[each.metric])
                moved[each.metric] = msgspec.structs.replace(each, breach_at=ends)
        for metric, minutes in new.items():
            ends = created + timedelta(minutes=minutes)
            moved.setdefault(metric, DeskSla(metric=metric, stage="active", breach_at=ends))
        return tuple(moved.values())


def _achieved(slas: Iterable[DeskSla], only: frozenset[str] | None = None) -> tuple[DeskSla, ...]:
    return tuple(
        msgspec.structs.replace(each, stage="achieved") if only is None or each.metric in only else each
        for each in slas
    )


def _broken(sla: DeskSla, now: datetime) -> bool:
    return sla.breach_at is not None and sla.breach_at < now
