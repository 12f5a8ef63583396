"""The audit in a file holds together, survives what happens to files, and shows where it does not."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sources.store.audit_file import AuditFile, listed, verify
from sources.store.chain import Break, Event, Said, Wanted
from sources.store.errors import StoreAway

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def said(*numbers: int) -> list[Said]:
    return [
        (Event(actor="ada", action="read", subject=f"o-{number}"), NOW + timedelta(seconds=number))
        for number in numbers
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


def subjects(path: Path) -> list[str | None]:
    return [each.event.subject for each in reversed(listed(path, Wanted()))]


def test_processes_write_to_one_file_each_in_a_chain_of_its_own(path: Path) -> None:
    one, other = AuditFile(path, "one"), AuditFile(path, "other")
    one.append(said(1, 2))
    other.append(said(3))
    one.append(said(4))
    assert subjects(path) == ["o-1", "o-2", "o-3", "o-4"]
    assert [(each.chain, each.sequence) for each in reversed(listed(path, Wanted()))] == [
        ("one", 1),
        ("one", 2),
        ("other", 1),
        ("one", 3),
    ]
    assert list(verify(path)) == []


def test_it_is_for_its_owner_alone(path: Path) -> None:
    AuditFile(path, "one").append(said(1))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_moved_away_is_begun_anew_and_each_holds_by_itself(path: Path) -> None:
    file = AuditFile(path, "one")
    file.append(said(1))
    path.rename(path.with_suffix(".1"))
    file.append(said(2))
    assert list(verify(path.with_suffix(".1"))) == []
    file.append(said(3))
    assert list(verify(path)) == []
    assert [(each.chain, each.sequence) for each in listed(path, Wanted())] == [("one.2", 2), ("one.2", 1)]


def test_what_cannot_be_written_leaves_file_and_chain_as_they_were(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = AuditFile(path, "one")
    file.append(said(1))
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StoreAway, match="No space left on device"):
            file.append(said(2, 3))
    assert path.read_bytes() == before
    file.append(said(2, 3))
    assert subjects(path) == ["o-1", "o-2", "o-3"]
    assert list(verify(path)) == []


def test_a_line_that_a_dead_process_left_unfinished_spoils_no_other(path: Path) -> None:
    AuditFile(path, "dead").append(said(1))
    with path.open("ab") as file:
        file.write(b'{"at":"2026-')
    AuditFile(path, "alive").append(said(2))
    assert subjects(path) == ["o-1", "o-2"]
    assert list(verify(path)) == [Break("line", 2, "cannot be read")]


def test_of_a_long_file_the_newest_that_fit_are_listed(path: Path) -> None:
    file = AuditFile(path, "one")
    for start in range(0, 60, 10):
        file.append(said(*range(start, start + 10)))
    found = listed(path, Wanted(until=NOW + timedelta(seconds=50)), 3)
    assert [each.event.subject for each in found] == ["o-49", "o-48", "o-47"]
