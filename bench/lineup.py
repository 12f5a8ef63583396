"""Who is measured: each gateway with the command that starts it, left out aloud where it cannot be started."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from bench.processes import PYTHON, ROOT

_NODE = ROOT / "bench" / "peers" / "node"


class Gateway(msgspec.Struct, frozen=True):
    """One contestant. `missing` says why it cannot take part, `skips` which questions it cannot be asked."""

    name: str
    title: str
    command: tuple[str, ...]
    missing: str = ""
    cold: bool = True  # reads upstream for every request
    skips: frozenset[str] = frozenset()


OPSGRAPH = Gateway("opsgraph", "Opsgraph", (PYTHON, "-m", "bench.gateways.opsgraph"))
FACTS = Gateway(
    "opsgraph_facts", "Opsgraph, from facts", (PYTHON, "-m", "bench.gateways.opsgraph", "--facts"), cold=False
)
PLAIN = Gateway("strawberry", "Strawberry, plain", (PYTHON, "-m", "bench.peers.strawberry_plain"))
CACHED = Gateway(
    "strawberry_cached", "Strawberry, documents cached", (PYTHON, "-m", "bench.peers.strawberry_plain", "--cached")
)


def _node(name: str, title: str, program_name: str, skips: frozenset[str] = frozenset()) -> Gateway:
    program: Path = _NODE / program_name
    missing = ""
    if shutil.which("node") is None:
        missing = "`node` is not installed"
    elif not program.exists():
        missing = f"`bench/peers/node/{program_name}` is not there"
    elif not (_NODE / "node_modules").is_dir():
        missing = "its packages are not installed: run `npm ci` in `bench/peers/node`"
    interpreter = "sh" if program.suffix == ".sh" else "node"
    return Gateway(name, title, (interpreter, str(program.relative_to(ROOT))), missing, skips=skips)


def contestants(only: frozenset[str] = frozenset()) -> list[Gateway]:
    """Everybody, or those named; Opsgraph and the plain peer always."""
    everybody = [
        OPSGRAPH,
        FACTS,
        PLAIN,
        CACHED,
        _node("apollo", "Apollo Server", "apollo.mjs"),
        _node("yoga", "Yoga, graphql-jit, undici", "yoga.mjs"),
        _node("bare", "graphql-jit and undici on node:http", "bare.mjs"),
        _node("tailcall", "Tailcall", "tailcall.sh", frozenset({"validate_order"})),
    ]
    always = {OPSGRAPH.name, FACTS.name, PLAIN.name}
    return [each for each in everybody if not only or each.name in only or each.name in always]
