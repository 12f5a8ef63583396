"""`opsgraph documents`: what is checked, listed, shown and accepted."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.home import study
from gateway.cli import main, offline
from gateway.console.pages import DOCUMENTS
from gateway.engine.manifests import load_manifests
from gateway.engine.recording import Recorded, add
from tests.gateway.engine.manifests_of import entry, id_of, write

LOOKUP = "query Lookup($key: ID!) { account(by: {key: $key}) { name subscriptions(first: 5) { nodes { key } } } }"
MORE = LOOKUP.replace("{ name", "{ name cases(first: 5) { nodes { key } } invoices(first: 5) { nodes { key } }")
BENCH = Path(study.__file__).parent / "documents"


@pytest.fixture(autouse=True, scope="module")
def made_once() -> Iterator[None]:
    """The engine that the commands look with: reading the rules for each of them takes seconds."""
    known = offline.offline(argparse.Namespace(config=None, rules=None), company=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(offline, "offline", lambda *_, **__: known)
        yield


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str]:
    status = main(["documents", *map(str, arguments)])
    told = capsys.readouterr()
    return status, told.out + told.err


def calls_of(capsys: pytest.CaptureFixture[str], folder: Path) -> int:
    """What the check says that the only document of a folder takes."""
    status, told = run(capsys, "check", "--calls", folder)
    assert status == 1
    assert "`calls` is missing: it takes " in told
    return int(told.split("it takes ")[1].split()[0])


def test_our_own_documents_have_no_mistakes_and_take_no_more_calls_than_they_say(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(capsys, "check", "--calls", DOCUMENTS, BENCH) == (0, "13 documents of 2 clients: no mistakes\n")


def test_the_bench_asks_what_its_manifest_says() -> None:
    asked = {path.read_bytes().decode() for path in BENCH.glob("*.graphql")}
    assert {each.text for each in load_manifests(BENCH)} == asked


def test_a_plan_that_grows_past_its_calls_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "app", entry(LOOKUP))
    bound = calls_of(capsys, tmp_path)
    write(tmp_path, "app", entry(LOOKUP, calls=bound))
    assert run(capsys, "check", "--calls", tmp_path)[0] == 0
    write(tmp_path, "app", entry(MORE, calls=bound))  # as if the plan of a document had grown by two links
    assert run(capsys, "check", tmp_path)[0] == 0
    status, told = run(capsys, "check", "--calls", tmp_path)
    assert status == 1
    assert told.startswith(
        f"{tmp_path}/app.json: documents[0]: it may take {bound + 2} calls as auditor, and `calls` allows {bound}"
    )


def test_every_mistake_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "a", "app", entry("{ nosuch }"), entry("{ sources { name } }", roles=["nobody"]))
    write(tmp_path / "b", "app", {**entry(LOOKUP), "id": id_of(MORE)})
    status, told = run(capsys, "check", tmp_path / "a", tmp_path / "b", tmp_path / "c")
    assert status == 1
    lines = told.splitlines()
    assert [line.removeprefix(f"{tmp_path}/").split(": ")[0] for line in lines[:3]] == [
        "a/app.json",
        "a/app.json",
        "b/app.json",
    ]
    assert "Cannot query field 'nosuch'" in lines[0]
    assert "there is no role `nobody`: one of auditor, " in lines[1]
    assert lines[3].endswith("is no directory: make it, or leave `[documents] directory` out")


def test_documents_are_listed_and_shown_with_their_plans(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "app", entry(LOOKUP, operation="Lookup", roles=["support_lead"], calls=9, **{"class": "lookup"}))
    status, told = run(capsys, "list", tmp_path)
    assert status == 0
    head, row = told.splitlines()
    assert head.split() == ["client", "operation", "id", "roles", "class", "calls", "cost"]
    assert row.split()[:5] == ["app", "Lookup", id_of(LOOKUP)[:19], "support_lead", "lookup"]
    for wanted in ("Lookup", id_of(LOOKUP), id_of(LOOKUP)[:15]):
        status, told = run(capsys, "show", wanted, tmp_path)
        assert status == 0
        assert LOOKUP in told
        assert "query Lookup  as support_lead" in told
        assert "at most" in told
    assert run(capsys, "show", "Nosuch", tmp_path)[0] == 2


def test_a_recording_becomes_a_manifest_that_passes_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording, folder = tmp_path / "recording.json", tmp_path / "documents"
    found = [
        Recorded("app", id_of(LOOKUP), LOOKUP, "Lookup", ["support_lead", "gone"], 7),
        Recorded("app", id_of(MORE), MORE, "Lookup", ["support_lead"], 1, 4),
        Recorded("app", id_of("{ sources { name } }"), "{ sources { name } }", None, ["platform"], 1),
        Recorded("app", id_of("{ nosuch }"), "{ nosuch }", None, ["platform"], 1),
        Recorded("https://other", id_of(LOOKUP), LOOKUP, "Lookup", ["revops"], 1),
    ]
    add(recording, 100, found)
    status, told = run(capsys, "record", recording)
    assert status == 0
    assert told.splitlines()[0].startswith(f"app  Lookup  {id_of(LOOKUP)[:19]}  7 times  support_lead,gone")
    assert "4 more differ by their values only" in told
    status, told = run(capsys, "accept", recording, "--client", "app", "--directory", folder)
    assert status == 1
    assert "left out: Cannot query field 'nosuch'" in told
    assert f"3 documents taken into {folder}/app.json" in told
    assert run(capsys, "accept", recording, "--client", "https://other", "--directory", folder)[0] == 0
    assert run(capsys, "check", "--calls", folder) == (0, "4 documents of 2 clients: no mistakes\n")
    manifests = load_manifests(folder).by_client
    assert {each.text: each.roles for each in manifests["app"].values()} == {
        LOOKUP: frozenset({"support_lead"}),
        MORE: frozenset({"support_lead"}),
        "{ sources { name } }": frozenset({"platform"}),
    }
    assert sorted(path.name for path in (folder / "app").iterdir()) == [
        "document.graphql",
        "lookup.graphql",
        "lookup_2.graphql",
    ]
    before = (folder / "app.json").read_text()
    run(capsys, "accept", recording, "--client", "app", "--directory", folder)
    assert (folder / "app.json").read_text() == before, "what is there already stays as it is"


def test_only_what_is_named_is_accepted_and_the_rest_of_a_manifest_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "recording.json"
    add(recording, 100, [Recorded("app", id_of(text), text, "Lookup", ["revops"], 1) for text in (LOOKUP, MORE)])
    folder = tmp_path / "documents"
    write(folder, "app", entry("{ sources { name } }", roles=["platform"]), roles=["auditor"])
    assert (
        run(capsys, "accept", recording, "--client", "app", "--only", id_of(MORE)[:20], "--directory", folder)[0] == 0
    )
    written = json.loads((folder / "app.json").read_text())
    assert [each["id"] for each in written["documents"]] == [id_of("{ sources { name } }"), id_of(MORE)]
    assert written["roles"] == ["auditor"]
    assert run(capsys, "accept", recording, "--client", "nobody", "--directory", folder)[0] == 2
    assert run(capsys, "accept", tmp_path / "none.json", "--client", "app", "--directory", folder)[0] == 2
    assert run(capsys, "check")[0] == 2


def test_a_gateway_says_the_mistake_and_does_not_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, "app", {**entry(LOOKUP), "id": id_of(MORE)})
    file = tmp_path / "opsgraph.toml"
    file.write_text(f'[documents]\ndirectory = "{tmp_path}"\nmode = "enforce"\n')
    assert main(["serve", "--config", str(file)]) == 2
    assert capsys.readouterr().err.startswith("opsgraph: app.json: documents[0]: `id` does not fit the text")
    for table, line in (
        ('mode = "enforce"', "`mode` is `enforce`, and there is no `directory`: name that of the manifests"),
        ('mode = "record"', "`mode` is `record`, and there is no `recording`: name the file to record to"),
        ('mode = "strict"', "[documents] `mode`: invalid enum value 'strict'"),
    ):
        file.write_text(f"[documents]\n{table}\n")
        assert main(["serve", "--config", str(file)]) == 2
        assert line in capsys.readouterr().err
