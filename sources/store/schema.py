"""Brings the tables up to date: one migration a change, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from sources.database import open_engine, retire_engine

_LOCK = 0x6F707362  # two processes that start together migrate one after the other


def migrate(url: str, revision: str = "head") -> None:
    """Migrate the database at `url` up to `revision`, unless it is there already. Blocks: call it in a thread."""
    engine = open_engine(url, connections=1, name="opsgraph-migrate")
    try:
        with engine.begin() as connection:
            _lock(connection)
            command.upgrade(configuration(connection), revision)
    finally:
        retire_engine(engine)


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def configuration(connection: Connection) -> Config:
    """The migration tool's settings, over a connection with a transaction already begun."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    settings.attributes["connection"] = connection
    return settings
