"""Our decisions and Cedar's are the same, for random roles, conditions, people and rows."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies.choose import Chooser
from policies.compile import decided
from policies.principal import Principal
from policies.purposes import Purpose
from policies.records import Classified, Opened, Role, Rules, Verdict
from policies.rows import Condition, Tree
from policies.yaml import Place, Text
from tests.policies import small
from tests.policies.cedar import Asked, Cedar, Row, around
from tests.policies.conditions import FACTS, ROWS, TREES, USERS

PLACE = Place("rules/roles.yaml", 1)
FIELDS = ("status", "payer", "total")
SCHEMA = {"Invoice": dict.fromkeys(FIELDS, small.TEXT)}
COORDINATES = ("Invoice.status", "Invoice.payer", "Invoice.*", "*.status", "*.payer", "*voice.*", "Inv*.*", "*Line.*")
CLASSES = ("pii", "billing", "public")

VERDICTS = st.sampled_from(
    [Verdict("allow", PLACE), Verdict("deny", PLACE), Verdict("mask", PLACE, "last4"), Verdict("mask", PLACE, "redact")]
)
OPENING = st.sampled_from([Verdict("allow", PLACE), Verdict("mask", PLACE, "last4")])
BY_CLASS = st.dictionaries(st.sampled_from(CLASSES), VERDICTS)
BY_FIELD = st.dictionaries(st.sampled_from(COORDINATES), VERDICTS, max_size=4)
OPENED = st.builds(
    lambda classes, fields: Opened(classes, fields, PLACE),
    st.dictionaries(st.sampled_from(CLASSES), OPENING, max_size=2),
    st.dictionaries(st.sampled_from(COORDINATES), OPENING, max_size=2),
)


@st.composite
def roles(draw: st.DrawFn, name: str) -> Role:
    forbidden = draw(st.lists(st.sampled_from(COORDINATES), max_size=1))
    rows = draw(st.lists(st.sampled_from(["one", "two", "all"]), min_size=1, max_size=2, unique=True))
    return Role(
        name,
        "internal",
        draw(BY_CLASS),
        draw(BY_FIELD),
        {each: Verdict("forbid", PLACE) for each in forbidden},
        tuple(Text(each, PLACE) for each in rows),
        PLACE,
        {},
        draw(st.dictionaries(st.just("audit"), OPENED)),
    )


def condition(tree: Tree) -> Condition:
    return Condition.of("", PLACE, tree)


@st.composite
def rule_sets(draw: st.DrawFn) -> Rules:
    classes = draw(st.dictionaries(st.sampled_from(COORDINATES[:6]), st.sampled_from(CLASSES), max_size=3))
    coordinates = {each: Classified(name, PLACE) for each, name in {"*nv*.*": "billing", **classes}.items()}
    one = draw(st.sampled_from(["Invoice", "Account", "both"]))
    trees = [draw(TREES), draw(TREES), draw(TREES)]
    rows = {
        "one": {"Invoice": condition(trees[0])} if one != "Account" else {},
        "two": {"Account": condition(trees[1])},
    }
    if one != "Invoice":
        rows["one"]["Account"] = condition(trees[2])
    return Rules(
        classes=CLASSES,
        coordinates=coordinates,
        roles={name: draw(roles(name)) for name in "ab"},
        rows=rows,
        via=frozenset(draw(st.sets(st.sampled_from(["one", "two"])))),
        shared={},
        purposes={"audit": Purpose("audit", "an audit", small.HOUR, 1, PLACE)},
    )


SETTINGS = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@SETTINGS
@given(
    rules=rule_sets(),
    rows=st.lists(st.tuples(ROWS, st.none() | ROWS, FACTS), min_size=1, max_size=3),
    user=USERS,
    who=st.sets(st.sampled_from("ab"), min_size=1),
    purposes=st.sampled_from([(), ("audit",)]),
)
def test_cedar_decides_the_same(
    rules: Rules, rows: list[tuple[Any, Any, dict]], user: Principal, who: set[str], purposes: tuple[str, ...]
) -> None:
    policies = decided(rules, SCHEMA, small.KEY, Chooser(rules))
    user = Principal(user.subject, frozenset(who), user.regions, user.entities, human=user.human, purposes=purposes)
    grants = policies.granted(user)
    records, accounts, facts_of = ([each[at] for each in rows] for at in range(3))
    seeing = grants.rows("Invoice").judge(records, accounts, facts_of, user)
    asked, ours = [], []
    for row, roles_of in zip(rows, seeing, strict=True):
        for field in FIELDS:
            for action, expected in around(grants.field("Invoice", field, roles_of)):
                asked.append(Asked(user, action, "Invoice", field, Row("Invoice", *row)))
                ours.append(expected)
    assert Cedar(rules).answers(asked) == ours
