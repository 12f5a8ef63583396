"""Runs inside the virtual environment of the `netsuite` package: drives its REST client and prints what it got.

Usage: client.py BASE SECRETS, both JSON-safe texts; SECRETS is a JSON object of the client's TokenAuth and `account`.
"""

# The package is not installed where types are checked.
# mypy: ignore-errors

import asyncio
import json
import sys

from netsuite import Config, NetSuiteRestApi, TokenAuth
from netsuite.exceptions import NetsuiteAPIRequestError


class Redirected(NetSuiteRestApi):
    """The client as published; only scheme and host differ."""

    base = ""

    def _make_url(self, subpath):
        return f"{self.base}/services/rest{subpath}"


async def said(request):
    try:
        return await request
    except NetsuiteAPIRequestError as error:
        return {"status": error.status_code, "body": json.loads(error.response_text)}


async def main(base, secrets):
    account = secrets.pop("account")
    Redirected.base = base
    api = Redirected(Config(account=account, auth=TokenAuth(**secrets)))
    stranger = Redirected(Config(account=account, auth=TokenAuth(**secrets | {"token_secret": "wrong"})))
    query = "SELECT id, companyname FROM customer WHERE companyname LIKE '%さくら%' OR id = ? ORDER BY id"
    found = {
        "suiteql": await said(api.suiteql(query, limit=10, json={"params": [101]})),
        "second_page": await said(api.suiteql("SELECT id FROM transaction ORDER BY id", limit=5, offset=5)),
        "unknown_column": await said(api.suiteql("SELECT nope FROM customer")),
        "record": await said(api.get("/record/v1/invoice/1001", params={"expandSubResources": "true"})),
        "upsert": await said(
            api.put("/record/v1/customer/eid:new", json={"companyName": "Ö", "subsidiary": {"id": "2"}})
        ),
        "unknown_property": await said(api.patch("/record/v1/customer/eid:new", json={"nope": 1})),
        "upserted": await said(api.get("/record/v1/customer/eid:new")),
        "schema": await said(api.jsonschema("customer")),
        "stranger": await said(stranger.suiteql("SELECT id FROM customer")),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
