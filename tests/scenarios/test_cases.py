"""Cases: the last incident of a pack, and two agents who want it at the same moment."""

import asyncio

import pytest

from resolvers.sagas.answer import Answer
from resolvers.sagas.grounds import Asker
from resolvers.sagas.writes.open_case import OpenCase
from sources import canonical as c
from sources.store.operations import Outcome
from tests.scenarios.office import AGENT, LEAD, Office

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
async def test_the_last_incident_of_a_pack_is_used_once(office: Office) -> None:
    account = office.account("pack_one_left")
    before = await office.read(c.Case, "account", account)

    async def opened(who: Asker, subject: str) -> Answer:
        return await office.send("openCase", OpenCase(account=account, subject=subject, body="since noon"), who)

    answers = await asyncio.gather(opened(AGENT, "it is slow"), opened(LEAD, "it is down"))
    assert sorted(each.member for each in answers) == [Outcome.COMPLETED, Outcome.REJECTED]
    after = await office.read(c.Case, "account", account)
    assert len(after) == len(before) + 1
