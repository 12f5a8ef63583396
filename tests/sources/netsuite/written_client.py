"""Runs inside the virtual environment of the `netsuite` package: reads with its REST client what was written, and prints it.

Usage: written_client.py BASE SECRETS KEYS: SECRETS is a JSON object of the client's TokenAuth and `account`, KEYS one of
the record types and their ids.
"""

# The package is not installed where types are checked.
# mypy: ignore-errors

import asyncio
import json
import sys

from netsuite import Config, NetSuiteRestApi, TokenAuth


class Redirected(NetSuiteRestApi):
    """The client as published; only scheme and host differ."""

    base = ""

    def _make_url(self, subpath):
        return f"{self.base}/services/rest{subpath}"


async def main(base, secrets, keys):
    account = secrets.pop("account")
    Redirected.base = base
    api = Redirected(Config(account=account, auth=TokenAuth(**secrets)))
    found = {}
    for kind, key in keys.items():
        found[kind] = await api.get(f"/record/v1/{kind}/{key}", params={"expandSubResources": "true"})
    query = (
        "SELECT type, externalid, foreigntotal, status FROM transaction WHERE custbody_gateway_op_id = ? ORDER BY id"
    )
    found["query"] = (await api.suiteql(query, limit=100, json={"params": ["op-1"]}))["items"]
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])))
