"""What our writer wrote is read by the `netsuite` package, an independent client, unchanged and in a process of its own."""

import asyncio
import json
from pathlib import Path

import pytest

from sources.canonical.commands import Application, ApproveSalesOrder, CreditPosted
from sources.vendors.netsuite.simulator import DEVELOPMENT
from tests.peers import interpreter
from tests.sources.netsuite.simulator.test_client import CLIENT
from tests.sources.netsuite.writer_account import erp
from tests.sources.netsuite.writer_commands import DAY, WHO, invoice, order, receipt, usd

_NAMES = ("account", "consumer_key", "consumer_secret", "token_id", "token_secret")


@pytest.mark.live
@pytest.mark.slow
async def test_the_published_client_reads_what_was_written() -> None:
    async with erp() as account:
        do = account.connector.do
        placed = await do(order(), "k-1")
        await do(ApproveSalesOrder(**WHO, sales_order_key=placed.key), "k-2")
        billed = await do(invoice(sales_order_key=placed.key, lines=()), "k-3")
        credit = await do(CreditPosted(**WHO, invoice_key=billed.key, amount=usd(1_000), posted_on=DAY), "k-4")
        settles = (Application(invoice_key=billed.key, amount=usd(2_000)),)
        paid = await do(receipt(applications=settles), "k-5")
        keys = {"salesOrder": placed, "invoice": billed, "creditMemo": credit, "customerPayment": paid}
        ran = await asyncio.create_subprocess_exec(
            str(interpreter(CLIENT)),
            str(Path(__file__).parent / "written_client.py"),
            account.url,
            json.dumps({name: getattr(DEVELOPMENT, name) for name in _NAMES}),
            json.dumps({kind: written.key for kind, written in keys.items()}),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(ran.communicate(), 120)
        assert ran.returncode == 0, err.decode()
    found = json.loads(out)
    assert (found["salesOrder"]["status"]["refName"], found["salesOrder"]["externalId"]) == ("Billed", "crm:801Z")
    posted = found["invoice"]
    assert (posted["tranId"], posted["total"], posted["taxTotal"]) == ("X-9", 30.85, 2.35)
    assert (posted["amountPaid"], posted["amountRemaining"], posted["createdFrom"]["id"]) == (30.0, 0.85, placed.key)
    assert (found["creditMemo"]["total"], found["creditMemo"]["unapplied"]) == (10.0, 0.0)
    (applied,) = found["customerPayment"]["apply"]["items"]
    assert (applied["doc"]["id"], applied["amount"]) == (billed.key, 20.0)
    assert [(row["type"], row["status"]) for row in found["query"]] == [
        ("SalesOrd", "G"),
        ("CustInvc", "A"),
        ("CustCred", "B"),
        ("CustPymt", "B"),
    ]
