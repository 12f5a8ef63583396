"""A directory in a file: roles by instant, changed files, and every mistake by its line."""

import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policies.yaml import RuleError
from resolvers.desk import Desk
from resolvers.desk.listed import Listed
from tests.fakes.ledger import NOW
from tests.resolvers.desk.people import CARL, CORA, asked, refused
from tests.resolvers.sagas.conftest import House

PEOPLE = """\
people:
  Carl:
    - {since: 2026-01-15, roles: [finance_controller, finance]}
    - {since: "2026-06-01T12:00:00+02:00", roles: finance}
    - {since: 2026-09-01, roles: []}
  " zoë@example.org ":
    - {since: 2026-01-01, roles: [revops]}
  nobody: []
"""


def written(folder: Path, content: str) -> Path:
    """The file, changed for whoever looks at its time and size."""
    path = folder / "people.yaml"
    path.write_text(content, encoding="utf-8")
    os.utime(path, ns=(len(content), hash(content) & 0xFFFFFFFF))
    return path


@pytest.mark.parametrize(
    ("who", "at", "roles"),
    [
        ("carl", datetime(2026, 1, 14, 23, 59, 59, tzinfo=UTC), set()),
        ("carl", datetime(2026, 1, 15, tzinfo=UTC), {"finance_controller", "finance"}),
        ("carl", datetime(2026, 6, 1, 9, 59, 59, tzinfo=UTC), {"finance_controller", "finance"}),
        ("carl", datetime(2026, 6, 1, 10, tzinfo=UTC), {"finance"}),
        ("carl", datetime(2027, 1, 1, tzinfo=UTC), set()),
        ("zoë@example.org", datetime(2026, 2, 1, tzinfo=UTC), {"revops"}),
        ("nobody", datetime(2026, 2, 1, tzinfo=UTC), set()),
        ("stranger", datetime(2026, 2, 1, tzinfo=UTC), None),
    ],
)
async def test_roles_are_those_of_an_instant(tmp_path: Path, who: str, at: datetime, roles: set[str] | None) -> None:
    directory = Listed(written(tmp_path, PEOPLE))
    assert await directory.roles(who, at) == (None if roles is None else frozenset(roles))


async def test_a_changed_file_is_taken_up_and_a_broken_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = Listed(written(tmp_path, PEOPLE))
    written(tmp_path, PEOPLE.replace("2026-09-01, roles: []", "2026-09-01, roles: revops"))
    assert await directory.roles("carl", NOW) == frozenset({"revops"})
    with caplog.at_level(logging.ERROR, "opsgraph.desk"):
        written(tmp_path, "people: {carl: [{since: soon, roles: revops}]}\n")
        assert await directory.roles("carl", NOW) == frozenset({"revops"})
        written(tmp_path, "[" * 3000)
        assert await directory.roles("carl", NOW) == frozenset({"revops"})
        (tmp_path / "people.yaml").unlink()
        assert await directory.roles("carl", NOW) == frozenset({"revops"})
    assert ["people.yaml:1: `since` is `soon`" in caplog.text, "the file is missing" in caplog.text] == [True, True]


@pytest.mark.parametrize("lines", range(1, 6))
async def test_a_file_that_is_cut_off_gives_nobody_old_roles_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lines: int
) -> None:
    directory = Listed(written(tmp_path, PEOPLE))
    written(tmp_path, "\n".join(PEOPLE.splitlines()[:lines]))
    with caplog.at_level(logging.ERROR, "opsgraph.desk"):
        assert await directory.roles("carl", NOW) == frozenset()
        assert await directory.roles("zoë@example.org", NOW) == frozenset({"revops"})
    assert "the people known before stay in use" in caplog.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", ["people.yaml:1: `people` is missing"]),
        ("people: {a: [{since: 2026-01-01}]}", ["1: `roles` is missing"]),
        ("people:\n  a: [{since: 2026-13-01, roles: x}]\n  b: [{since: 2026-01-01T10:00:00, roles: x}]", ["2: `since`", "3: `since`"]),
        ("people:\n  a: [{since: 2026-02-01, roles: x}, {since: 2026-01-01, roles: y}]", ["2: the entries of `a`"]),
        ("people:\n  Ann: []\n  ann: []", ["3: `ann` is there twice"]),
        ("people: {a: [{since: 2026-01-01, roles: x, until: 2027}]}", ["unknown key `until`"]),
    ],
)  # fmt: skip
def test_every_mistake_is_told_with_its_line(tmp_path: Path, content: str, told: list[str]) -> None:
    with pytest.raises(RuleError) as caught:
        Listed(written(tmp_path, content))
    assert all(each in str(caught.value) for each in told), str(caught.value)


async def test_an_approver_is_held_to_the_roles_of_the_moment_it_was_asked(house: House, tmp_path: Path) -> None:
    day = timedelta(days=1)
    path = written(
        tmp_path,
        f"""\
people:
  carl: [{{since: "{(NOW + day).isoformat()}", roles: finance_controller}}]
  cora: [{{since: "{(NOW - day).isoformat()}", roles: finance_controller}}]
""",
    )
    _, (question,) = await asked(house)
    desk = Desk(house.writes, Listed(path))
    house.clock.jump(timedelta(hours=2))
    error = await refused(desk.approve(CARL, question.id, question.evidence_hash))
    assert set(error.reasons) == {"NO_AUTHORITY_WHEN_ASKED", "NO_AUTHORITY_NOW"}
    await desk.approve(CORA, question.id, question.evidence_hash)
