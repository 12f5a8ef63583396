"""All that a desk holds, as it is now."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from sources.simulation.kit import Holdings
from sources.vendors.zendesk.simulator.desk import Desk
from sources.vendors.zendesk.simulator.history import History
from sources.vendors.zendesk.simulator.shapes import SINGULAR, Entry, show, stamp

_SAVED = frozenset({"updated_at", "generated_timestamp"})


def holdings(desk: Desk, history: History) -> Holdings:
    """Every organization, user, group and ticket; a ticket with what was said on it and when its targets are missed."""
    return {
        SINGULAR[kind]: {str(key): _whole(desk, history, kind, entry) for key, entry in list(entries.items())}
        for kind, entries in desk.tables.items()
    }


def _whole(desk: Desk, history: History, kind: str, entry: Entry) -> dict[str, Any]:
    found = {name: value for name, value in show(entry).items() if name not in _SAVED}
    if kind == "tickets":
        said = [(each["author_id"], each["body"], each["public"]) for each in history.comments(entry)]
        slas = [(each.metric, stamp(each.breach_at), each.stage) for each in desk.measures(entry).slas]
        found |= {"comments": said, "slas": slas}
    return deepcopy(found)
