"""The gateway in front of a simulated company that runs already: as `opsgraph serve`, without a settings file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.serving import serve
from gateway.app import create_app
from gateway.cli.serve import run_async
from gateway.settings import parse


def main(arguments: Sequence[str] | None = None) -> None:
    """`python -m bench.home.gateway --port P --town FILE`; the file has the line that the company printed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--town", type=Path, required=True)
    parser.add_argument("--remember", action="store_true", help="keep facts as it ships")
    options = parser.parse_args(arguments)
    known = json.loads(options.town.read_text())
    issuer = {"issuer": known["issuer"], "audience": known["audience"], "jwks": known["jwks"]}
    remembering = {"enabled": False}  # what is measured is what asking the sources takes
    tree = {
        "identity": {"issuers": [issuer]},
        "sources": known["sources"],
        "cache": {} if options.remember else remembering,
    }
    app = create_app(parse(tree, known["secrets"]))
    loaded = [name for name in sys.modules if "simula" in name and name.split(".")[0] == "sources"]
    assert not loaded, f"what serves has loaded simulators: {loaded}"
    run_async(serve(app, options.port))


if __name__ == "__main__":
    main()
