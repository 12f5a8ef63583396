"""Operations as text: a table of many, a page of one, and what is new of one that is watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

_NONE = "—"
_WIDE = 60  # characters of a column that says why
_MINUTES = 16  # characters of an instant without its seconds
Node = Mapping[str, Any]


def listed(nodes: Sequence[Node]) -> str:
    """A table, one line an operation."""
    head = ("operation", "write", "state", "amount", "asked by", "accepted (UTC)", "why, or whom it waits for")
    return table(head, [_row(each) for each in nodes])


def _row(node: Node) -> tuple[str, ...]:
    return (
        node["key"],
        _text(node["mutation"]),
        _text(node["state"]),
        _money(node["amount"]),
        _text(node["human"] or node["askedBy"]),
        instant(node["acceptedAt"])[:_MINUTES],
        _cut(_waits(node)),
    )


def _waits(node: Node) -> str:
    """Whom an operation waits for, else why it is where it is."""
    asked = [each["role"] for each in node["approvals"] or [] if each and each["decision"] == "PENDING"]
    raised = [each for each in node["exceptions"] or [] if each and each["status"] != "RESOLVED"]
    if node["state"] == "AWAITING_APPROVAL" and asked:
        return f"{', '.join(dict.fromkeys(map(_text, asked)))} to approve"
    if node["state"] == "NEEDS_ATTENTION" and raised:
        last = raised[-1]
        return f"{_text(last['owner'])}: {_text(last['kind'])}, due {instant(last['dueAt'])[:_MINUTES]}"
    return _text(node["reason"])


def shown(node: Node) -> str:
    """One operation whole."""
    account, entity = node["account"] or {}, node["legalEntity"] or {}
    about = [f"{_text(account.get('name'))} ({_text(account.get('key'))})", _text(entity.get("key"))]
    lines = [
        f"{_text(node['mutation'])} {node['key']}",
        f"  {_text(node['state'])}" + (f": {_text(node['reason'])}" if node["reason"] else ""),
        f"  for {', '.join(about)}, {_money(node['amount'])}, asked by {_who(node)}",
        f"  accepted {instant(node['acceptedAt'])}, changed {instant(node['updatedAt'])}, UTC",
        f"  answered {_text(node['outcome'])}, correlation {_text(node['correlationId'])}",
    ]
    parts = [
        ("steps", _STEPS, [_step(each) for each in node["steps"] or []]),
        ("approvals", _APPROVALS, [_approval(each) for each in node["approvals"] or []]),
        ("exceptions", _EXCEPTIONS, [_exception(each) for each in node["exceptions"] or []]),
        ("history", _HISTORY, [_event(each) for each in node["history"] or []]),
    ]
    found = "\n".join(lines)
    return "\n".join([found, "", *(f"{name}{table(head, rows)}" for name, head, rows in parts if rows)])


_STEPS = ("#", "step", "came of it", "tries", "took", "system", "their request", "message")
_APPROVALS = ("who", "decision", "until (UTC)", "by", "approval", "why")
_EXCEPTIONS = ("owner", "kind", "status", "with", "due (UTC)", "exception", "reason")
_HISTORY = ("at (UTC)", "who", "what", "came of it", "rule", "why")


def _step(step: Node) -> tuple[str, ...]:
    back = "undo " if step["direction"] == "UNDO" else ""
    return (
        str(step["number"]),
        f"{back}{step['name']}",
        _text(step["outcome"]) if step["finishedAt"] else "under way",
        _text(step["attempts"]),
        _took(step),
        _text(step["source"]),
        _text(step["requestId"]),
        _cut(_text(step["message"])),
    )


def _approval(each: Node) -> tuple[str, ...]:
    why = each["reason"] or ", ".join(each["reasons"] or [])
    return (
        _text(each["role"]),
        _text(each["decision"]),
        instant(each["expiresAt"]),
        _text(each["decidedBy"]),
        each["key"],
        _cut(_text(why)),
    )


def _exception(each: Node) -> tuple[str, ...]:
    status = _text(each["resolution"] if each["status"] == "RESOLVED" else each["status"])
    reason = _cut(_text(each["reason"]))
    due, who = instant(each["dueAt"]), _text(each["resolvedBy"] or each["assignee"])
    return _text(each["owner"]), _text(each["kind"]), status, who, due, each["key"], reason


def _event(each: Node) -> tuple[str, ...]:
    reason, who = _cut(_text(each["reason"])), _text(each["human"] or each["actor"])
    return instant(each["at"]), who, _text(each["action"]), _text(each["decision"]), _text(each["rule"]), reason


class Seen:
    """What was told of a watched operation, so that only what is new is told."""

    def __init__(self) -> None:
        self._state: tuple[Any, Any] = (None, None)
        self._steps: set[tuple[Any, ...]] = set()

    def news(self, node: Node) -> Iterator[dict[str, Any]]:
        """The steps that ended or were tried again since, and the state if it is another one."""
        for step in node["steps"] or []:
            mark = (step["number"], step["direction"], step["attempts"], step["outcome"])
            if step["finishedAt"] and mark not in self._steps:
                self._steps.add(mark)
                yield {"at": step["finishedAt"], "step": {**step, "took": _took(step)}}
        if (node["state"], node["reason"]) != self._state:
            self._state = (node["state"], node["reason"])
            yield {"at": node["updatedAt"], "state": node["state"], "reason": node["reason"]}


def said(news: Node) -> str:
    """A line of what is new."""
    at = instant(news["at"])
    if "state" in news:
        return f"{at}  {news['state']}" + (f": {_text(news['reason'])}" if news["reason"] else "")
    step = news["step"]
    back = "undo " if step["direction"] == "UNDO" else ""
    where = f" in {step['source']}" if step["source"] else ""
    why = f": {_text(step['message'])}" if step["message"] else ""
    return f"{at}    {step['number']:>2} {back}{step['name']} {_text(step['outcome'])}{where}, {step['took']}{why}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they have to be, under a line."""
    every = [tuple(head), *map(tuple, rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    first, *body = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in every]
    return "\n  ".join(("", first, "─" * max(map(len, (first, *body))), *body)) + "\n"


def instant(text: str | None) -> str:
    """An instant in UTC, to the second."""
    if text is None:
        return _NONE
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _took(step: Node) -> str:
    if not step["finishedAt"] or not step["startedAt"]:
        return _NONE
    seconds = (datetime.fromisoformat(step["finishedAt"]) - datetime.fromisoformat(step["startedAt"])).total_seconds()
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:,.0f} s"


def _who(node: Node) -> str:
    return _text(f"{node['human']} ({node['askedBy']})" if node["human"] else node["askedBy"])


def _money(money: Node | None) -> str:
    return _NONE if money is None else f"{money['amount']} {money['currency']}"


def _text(value: Any) -> str:
    """A value in one line that no terminal mistakes for an order."""
    if value is None or value == "":
        return _NONE
    return "".join(each if each.isprintable() else " " for each in str(value))


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"
