"""A run goes on by what an earlier release wrote down: steps and records of a saga are those of its version."""

import hashlib
import json

import msgspec
import pytest

from resolvers.sagas.saga import Saga
from resolvers.sagas.writes import WRITES

SHAPES = {
    "amendSubscription/1": "4695d06f543b",
    "cancelSubscription/1": "a433aaabb90a",
    "escalateCase/1": "2afd3b42969c",
    "grantEntitlement/1": "b776803490b8",
    "issueCredit/1": "fc66fee386a8",
    "onboardAccount/1": "dc2c6e1f865e",
    "openCase/1": "5c4aec87f3e2",
    "recordPayment/1": "6cc9abc446d3",
    "refundPayment/1": "deacd93cbd5e",
    "renewSubscription/1": "b8291518d5ac",
    "resumeSubscription/1": "74559ecfa366",
    "reverseOrder/1": "d6ba8eb1bcb7",
    "revokeEntitlement/1": "dbda04f92c1c",
    "setCredit/1": "1af036d5d31f",
    "submitOrder/1": "d9bc6b4bc722",
    "suspendSubscription/1": "a76bb023a6e8",
    "updateAccount/1": "c9da9c63988c",
    "writeOff/1": "1a3bd1ee893c",
}


def shape(saga: Saga) -> str:
    """A digest of the steps' names in order, and of the fields of what is kept of a run."""
    kept = [
        [[each.encode_name, each.required] for each in msgspec.structs.fields(kind)]
        for kind in (saga.input, saga.known)
    ]
    return hashlib.sha256(json.dumps([[step.name for step in saga.steps], kept]).encode()).hexdigest()[:12]


@pytest.mark.parametrize("saga", WRITES, ids=lambda saga: saga.workflow)
def test_a_saga_that_changes_gets_another_version(saga: Saga) -> None:
    assert shape(saga) == SHAPES[saga.workflow], (
        f"`{saga.workflow}` is not what runs under way know: give it another version, keep this one until its last run "
        "has ended (docs/workers.md), and write the new digest here"
    )
