"""The databases of our own durable state: which addresses they have, and who owns a file."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from sources.database import BadDatabase, DatabaseInUse, address, is_sqlite, open_engine, retire_engine, sole_owner
from tests.databases import fresh_postgres, fresh_sqlite


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///var/opsgraph.db", "sqlite"),
        ("postgresql://db.example.org/opsgraph", "postgresql+psycopg"),
        ("postgresql+psycopg://db.example.org/opsgraph", "postgresql+psycopg"),
    ],
)
def test_an_address_names_its_driver(url: str, driver: str) -> None:
    assert address(url).drivername == driver
    assert is_sqlite(url) is (driver == "sqlite")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://db.example.org/opsgraph"])
def test_an_address_that_cannot_keep_anything_is_refused(url: str) -> None:
    with pytest.raises(BadDatabase, match=r"use|such as"):
        address(url)


def test_a_file_has_one_owner_at_a_time(tmp_path: Path) -> None:
    url = fresh_sqlite(tmp_path)
    with sole_owner(url), pytest.raises(DatabaseInUse, match="PostgreSQL"), sole_owner(url):
        raise AssertionError("two owners")
    with sole_owner(url):
        pass


def test_a_commit_to_a_file_is_on_the_disk_and_readers_do_not_wait(tmp_path: Path) -> None:
    engine = open_engine(fresh_sqlite(tmp_path / "new" / "folder"), connections=2)
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA synchronous")) == 2
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    retire_engine(engine)


def test_a_transaction_left_idle_is_ended_by_the_server() -> None:
    with fresh_postgres() as url:
        engine = open_engine(url, connections=1, name="opsgraph-test")
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "10s"
            assert connection.scalar(text("SHOW application_name")) == "opsgraph-test"
        retire_engine(engine)


def test_a_retired_engine_keeps_no_connection_that_is_given_back_late(tmp_path: Path) -> None:
    engine = open_engine(fresh_sqlite(tmp_path), connections=1)
    late = engine.connect()
    retire_engine(engine)
    raw = late.connection.dbapi_connection
    late.close()
    with pytest.raises(Exception, match="closed"):
        raw.execute("SELECT 1")  # type: ignore[union-attr]


def test_who_opens_a_new_file_waits_for_whoever_has_it_just_now(tmp_path: Path) -> None:
    """Making it write ahead takes the whole file, and SQLite does not wait for that by itself."""
    engine, other = open_engine(f"sqlite:///{tmp_path}/new.db", connections=1), sqlite3.connect(tmp_path / "new.db")
    other.execute("CREATE TABLE numbers (number INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as thread:
        mode = thread.submit(_mode, engine)
        with pytest.raises(TimeoutError):
            mode.result(0.1)
        other.rollback()
        assert mode.result(10) == "wal"
    other.close()
    retire_engine(engine)


def _mode(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("PRAGMA journal_mode")).scalar_one())


def test_a_connection_that_is_gone_is_replaced_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was used a moment ago is believed to live; who finds out otherwise comes again."""
    with fresh_postgres() as url:
        engine, other = open_engine(url, connections=1), open_engine(url, connections=1)
        first = _pid(engine)
        assert _pid(engine) == first
        _end(other, first)
        with pytest.raises(OperationalError):
            _pid(engine)
        second = _pid(engine)
        assert second != first
        monkeypatch.setattr("sources.database.ASKED_AFTER_SECONDS", 0.0)
        _end(other, second)
        assert _pid(engine) not in (first, second)
        retire_engine(engine)
        retire_engine(other)


def _pid(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


def _end(engine: Engine, pid: int) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
