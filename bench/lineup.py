"""Who is measured: each gateway with the command that starts it, left out aloud where it cannot be started."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from bench.processes import PYTHON, ROOT

_NODE = ROOT / "bench" / "peers" / "node"


class Gateway(msgspec.Struct, frozen=True):
    """One contestant. `missing` says why it cannot take part."""

    name: str
    title: str
    command: tuple[str, ...]
    missing: str = ""
    cold: bool = True  # reads upstream for every request


OPSGRAPH = Gateway("opsgraph", "Opsgraph", (PYTHON, "-m", "bench.gateways.opsgraph"))
FACTS = Gateway(
    "opsgraph_facts", "Opsgraph, from facts", (PYTHON, "-m", "bench.gateways.opsgraph", "--facts"), cold=False
)
PLAIN = Gateway("strawberry", "Strawberry, plain", (PYTHON, "-m", "bench.peers.strawberry_plain"))
CACHED = Gateway(
    "strawberry_cached", "Strawberry, documents cached", (PYTHON, "-m", "bench.peers.strawberry_plain", "--cached")
)


def _node(name: str, title: str) -> Gateway:
    program: Path = _NODE / f"{name}.mjs"
    missing = ""
    if shutil.which("node") is None:
        missing = "`node` is not installed"
    elif not program.exists():
        missing = f"`bench/peers/node/{name}.mjs` is not there"
    elif not (_NODE / "node_modules").is_dir():
        missing = "its packages are not installed: run `npm ci` in `bench/peers/node`"
    return Gateway(name, title, ("node", str(program.relative_to(ROOT))), missing)


def contestants(only: frozenset[str] = frozenset()) -> list[Gateway]:
    """Everybody, or those named; Opsgraph and the plain peer always."""
    everybody = [
        OPSGRAPH,
        FACTS,
        PLAIN,
        CACHED,
        _node("apollo", "Apollo Server"),
        _node("yoga", "Yoga, graphql-jit, undici"),
        _node("bare", "Hand-written Node"),
        _node("tailcall", "Tailcall"),
    ]
    always = {OPSGRAPH.name, FACTS.name, PLAIN.name}
    return [each for each in everybody if not only or each.name in only or each.name in always]
