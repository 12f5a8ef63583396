"""Denied reads go on record in the store or a file, beside the answer, and are there when the gateway has stopped."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from gateway.app import create_app
from gateway.cli import main
from gateway.settings import SettingsError, parse
from sources.store.store import look
from tests.databases import fresh_postgres
from tests.gateway.test_app import Gateway, gateway

LOOKUP = 'query Whose { account(by: {email: "ada@hero.test"}) { key } }'


@pytest.fixture(params=["sqlite", "postgresql", "file"])
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The settings of an audit."""
    if request.param == "file":
        yield {"audit": {"file": f"{tmp_path}/audit.jsonl"}}
        return
    if request.param == "sqlite":
        yield {"writes": {"store": f"sqlite:///{tmp_path}/a.db", "durable": f"sqlite:///{tmp_path}/b.db"}}
        return
    with fresh_postgres() as url:
        yield {"writes": {"store": url}}


def toml(tables: dict[str, Any]) -> str:
    return "\n".join(
        f"[{name}]\n" + "\n".join(f'{key} = "{value}"' for key, value in table.items())
        for name, table in tables.items()
    )


def asked(made: Gateway, role: str) -> str:
    """The correlation id of a look-up that was refused."""
    answer = made.ask(LOOKUP, role)
    assert [each["extensions"]["code"] for each in answer["errors"]] == ["FORBIDDEN"]
    return str(answer["extensions"]["correlationId"])


def test_a_refused_look_up_is_on_record_when_the_gateway_has_stopped_and_the_audit_is_whole(
    tables: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with gateway(**tables) as made:
        correlations = [asked(made, "platform") for _ in range(3)]
    config = tmp_path / "opsgraph.toml"
    config.write_text(toml(tables))
    assert main(["audit", "list", "--action", "read.withheld", "--json", "--config", str(config)]) == 0
    found = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert [each["correlation_id"] for each in reversed(found)] == correlations
    assert found[0]["after"]["operation"] == "Whose"
    assert [(each["coordinate"], each["how"]) for each in found[0]["after"]["withheld"]] == [
        ("Contact.email", "denied")
    ]
    assert "hero.test" not in json.dumps(found)
    assert main(["audit", "verify", "--config", str(config)]) == 0


def test_without_a_store_and_a_file_nothing_is_kept_and_nobody_is_told_otherwise() -> None:
    with gateway() as made:
        asked(made, "platform")
        assert "opsgraph_audit_reads_total{" not in made.client.get("/metrics").text


def test_what_was_appended_and_what_waits_is_in_the_metrics(tmp_path: Path) -> None:
    (tmp_path / "audit.jsonl").mkdir()  # a file that cannot be written
    with gateway(audit={"file": f"{tmp_path}/audit.jsonl", "interval": 0.01, "queue": 2}) as made:
        for _ in range(5):
            asked(made, "platform")
        shown = made.client.get("/metrics").text
    assert 'opsgraph_audit_reads_total{outcome="lost"} 3' in shown
    assert "opsgraph_audit_reads_waiting 2" in shown


def test_a_store_that_goes_away_costs_whoever_asks_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    settings = {"store": url, "durable": f"sqlite:///{tmp_path}/b.db"}
    with gateway(writes=settings, audit={"interval": 0.01}) as made:
        store = made.client.app.state.writing.office.writes.room.store  # type: ignore[attr-defined]
        assert made.client.portal is not None
        made.client.portal.call(
            store.transact, lambda connection: connection.exec_driver_sql("ALTER TABLE audit_heads RENAME TO gone")
        )
        asked(made, "platform")
        made.client.portal.call(
            store.transact, lambda connection: connection.exec_driver_sql("ALTER TABLE gone RENAME TO audit_heads")
        )
        last = asked(made, "platform")
    bodies = look(url, lambda connection: connection.execute(text("SELECT body FROM audit_entries")).scalars().all())
    assert any(last in body for body in bodies)


def test_a_file_in_a_folder_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="its folder does not exist"):
        create_app(parse({"audit": {"file": f"{tmp_path}/none/audit.jsonl"}}, {}))


def test_with_a_file_reads_go_there_and_both_places_are_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    writes = {"store": f"sqlite:///{tmp_path}/a.db", "durable": f"sqlite:///{tmp_path}/b.db"}
    tables = {"writes": writes, "audit": {"file": f"{tmp_path}/audit.jsonl"}}
    with gateway(**tables) as made:
        asked(made, "platform")
    config = tmp_path / "opsgraph.toml"
    config.write_text(toml(tables))
    assert main(["audit", "verify", "--config", str(config)]) == 0
    assert [line.partition(";")[0] for line in capsys.readouterr().out.splitlines()] == [
        "the store: whole",
        f"{tmp_path}/audit.jsonl: whole",
    ]
    assert main(["audit", "list", "--config", str(config)]) == 0
    assert "Contact.email denied by platform/" in capsys.readouterr().out
