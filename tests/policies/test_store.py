"""Reload: all or nothing, and operations under way keep what they began with."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from policies.principal import Principal
from policies.store import PolicyStore, digest_of, load_policies
from policies.yaml import RuleErrors
from tests.policies import small

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AGENT = Principal("ada", frozenset({"agent"}), regions=("DE",))
EXAMPLE = "an agent sees the status:\n  as: {roles: [agent]}\n  fields: {Invoice.status: allow}\n"


def minutes() -> Iterator[datetime]:
    return (NOON + timedelta(minutes=each) for each in count())


def test_rules_in_force_know_which_files_they_are_from(store: PolicyStore, tmp_path: Path) -> None:
    before = store.rules.digest
    assert before == store.status.digest
    small.written(tmp_path, test_a=f"# a remark\n{EXAMPLE}")
    store.reload()
    assert before != store.rules.digest == store.status.digest


@pytest.fixture
def store(tmp_path: Path) -> PolicyStore:
    clock = minutes()
    return PolicyStore(small.written(tmp_path, test_a=EXAMPLE), small.SCHEMA, small.KEY, lambda: next(clock))


def write(store: PolicyStore, name: str, text: str) -> None:
    path = store._folder / name
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))  # as if time had passed


def test_a_change_is_noticed_once_and_taken_into_use(store: PolicyStore) -> None:
    first = store.status
    assert not store.changed()
    write(
        store,
        "roles.yaml",
        small.ROLES.replace("Invoice.status: allow", "Invoice.status: allow\n    Invoice.due: allow"),
    )
    assert store.changed()
    status = store.reload()
    assert not store.changed()
    assert store.granted(AGENT).field("Invoice", "due").verdict == "allow"
    assert (status.version, status.digest) != (first.version, first.digest)
    assert (status.loaded_at, status.last_error) == (NOON + timedelta(minutes=1), None)
    assert store.granted(AGENT).version == status.version == store.policies.version


def test_an_operation_under_way_keeps_what_it_began_with(store: PolicyStore) -> None:
    begun = store.granted(AGENT)
    write(store, "tests/a.yaml", EXAMPLE.replace("allow", "deny"))
    write(store, "roles.yaml", small.ROLES.replace("    Invoice.status: allow\n", "    Invoice.due: allow\n"))
    assert store.reload().last_error is None
    assert begun.field("Invoice", "status").verdict == "allow"
    assert store.granted(AGENT).field("Invoice", "status").verdict == "deny"


WRONG = {
    "a mistake": (
        "roles.yaml",
        small.ROLES.replace("billing: deny", "billing: perhaps"),
        "rules/roles.yaml:3: `billing` must be `allow`, `deny` or `{mask: NAME}`",
    ),
    "a line that decides nothing": (
        "roles.yaml",
        small.ROLES.replace("Invoice.status: allow", "Invoice.status: allow\n    Invoice.due: deny"),
        "rules/roles.yaml:6: `Invoice.due` of `agent` says what the next line says already: delete it",
    ),
    "an example that fails": (
        "tests/a.yaml",
        EXAMPLE.replace("status: allow", "total: allow"),
        (
            "rules/tests/a.yaml:3: `an agent sees the status` expects `allow` of `Invoice.total` "
            "but the rule `agent/billing` in rules/roles.yaml:3 says `deny`"
        ),
    ),
    "no YAML": (
        "rows.yaml",
        "shared: [",
        "rules/rows.yaml:1: no YAML: expected the node content, but found '<stream end>'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_not_taken_and_said_in_the_status(wrong: str, store: PolicyStore) -> None:
    name, text, message = WRONG[wrong]
    before, policies = store.status, store.policies
    write(store, name, text)
    assert store.changed()
    status = store.reload()
    assert store.policies is policies
    assert (status.version, status.digest, status.loaded_at) == (before.version, before.digest, before.loaded_at)
    assert status.last_error == message
    assert status.tried_at > before.tried_at
    assert not store.changed()


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_stops_the_start(wrong: str, tmp_path: Path) -> None:
    name, text, message = WRONG[wrong]
    folder = small.written(tmp_path, test_a=EXAMPLE)
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match="rules/") as caught:
        load_policies(folder, small.SCHEMA, small.KEY)
    assert str(caught.value) == message


def test_what_was_mended_ends_the_error(store: PolicyStore) -> None:
    version = store.status.version
    write(store, "roles.yaml", "agent: no role\n")
    assert store.reload().last_error is not None
    write(store, "roles.yaml", small.ROLES)
    assert store.changed()
    status = store.reload()
    assert (status.version, status.last_error) == (version, None)


def test_a_new_file_of_examples_is_a_change(store: PolicyStore) -> None:
    write(store, "tests/b.yaml", EXAMPLE.replace("agent sees", "agent still sees"))
    assert store.changed()
    assert store.reload().last_error is None
    assert len(store.policies.examples) == 2


def test_a_touched_file_is_no_change(store: PolicyStore) -> None:
    write(store, "roles.yaml", small.ROLES)
    assert not store.changed()


def test_a_file_that_went_away_is_said(store: PolicyStore) -> None:
    (store._folder / "rows.yaml").unlink()
    assert store.changed()
    assert store.reload().last_error == "rules/rows.yaml:1: the file is missing: write it, even if it is empty"


def test_files_that_change_while_they_are_read_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, numbers = small.written(tmp_path), count()
    monkeypatch.setattr("policies.store.digest_of", lambda _: str(next(numbers)))
    with pytest.raises(RuleErrors, match="the files change while they are read"):
        load_policies(folder, small.SCHEMA, small.KEY)


def test_the_digest_is_of_names_and_contents(tmp_path: Path) -> None:
    folder = small.written(tmp_path, test_a=EXAMPLE)
    first = digest_of(folder)
    (folder / "tests" / "a.yaml").rename(folder / "tests" / "b.yaml")
    assert digest_of(folder) != first
