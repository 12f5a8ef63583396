"""What is computed of a case from several records."""

import pytest

from resolvers.facts import cases as facts
from sources import canonical as c
from tests.resolvers.world import ACCOUNT, DOWN, NOW, Shelf, ago, case, context, organization


def sla(**given: object) -> c.Sla:
    plain = {"key": "77:FIRST", "source": "desk", "source_id": "77", "as_of": NOW, "case_key": "77", "metric": "FIRST"}
    return c.Sla(**plain | {"stage": "ACTIVE"} | given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "state"),
    [
        (sla(breach_at=ago(-1)), "ON_TRACK"),
        (sla(breach_at=NOW), "ON_TRACK"),
        (sla(breach_at=ago(0.001)), "BREACHED"),
        (sla(stage="PAUSED"), "PAUSED"),
        (sla(stage="PAUSED", breach_at=ago(1)), "BREACHED"),
        (sla(stage="ACHIEVED", achieved=True, breach_at=ago(1)), "MET"),
        (sla(stage="ACHIEVED", achieved=True, breached_before_achieved=True), "BREACHED"),
    ],
)
def test_a_target_is_judged_at_the_operations_present(target: c.Sla, state: str) -> None:
    assert facts.sla_state(target, context()) == state


async def test_targets_that_came_with_a_case_are_not_read_again_and_have_its_account() -> None:
    read = Shelf(facts.SLA_NEEDS).put("case", "78", sla(key="78:FIRST", case_key="78"))
    carried, bare = await facts.slas([case(slas=(sla(),)), case("78")], read, context())
    assert [(each.key, each.account_key) for each in carried] == [("77:FIRST", ACCOUNT)]
    assert [each.key for each in bare] == ["78:FIRST"]
    assert read.asked == [("Sla", "case", ("78",))]


async def test_targets_that_cannot_be_read_are_an_error() -> None:
    assert await facts.slas([case()], Shelf(facts.SLA_NEEDS).fail(c.Sla, "case"), context()) == [DOWN]


def plan(name: str) -> c.SupportPlan:
    return c.SupportPlan(key=name, source="desk", source_id=name, as_of=NOW, name=name.title())


async def test_a_case_has_the_plan_that_the_desk_shows_for_its_account() -> None:
    read = Shelf(facts.PLAN_NEEDS).put("account", ACCOUNT, organization(support_plan="premium"))
    read.put("key", "premium", plan("premium"))
    found = await facts.support_plan(
        [case(), case("78", account_key="001B"), case("79", account_key="")], read, context()
    )
    assert [each and each.key for each in found] == ["premium", None, None]


@pytest.mark.parametrize(("record", "by"), facts.PLAN_NEEDS)
async def test_a_plan_that_cannot_be_read_is_an_error(record: type[c.Record], by: str) -> None:
    read = Shelf(facts.PLAN_NEEDS).put("account", ACCOUNT, organization(support_plan="premium")).fail(record, by)
    assert await facts.support_plan([case()], read, context()) == [DOWN]


def mirror(key: str, case_key: str) -> c.CaseMirror:
    return c.CaseMirror(
        key=key, source="crm", source_id=key, as_of=NOW, account_key=ACCOUNT, case_key=case_key, status="OPEN"
    )


async def test_the_crms_copies_are_read_once_for_all_cases_of_an_account() -> None:
    read = Shelf(facts.MIRROR_NEEDS).put("account", ACCOUNT, mirror("500A", "77"), mirror("500B", "78"))
    found = await facts.mirror([case("78"), case("77"), case("79")], read, context())
    assert [each and each.key for each in found] == ["500B", "500A", None]
    assert [by for _, by, _ in read.asked] == ["account"]
