"""`opsgraph audit`: whole or where it is not, and what it says, in the store and in a file."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, text, update

from gateway.auditing import row_hash
from gateway.cli import main
from gateway.settings import load
from sources.store import audit
from sources.store.audit_file import AuditFile
from sources.store.chain import Event
from sources.store.store import look, open_store
from tests.databases import fresh_postgres

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = {"OPSGRAPH_HASH_KEY": "k" * 32}
Run = Callable[..., tuple[int, str]]


@pytest.fixture(params=["sqlite", "postgresql", "file"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def config(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings with a key for hashes."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "opsgraph.toml"
    common = '[policies]\nhash_key = { env = "OPSGRAPH_HASH_KEY" }\n'
    if kind == "postgresql":
        with fresh_postgres() as url:
            path.write_text(f'{common}[writes]\nstore = "{url}"\n')
            yield path
        return
    if kind == "file":
        path.write_text(f'{common}[audit]\nfile = "{tmp_path}/audit.jsonl"\n')
    else:
        path.write_text(
            f'{common}[writes]\nstore = "sqlite:///{tmp_path}/a.db"\ndurable = "sqlite:///{tmp_path}/b.db"\n'
        )
    yield path


def url_of(config: Path) -> str:
    return load(config, KEY).writes.urls()[0]


@pytest.fixture
def run(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str]:
        status = main(["audit", *arguments, "--config", str(config)])
        told = capsys.readouterr()
        return status, told.out + told.err

    return command


def said(number: int, **values: Any) -> tuple[Event, datetime]:
    given: dict[str, Any] = {
        "actor": "ada",
        "action": "issueCredit",
        "subject": f"o-{number}",
        "correlation_id": "c-1",
        **values,
    }
    return Event(**given), NOON + timedelta(minutes=number)


def write(config: Path, kind: str, *events: tuple[Event, datetime], seal: bool = False) -> str:
    """Appends to two chains in turn; the last seal's hash."""
    chains = [[each for at, each in enumerate(events) if at % 2 == part] for part in (0, 1)]
    if kind == "file":
        for chain, mine in zip("pq", chains, strict=True):
            AuditFile(config.parent / "audit.jsonl", chain).append(mine)
        return ""

    async def work() -> str:
        store = await open_store(url_of(config))
        for chain, mine in zip("pq", chains, strict=True):
            await store.transact(audit.append_all, chain, mine)
        digest = await store.transact(audit.seal, NOON) if seal else ""
        await store.close()
        return digest

    return asyncio.run(work())


def behind_its_back(config: Path, change: Any) -> None:
    def unguarded(connection: Connection) -> None:
        table = change.table.name
        if connection.dialect.name == "sqlite":
            for kind in ("update", "delete"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_{kind}"))
        else:
            connection.execute(text(f"DROP TRIGGER IF EXISTS {table}_no_change ON {table}"))
        connection.execute(change)

    async def open_and_change() -> None:
        store = await open_store(url_of(config))
        await store.transact(unguarded)
        await store.close()

    asyncio.run(open_and_change())


def test_an_audit_that_was_left_alone_is_whole(config: Path, kind: str, run: Run) -> None:
    digest = write(config, kind, *(said(number) for number in range(7)), seal=True)
    status, told = run("verify")
    assert status == 0
    assert ": whole; " in told
    if kind == "file":
        return
    assert told.startswith(
        "the store: whole; 7 entries of 2 chains, 0 not sealed yet; seals: 1, the last of 2026-03-01T12:00:00Z"
    )
    assert digest in told
    assert run("verify", "--seal", digest)[0] == 0


def test_a_changed_entry_is_named_and_the_command_fails(config: Path, kind: str, run: Run) -> None:
    write(config, kind, *(said(number) for number in range(7)), seal=True)
    if kind == "file":
        path = config.parent / "audit.jsonl"
        path.write_text(path.read_text().replace("o-2", "o-9"))
    else:
        behind_its_back(config, update(audit.entries).where(audit.entries.c.subject == "o-2").values(body="{}"))
    place = path if kind == "file" else "the store"
    assert run("verify") == (1, f"p/2: was changed\n{place}: does not hold; breaks: 1\n")


def test_a_dropped_entry_is_noticed_by_the_next(config: Path, kind: str, run: Run) -> None:
    write(config, kind, *(said(number) for number in range(7)), seal=True)
    if kind == "file":
        path = config.parent / "audit.jsonl"
        path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if "o-2" not in line))
    else:
        behind_its_back(config, delete(audit.entries).where(audit.entries.c.subject == "o-2"))
    status, told = run("verify")
    assert status == 1
    assert "p/3: follows 1: something between is gone\n" in told


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)
def test_seals_that_were_cut_off_are_noticed_by_whoever_kept_the_last(config: Path, kind: str, run: Run) -> None:
    digest = write(config, kind, said(1), said(2), seal=True)
    behind_its_back(config, delete(audit.seals))
    assert run("verify")[0] == 0
    assert run("verify", "--seal", digest) == (
        1,
        f"seals/0: the seal `{digest}` is gone\nthe store: does not hold; breaks: 1\n",
    )


def test_it_lists_the_newest_first_and_what_was_asked_for(config: Path, kind: str, run: Run) -> None:
    write(config, kind, said(1), said(2, actor='e"v_e'), said(3, action="approve", decision="ALLOWED", human="Ada"))
    status, told = run("list")
    assert status == 0
    assert told.splitlines() == [
        "2026-03-01T12:03:00Z  ada for Ada  approve ALLOWED: o-3  [c-1]",
        '2026-03-01T12:02:00Z  e"v_e  issueCredit: o-2  [c-1]',
        "2026-03-01T12:01:00Z  ada  issueCredit: o-1  [c-1]",
    ]
    shown = {
        ("--actor", 'e"v_e'): ["o-2"],
        ("--actor", 'e"vXe'): [],
        ("--action", "approve"): ["o-3"],
        ("--correlation", "c-1", "--first", "1"): ["o-3"],
        ("--since", "2026-03-01T12:02", "--until", "2026-03-01T12:03Z"): ["o-2"],
        ("--since", "2026-03-01T14:03+02:00"): ["o-3"],
    }
    for options, subjects in shown.items():
        lines = run("list", "--json", *options)[1].splitlines()
        assert [json.loads(line)["event"]["subject"] for line in lines] == subjects


def test_who_has_the_key_finds_every_operation_that_a_row_was_withheld_from(config: Path, kind: str, run: Run) -> None:
    settings = load(config, KEY)
    kept = {"coordinate": "Invoice.total", "how": "denied", "rule": "agent/billing", "class": "billing", "rows": 2}
    after = {"withheld": [{**kept, "keys": [row_hash(settings)("Invoice:in_1")]}]}
    write(config, kind, said(1, subject=None, action="read.withheld", after=after), said(2))
    assert run("list", "--row", "Invoice:in_1") == (
        0,
        "2026-03-01T12:01:00Z  ada  read.withheld: Invoice.total denied by agent/billing in 2 rows  [c-1]\n",
    )
    assert run("list", "--row", "Invoice:in_2") == (0, "")


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("", "there is no audit: the settings have neither `[writes] store` nor `[audit] file`"),
        ('[audit]\nfile = "{folder}/none.jsonl"', "/none.jsonl` does not exist"),
        (
            '[writes]\nstore = "sqlite:///{folder}/none.db"\ndurable = "sqlite:///{folder}/b.db"',
            "/none.db` does not exist",
        ),
        ('[writes]\nstore = "postgresql://127.0.0.1:1/x"', "our own tables cannot be read (connection failed: "),
    ],
    ids=["none", "file", "sqlite", "postgresql"],
)
def test_where_there_is_nothing_to_look_at_one_line_says_so(
    toml: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "opsgraph.toml"
    config.write_text(toml.replace("{folder}", str(tmp_path)))
    for part in ("verify", "list"):
        assert main(["audit", part, "--config", str(config)]) == 2
        told = capsys.readouterr()
        assert line in told.err
        assert told.err.count("\n") == 1


def test_looking_leaves_a_database_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    path.touch()
    config = tmp_path / "opsgraph.toml"
    config.write_text(f'[writes]\nstore = "sqlite:///{path}"\ndurable = "sqlite:///{tmp_path}/b.db"\n')
    assert main(["audit", "verify", "--config", str(config)]) == 2
    assert (
        look(f"sqlite:///{path}", lambda connection: connection.execute(text("SELECT name FROM sqlite_master")).all())
        == []
    )
