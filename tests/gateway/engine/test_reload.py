"""Changed rules are taken into use while the gateway runs; rules with a mistake are not, and it says so."""

import asyncio
import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.engine.reload import watch
from gateway.engine.shapes import shapes
from policies.load import RULES
from policies.store import PolicyStore
from resolvers.registry import names
from resolvers.schema import build_schema


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(RULES, tmp_path / "rules"))


@pytest.fixture
def store(folder: Path) -> PolicyStore:
    return PolicyStore(folder, shapes(build_schema()._schema, names()), b"key", lambda: datetime.now(UTC))


async def watched(store: PolicyStore, told: list[str], until: str) -> None:
    """Watches until something was told, or the newest rules were refused."""

    def seen() -> bool:
        return bool(told) if until == "changed" else store.status.last_error is not None

    watching = asyncio.create_task(watch(store, 0.01, lambda: told.append(store.status.digest)))
    async with asyncio.timeout(20):
        while not seen():  # noqa: ASYNC110 - files have no event
            await asyncio.sleep(0.01)
    watching.cancel()


async def test_changed_rules_are_taken_into_use_and_operations_under_way_keep_theirs(
    folder: Path, store: PolicyStore
) -> None:
    before = store.policies.grants(["support_agent"])
    assert before.field("Contact", "phone").mask_name == "last4"
    roles = folder / "roles.yaml"
    roles.write_text(roles.read_text().replace("Contact.phone: {mask: last4}", "Contact.phone: {mask: redact}", 1))
    example = folder / "tests" / "support.yaml"
    example.write_text(example.read_text().replace("Contact.phone: {mask: last4}", "Contact.phone: {mask: redact}", 1))
    told: list[str] = []
    await watched(store, told, "changed")
    after = store.policies.grants(["support_agent"])
    assert after.field("Contact", "phone").mask_name == "redact"
    assert before.field("Contact", "phone").mask_name == "last4"
    assert after.version > before.version


async def test_rules_with_a_mistake_stay_out_and_the_log_names_file_and_line(
    folder: Path, store: PolicyStore, caplog: pytest.LogCaptureFixture
) -> None:
    digest, told = store.status.digest, list[str]()
    roles = folder / "roles.yaml"
    roles.write_text(roles.read_text().replace("mask: last4", "mask: lastfour", 1))
    with caplog.at_level(logging.ERROR, "opsgraph.policies"):
        await watched(store, told, "refused")
        await asyncio.sleep(0)
    assert store.status.digest == digest
    assert not told
    assert store.status.last_error is not None
    assert "rules/roles.yaml:" in store.status.last_error
    assert "lastfour" in store.status.last_error


async def test_whatever_goes_wrong_with_changed_rules_the_next_ones_are_looked_at(
    folder: Path, store: PolicyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("a fault of ours")

    roles, told = folder / "roles.yaml", list[str]()
    watching = asyncio.create_task(watch(store, 0.01, lambda: told.append(store.status.digest)))
    try:
        with monkeypatch.context() as patched:
            patched.setattr("policies.store.load_policies", broken)
            roles.write_text(f"# a remark\n{roles.read_text()}")
            async with asyncio.timeout(20):
                while store.status.last_error is None:  # noqa: ASYNC110 - files have no event
                    await asyncio.sleep(0.01)
        assert store.status.last_error == "the rules cannot be read: IndexError: a fault of ours"
        roles.write_text(f"# another remark\n{roles.read_text()}")
        async with asyncio.timeout(20):
            while not told:  # noqa: ASYNC110 - files have no event
                await asyncio.sleep(0.01)
    finally:
        watching.cancel()
    assert store.status.last_error is None
