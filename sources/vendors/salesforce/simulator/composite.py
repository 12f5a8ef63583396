"""Several calls in one: a batch of independent ones, and a composite whose calls build on each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sources.vendors.salesforce.simulator import facts
from sources.vendors.salesforce.simulator.calls import ROOT, Answer, Call, addressed, flag
from sources.vendors.salesforce.simulator.errors import Refusal, assumed
from sources.vendors.salesforce.simulator.store import Store

_METHODS = frozenset({"GET", "POST", "PATCH", "PUT", "DELETE"})
_REFERENCE = re.compile(r"@\{([^}]*)\}")
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")

Row = dict[str, Any]
Dispatch = Callable[[Call], Answer]


class _Unresolved(Exception):
    """A reference to a call that failed, or to a field its answer does not have."""


class _Undo(Exception):
    """Leaves a transaction so that it is undone."""


class Batch:
    """`composite/batch`: run one after the other, each counted as a call; one that fails does not undo the others."""

    def __init__(self, dispatch: Dispatch, spend: Callable[[], None]) -> None:
        self._dispatch, self._spend = dispatch, spend

    def answer(self, call: Call) -> Answer:
        """Results in the order of the requests."""
        call.allow("POST")
        requests = [_request(row) for row in call.listed("batchRequests", facts.SUBREQUESTS)]
        halts, failed, results = flag(call.fields().get("haltOnError")), False, []
        for row in requests:
            if failed and halts:
                halted = assumed(412, facts.Assumed.BATCH_HALTED)
                results.append({"statusCode": 412, "result": halted.body})
                continue
            answer = self._one(row, call)
            failed = failed or answer.status >= 400
            results.append({"statusCode": answer.status, "result": answer.body})
        return Answer(body={"hasErrors": failed, "results": results})

    def _one(self, row: Row, outer: Call) -> Answer:
        try:
            self._spend()
            url = row["url"] if row["url"].startswith(ROOT) else f"{ROOT}/{row['url'].lstrip('/')}"
            return self._dispatch(_inner(row["method"], url, outer.headers, row.get("richInput")))
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body)


class Composite:
    """`composite`: calls in order, later ones referring to the answers of earlier ones; one call against the limit."""

    def __init__(self, dispatch: Dispatch, store: Store) -> None:
        self._dispatch, self._store = dispatch, store

    def answer(self, call: Call) -> Answer:
        """Answers in the order of the requests; 200 whatever became of them."""
        call.allow("POST")
        requests = [_request(row) for row in call.listed("compositeRequest", facts.SUBREQUESTS)]
        _check(requests)
        answers: dict[str, Answer] = {}
        try:
            with self._store.transaction():
                for row in requests:
                    answers[row["referenceId"]] = self._one(row, answers)
                failed = {name for name, answer in answers.items() if answer.status >= 400}
                if failed and flag(call.fields().get("allOrNone")):
                    raise _Undo
        except _Undo:
            halted = Answer(400, assumed(400, facts.Assumed.HALTED).body)
            answers = {name: answer if name in failed else halted for name, answer in answers.items()}
        return Answer(body={"compositeResponse": [_told(name, answer) for name, answer in answers.items()]})

    def _one(self, row: Row, answers: dict[str, Answer]) -> Answer:
        try:
            url, body = _filled(row["url"], answers), _filled(row.get("body"), answers)
            given = row.get("httpHeaders") or {}
            headers = (
                {str(name).lower(): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
            )
            return self._dispatch(_inner(row["method"], str(url), headers, body))
        except _Unresolved as unresolved:
            return Answer(400, Refusal(400, "PROCESSING_HALTED", str(unresolved)).body)
        except Refusal as refusal:
            return Answer(refusal.status, refusal.body)


def _request(row: Any) -> Row:
    if not isinstance(row, dict) or not isinstance(row.get("url"), str) or row.get("method") not in _METHODS:
        raise Refusal(400, "JSON_PARSER_ERROR", "each subrequest needs a `method` and a `url`")
    return row


def _check(requests: list[Row]) -> None:
    """Reference ids are unique, and at most five subrequests are queries or collections."""
    names = [row.get("referenceId") for row in requests]
    if len(set(map(str, names))) < len(names) or not all(isinstance(name, str) and name for name in names):
        raise Refusal(400, "INVALID_INPUT", "each subrequest needs a `referenceId` of its own")
    heavy = [row for row in requests if re.search(r"/(query|queryAll|composite/sobjects)(/|\?|$)", row["url"])]
    if len(heavy) > facts.COMPOSITE_QUERIES:
        raise assumed(400, facts.Assumed.TOO_MANY, facts.COMPOSITE_QUERIES, "queries and collections")


def _inner(method: str, url: str, headers: Any, body: Any) -> Call:
    call = addressed(method, url, headers, body)
    if call.segments[:1] == ("composite",) and call.segments[1:2] != ("sobjects",):
        raise Refusal(400, "INVALID_INPUT", "a subrequest cannot be composite itself")
    return call


def _told(name: str, answer: Answer) -> Row:
    return {"body": answer.body, "httpHeaders": answer.headers, "httpStatusCode": answer.status, "referenceId": name}


def _filled(given: Any, answers: dict[str, Answer]) -> Any:
    """The same with every `@{ref.field}` replaced; one that is a whole value keeps its kind."""
    if isinstance(given, dict):
        return {name: _filled(value, answers) for name, value in given.items()}
    if isinstance(given, list):
        return [_filled(value, answers) for value in given]
    if not isinstance(given, str):
        return given
    whole = _REFERENCE.fullmatch(given)
    if whole:
        return _found(whole[1], answers)
    return _REFERENCE.sub(lambda match: str(_found(match[1], answers)), given)


def _found(path: str, answers: dict[str, Answer]) -> Any:
    steps = _STEP.findall(path)
    name = steps[0][0] if steps else ""
    answer = answers.get(name)
    if answer is None or answer.status >= 400:
        raise _Unresolved(f"Invalid reference specified. No value for {path} found in {name}")
    found = answer.body
    for key, place in steps[1:]:
        try:
            found = found[int(place)] if place else found[key]
        except (KeyError, IndexError, TypeError):
            raise _Unresolved(f"Invalid reference specified. No value for {path} found in {name}") from None
    return found
