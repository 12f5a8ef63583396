"""Governed writes open with the gateway or stop it with one line, and `/readyz` tells how they are."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.cli import main
from gateway.http.front import Front
from gateway.settings import SettingsError, parse
from sources.store import switches
from sources.store.switches import Scope
from tests.databases import fresh_postgres

SQLITE = {"store": "sqlite:////var/lib/opsgraph/a.db", "durable": "sqlite:////var/lib/opsgraph/b.db"}
SERVER = "postgresql://ops@db.test/opsgraph"


def files(folder: Path) -> dict[str, Any]:
    return {"store": f"sqlite:///{folder}/store.db", "durable": f"sqlite:///{folder}/work.db"}


def app_with(**writes: Any) -> Front:
    return create_app(parse({"writes": writes}, {}))


def ready(client: TestClient) -> str:
    body = client.get("/readyz").json()
    assert body["ready"]
    found: str = body["writes"]
    return found


@pytest.mark.parametrize(
    ("writes", "line"),
    [
        ({"durable": SQLITE["durable"]}, "`durable` is given without a `store`"),
        ({"store": SQLITE["store"]}, "`durable` is missing: work under way has an SQLite file of its own"),
        ({"store": SQLITE["store"], "durable": SQLITE["store"]}, "`durable` is the file of `store`"),
        ({"store": SQLITE["store"], "durable": SERVER}, "`store` and `durable` are of two kinds"),
        ({**SQLITE, "role": "gateway"}, "`role` is `gateway`: processes share writes over PostgreSQL"),
        (
            {"store": "mysql://db.test/x"},
            "`store` is of the kind `mysql`: `sqlite:///PATH` or `postgresql://HOST/NAME`",
        ),
        ({"store": "sqlite://"}, "names no file: `sqlite:///PATH` is expected"),
        ({"store": "sqlite:///:memory:"}, "names no file: `sqlite:///PATH` is expected"),
        ({"store": "postgresql://db.test"}, "`store` names no database"),
        ({"store": "postgresql://db.test:none/x"}, "`store` is no address"),
        ({"store": "postgresql://ops:hunter2@db.test/x"}, "`store` holds a password: name it in `password`"),
        ({"store": "postgresql://db.test/x", "password": {"env": "KEY"}}, "`password` is given without a user"),
        ({"store": SERVER, "beat": 10, "silence": 20}, "`silence` is 20: more than 2 times `beat` is expected"),
        ({"store": SERVER, "beat": 0}, "`beat`: "),
        ({"store": SERVER, "patience": 90}, "`patience`: "),
        ({"store": SERVER, "role": "boss"}, "`role`: invalid enum value 'boss'"),
        ({**SQLITE, "retention": {"money": 1}}, "`retention`: an idempotency key is kept for 24 hours at least"),
        ({**SQLITE, "stoer": "x"}, "unknown key `stoer`: did you mean `store`?"),
    ],
)
def test_a_mistake_in_the_settings_of_writes_is_one_line(writes: dict[str, Any], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"writes": writes}, {"KEY": "hunter2"})
    said = str(refused.value)
    assert said.startswith("[writes] ")
    assert line in said
    assert "hunter2" not in said
    assert "\n" not in said


def test_the_password_goes_into_the_address_and_nowhere_else() -> None:
    settings = parse({"writes": {"store": SERVER, "password": {"env": "KEY"}}}, {"KEY": "p@ss/word"}).writes
    whole = "postgresql://ops:p%40ss%2Fword@db.test/opsgraph"
    assert settings.urls() == (whole, whole)
    assert "p@ss" not in repr(settings)


def test_without_a_store_there_are_no_writes() -> None:
    with TestClient(create_app(parse({}, {}))) as client:
        assert ready(client) == "OFF"


def test_a_process_of_its_own_is_no_gateway() -> None:
    with pytest.raises(SettingsError, match="`opsgraph work`"):
        app_with(store=SERVER, role="worker")


def test_a_pause_and_an_outage_of_our_own_tables_show_and_leave_the_gateway_ready(tmp_path: Path) -> None:
    app = app_with(**files(tmp_path))
    with TestClient(app) as client:
        store = app.state.writing.office.writes.room.store
        assert ready(client) == "OPEN"
        pausing = (switches.pause, Scope.ALL, "", "ada", "an incident", app.state.writing.office.writes.room.clock())
        assert client.portal is not None
        client.portal.call(store.transact, *pausing)
        assert ready(client) == "PAUSED"
        client.portal.call(store.transact, lambda connection: connection.exec_driver_sql("DROP TABLE switches"))
        assert ready(client) == "AWAY"
    assert app.state.writing.office is None


def test_a_second_process_on_the_same_file_does_not_start(tmp_path: Path) -> None:
    first, second = app_with(**files(tmp_path)), app_with(**files(tmp_path) | {"durable": f"sqlite:///{tmp_path}/c.db"})
    with TestClient(first):
        with pytest.raises(SettingsError) as refused, TestClient(second):
            pytest.fail("it has started")
        assert str(refused.value).startswith(f"[writes] `{tmp_path}/store.db` is used by another process")
    with TestClient(second) as client:
        assert ready(client) == "OPEN"


@pytest.fixture
def postgres() -> Iterator[str]:
    with fresh_postgres() as url:
        yield url


def test_a_gateway_on_postgresql_only_accepts(postgres: str) -> None:
    app = app_with(store=postgres, role="gateway", executor="gateway-1")
    with TestClient(app) as client:
        assert ready(client) == "OPEN"
        assert app.state.writing.office.writes.room.chain == "gateway-1"


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ('store = "postgresql://127.0.0.1:1/x"', "our own tables cannot be opened (connection failed: "),
        ('store = "{server}/none_of_ours"', 'database "none_of_ours" does not exist'),
        ('store = "sqlite:////proc/a/b.db"\ndurable = "sqlite:////proc/a/c.db"', "No such file or directory"),
    ],
)
def test_a_database_that_cannot_be_used_stops_the_start_with_one_line(
    toml: str, line: str, tmp_path: Path, postgres: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "opsgraph.toml"
    written = toml.replace("{server}", postgres.rpartition("/")[0])
    file.write_text(f"[gateway]\nport = 0\n\n[writes]\n{written}\n", encoding="utf-8")
    assert main(["serve", "--config", str(file)]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("opsgraph: [writes] ")
    assert line in told.err
    assert told.err.count("\n") == 1
    assert "serving" not in told.out
