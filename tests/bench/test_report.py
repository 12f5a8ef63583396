"""From numbers to verdicts, and from a profile to parts."""

import cProfile
import json
import random
from pathlib import Path

import pytest

from bench.agreement import difference
from bench.arena import Sample
from bench.report.charts import Bar, bars, stacks
from bench.report.targets import Target, at_least, at_most, verdict
from bench.results import Pairs, interval, middle, ratios
from bench.shares import LOOP, part_of, shares


def sample(cpu: float) -> Sample:
    return Sample(count=1, failed=0, late=0, rate=1.0, cpu=cpu, p50=1.0, p99=1.0, busy={})


def test_the_median_counts_and_ratios_are_taken_round_by_round() -> None:
    ours, theirs = [sample(1.0), sample(2.0), sample(9.0)], [sample(4.0), sample(4.0), sample(18.0)]
    assert middle(ours) == 2.0
    assert ratios(ours, theirs) == [4.0, 2.0, 2.0]


def test_what_rules_cost_is_taken_pair_by_pair() -> None:
    assert Pairs([1.0, 2.0], [1.5, 2.0]).ratios() == [1.5, 1.0]


@pytest.mark.parametrize(
    ("count", "ranks"),  # the ranks as statistical tables have them
    [(6, (1, 6)), (8, (1, 8)), (9, (2, 8)), (20, (6, 15)), (60, (22, 39)), (100, (40, 61)), (5, (1, 5)), (1, (1, 1))],
)
def test_the_interval_of_a_median_lies_between_two_of_the_sorted_values(count: int, ranks: tuple[int, int]) -> None:
    assert interval([float(rank) for rank in range(count, 0, -1)]) == ranks


def test_the_interval_holds_the_median_in_at_least_95_of_100_cases() -> None:
    draw = random.Random(7)
    held = 0
    for _ in range(2000):
        low, high = interval([draw.lognormvariate(0, 1) for _ in range(30)])
        held += low <= 1.0 <= high
    assert 0.94 < held / 2000 < 0.98


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (at_least("x", 7.0, 7.0), "reached"),
        (at_least("x", 6.9, 7.0), "**not reached**"),
        (at_most("x", 1.3, 1.3), "reached"),
        (at_most("x", 1.31, 1.3), "**not reached**"),
        (at_most("x", 1.024, 1.02, digits=3), "**not reached**"),
    ],
)
def test_a_target_is_reached_at_its_bound_and_not_beyond(target: Target, told: str) -> None:
    assert verdict(target) == told


def test_the_first_difference_of_two_answers_is_named_by_its_place() -> None:
    one = {"data": {"a": [{"b": 1}, {"b": 2}]}, "extensions": {"x": 1}}
    other = {"data": {"a": [{"b": 1}, {"b": 3}]}, "extensions": {"x": 2}}
    assert difference(one, other) == ".data.a[1].b: 2 and 3"
    assert difference(one, one) == ""


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/x/gateway/http/graphql.py", "edge"),
        ("/x/gateway/engine/run.py", "engine"),
        ("/x/sources/catalog.py", "catalog"),
        ("/x/sources/vendors/stripe/mapping/invoices.py", "connector: map"),
        ("/x/sources/vendors/stripe/readers/invoices.py", "connector: read"),
        ("/x/sources/transport.py", "transport"),
        ("/x/site-packages/aiohttp/client.py", "transport"),
        ("<selection Account>", "engine"),
        ("/x/json/decoder.py", "other"),
    ],
)
def test_a_file_belongs_to_the_first_part_that_has_a_place_for_it(path: str, part: str) -> None:
    assert part_of(path) == part


def test_built_ins_count_for_their_callers_and_the_rest_of_the_time_for_the_loop(tmp_path: Path) -> None:
    code = compile(
        "def work():\n    return sorted(range(200000, 0, -1), key=lambda n: -n)\n", "/x/gateway/http/a.py", "exec"
    )
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102 - a function of a file of our choice
    profile = cProfile.Profile()
    profile.runcall(names["work"])  # type: ignore[arg-type]
    profile.dump_stats(tmp_path / "p")
    found = shares(tmp_path / "p", processor_seconds=10.0)
    assert sum(found.values()) == pytest.approx(10.0, abs=0.1)
    assert found["edge"] > 0
    assert found[LOOP] > 9
    assert found.get("other", 0) < found["edge"] / 10


def test_charts_are_whole_svg_with_escaped_labels() -> None:
    drawn = bars("t", [("p", [Bar("<a> & b", 1.0, "1 ms", ours=True)])])
    assert drawn.startswith("<svg")
    assert drawn.endswith("</svg>\n")
    assert "&lt;a&gt; &amp; b" in drawn
    stacked = stacks("t", [("row", {"edge": 0.75, "engine": 0.25})], ("edge", "engine", "unused"))
    assert "75%" in stacked
    assert "unused" not in stacked


def test_the_workloads_variables_stand_in_the_documents_folder() -> None:
    folder = Path(__file__).parents[2] / "bench" / "documents"
    assert {path.stem for path in folder.glob("*.graphql")} == {path.stem for path in folder.glob("*.json")}
    assert all(isinstance(json.loads(path.read_text()), dict) for path in folder.glob("*.json"))
