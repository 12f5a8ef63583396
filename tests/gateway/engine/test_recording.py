"""Recordings: what clients ask, never what they ask it with, within bounds, by several processes into one file."""

import asyncio
import json
import logging
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from graphql import parse

from gateway.engine.engine import Question
from gateway.engine.recording import Recorded, Recording, add, read_recording, shape_of
from gateway.engine.trust import Trust
from gateway.settings import DocumentSettings, Limits
from policies.principal import Principal
from tests.gateway.engine.manifests_of import id_of, manifests, trusted
from tests.gateway.engine.rules_of import AGENT, CHIEF, PORTAL, policies, who
from tests.gateway.engine.shop import engine
from tests.gateway.engine.stock import small

ECHO = "query Echo($text: String) { echo(text: $text) }"
RULES = policies(AGENT, CHIEF, PORTAL)


class Recorder:
    """An engine in mode `record`."""

    def __init__(self, path: Path, most: int = 100, **more: Any) -> None:
        self.recording = Recording(path, most)
        settings = DocumentSettings(mode="record", recording=str(path), **more)
        self.trust = Trust(settings, Limits(), recording=self.recording)
        self.over = engine(small(), RULES.granted, trust=self.trust)

    async def ask(self, query: str, by: Principal | None = None, **variables: Any) -> dict[str, Any]:
        return (await self.over.run(Question(query, variables), by or who("agent", client="app"), "cid")).body


async def test_what_passed_is_recorded_with_who_asked_and_without_any_value(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    recorder = Recorder(path)
    for secret in ("canary one", "canary two"):
        assert (await recorder.ask(ECHO, text=secret))["data"]
    await recorder.ask(ECHO, who("chief", client="app"))
    await recorder.ask(ECHO, who("chief", client="other"))
    await recorder.ask(ECHO, who("chief"))
    for bad in ("{ nosuch }", "{ echo", "query Q($x: Int!) { echo(number: $x) }"):
        await recorder.ask(bad)
    recorder.recording.write()
    assert read_recording(path) == [
        Recorded("app", id_of(ECHO), ECHO, "Echo", ["agent", "chief"], 3),
        Recorded("other", id_of(ECHO), ECHO, "Echo", ["chief"], 1),
    ]
    assert "canary" not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_documents_that_differ_by_their_values_only_are_recorded_a_few_times_and_counted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recording.json")
    for number in range(20):
        await recorder.ask(f'{{ echo(text: "customer {number}", number: {number}) }}')
    await recorder.ask('{ echo(number: 1, text: "x") }')
    recorder.recording.write()
    found = read_recording(tmp_path / "recording.json")
    assert len(found) == 4
    assert found[0].alike == 17
    assert "customer 19" not in (tmp_path / "recording.json").read_text()


def test_a_shape_is_a_document_without_its_values_and_without_its_spaces() -> None:
    one, two = '{ a(b: "x", c: [1, 2.5]) { d } }', '{a(b:"y",c:[7,1e9]){d}}'
    assert shape_of(parse(one)) == shape_of(parse(two))
    assert shape_of(parse(one)) != shape_of(parse(one.replace("d", "e")))
    document = parse(one)
    shape_of(document)
    assert document == parse(one), "the document itself stays as it is"


async def test_a_recording_is_bounded_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(tmp_path / "recording.json", most=3)
    for number in range(10):
        await recorder.ask(f"query Q{number} {{ echo }}")
    with caplog.at_level(logging.WARNING, "opsgraph.documents"):
        recorder.recording.write()
    assert len(read_recording(tmp_path / "recording.json")) == 3
    assert caplog.messages == ["the recording is full: 7 documents were left out"]


async def test_processes_share_a_file_and_each_adds_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"
    one, two = Recorder(path), Recorder(path)
    for recorder in (one, two, one):
        await recorder.ask(ECHO)
        recorder.recording.write()
    await two.ask("{ echo }")
    two.recording.write()
    two.recording.write()
    assert [(each.id, each.uses) for each in read_recording(path)] == [(id_of(ECHO), 3), (id_of("{ echo }"), 1)]


def test_nothing_is_lost_by_many_writers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "recording.json"

    def write(number: int) -> int:
        return add(path, 100, [Recorded("app", id_of(ECHO), ECHO, uses=1), Recorded("app", f"{number}", "{ a }")])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {0}
    found = {each.id: each.uses for each in read_recording(path)}
    assert len(found) == 41
    assert found[id_of(ECHO)] == 40


async def test_what_could_not_be_written_is_written_the_next_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "folder" / "recording.json"
    recorder = Recorder(path)
    await recorder.ask(ECHO)
    with caplog.at_level(logging.ERROR, "opsgraph.documents"):
        recorder.recording.write()
    assert "cannot be recorded" in caplog.text
    path.parent.mkdir()
    await recorder.ask(ECHO)
    recorder.recording.write()
    assert [each.uses for each in read_recording(path)] == [2]
    path.write_text("{}")
    await recorder.ask(ECHO)
    recorder.recording.write()
    assert "is no recording" in caplog.text
    assert json.loads(path.read_text()) == {}


async def test_it_is_written_when_the_gateway_stops(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recording.json")
    keeping = asyncio.create_task(recorder.recording.keep(3_600))
    await asyncio.sleep(0)
    await recorder.ask(ECHO)
    keeping.cancel()
    await asyncio.wait([keeping])
    assert len(read_recording(tmp_path / "recording.json")) == 1


async def test_what_a_manifest_has_already_is_recorded_with_its_uses(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recording.json", directory="x")
    recorder.trust.manifests = manifests(trusted("app", ECHO))
    await recorder.over.run(Question("", None, digest=trusted("app", ECHO).digest), who("agent", client="app"), "cid")
    recorder.recording.write()
    assert [(each.body, each.uses) for each in read_recording(tmp_path / "recording.json")] == [(ECHO, 1)]
