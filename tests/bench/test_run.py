"""A tiny run of the whole: everything starts, answers agree, every section of the report has numbers."""

import sys
from pathlib import Path

import msgspec
import pytest

from bench import agreement
from bench.arena import Arena
from bench.lineup import FACTS, OPSGRAPH, PLAIN, Gateway, contestants
from bench.report.page import write
from bench.results import Results
from bench.study import TINY, run
from bench.workloads import WORKLOADS

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="reads processor time from /proc")]


def test_a_tiny_run_measures_everybody_and_writes_the_report(tmp_path: Path) -> None:
    gone = Gateway("gone", "Gone", ("false",), missing="it is not installed")
    results = run(tmp_path, [*contestants(frozenset({"nobody else"})), gone], TINY, home=False, say=False)
    assert set(results.titles) == {OPSGRAPH.name, FACTS.name, PLAIN.name}
    assert results.left_out == {"Gone": "it is not installed"}
    assert results.calls[OPSGRAPH.name]["customer_360"] == dict(WORKLOADS[1].calls)
    for cells in results.closed.values():
        assert all(sample.cpu > 0 and sample.count > 0 for samples in cells.values() for sample in samples)
    for by_role in results.policy.values():
        assert {role: len(pairs.ratios()) for role, pairs in by_role.items()} == TINY.policy_pairs
        assert all(used > 0 for pairs in by_role.values() for used in (*pairs.free, *pairs.ruled))
    kept = msgspec.json.decode(msgspec.json.encode(results), type=Results)
    verdicts = write(kept, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "Lookup, cold: cheaper than plain Strawberry" in verdicts
    for heading in ("Targets", "Side by side", "At fixed rates", "What the policies cost", "Where the time goes"):
        assert f"## {heading}" in page
    assert "left out: **Gone**" in page
    assert "(95 % interval " in page
    assert {path.name for path in (tmp_path / "benchmarks").iterdir()} == {"cpu.svg", "slow.svg", "shares.svg"}


ANSWERS_WHATEVER_IS_ASKED = """
import sys, http.server
refuses = {refuses}
class Liar(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        status = 401 if refuses and not self.headers["authorization"] else 200
        body = b'{{"data": {{"account": null}}}}'
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Liar)
print("ready", flush=True)
server.serve_forever()
"""


@pytest.mark.parametrize(
    ("refuses", "told"),
    [(False, "`Liar` answers without a token"), (True, r"differ on `lookup` .*: \.data\.account: None and")],
)
def test_a_gateway_that_does_not_answer_as_the_others_stops_the_run(tmp_path: Path, refuses: bool, told: str) -> None:
    liar = Gateway("liar", "Liar", (sys.executable, "-c", ANSWERS_WHATEVER_IS_ASKED.format(refuses=refuses)))
    with Arena(tmp_path) as arena:
        for gateway in (PLAIN, liar):
            arena.start(gateway)
        with pytest.raises(agreement.Disagreement, match=told):
            agreement.check(arena)
