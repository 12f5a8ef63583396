"""Row rules, compiled: as the interpreter says, for many rows and several roles at once, and never open by a failure."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.judging import NOBODY, Opening, judging
from policies.principal import Principal
from policies.pushing import filters
from policies.rows import Tree, compile_condition
from policies.yaml import Place
from tests.policies.conditions import FACTS, PLACES, ROWS, TEXTS, TREES, USERS
from tests.policies.interpreter import Judged, says
from tests.policies.small import row

PLACE = Place("rules/rows.yaml", 1)
A, B = frozenset({"a"}), frozenset({"b"})

JUDGED = st.builds(Judged, ROWS, ROWS, FACTS, USERS, st.sampled_from(["row", "account", "via"]))


def compiled(judged: Judged, *trees: Tree) -> frozenset[str]:
    openings = [Opening(tree, judged.of, frozenset({str(at)})) for at, tree in enumerate(trees)]
    (seen,) = judging("T", NOBODY, openings)([judged.row], [judged.account], [judged.facts], judged.user)
    return seen


def replaced(judged: Judged, whose: str, record: Any) -> Judged:
    return judged._replace(row=record) if whose == "row" else judged._replace(account=record)


@settings(max_examples=300, deadline=None)
@given(tree=TREES, judged=JUDGED)
def test_compiled_and_interpreted_agree(tree: Tree, judged: Judged) -> None:
    assert bool(compiled(judged, tree)) is (says(tree, judged) is True)


@settings(max_examples=200, deadline=None)
@given(tree=TREES, judged=JUDGED, lost=st.sampled_from(["a", "b", "part", "many"]), whose=PLACES)
def test_a_row_that_lacks_an_attribute_is_seen_only_if_the_attribute_does_not_matter(
    tree: Tree, judged: Judged, lost: str, whose: str
) -> None:
    damaged = SimpleNamespace(**{**vars(getattr(judged, whose)), "legal_entities": None})
    delattr(damaged, lost)
    seen = bool(compiled(replaced(judged, whose, damaged), tree))
    for value in (None, *TEXTS, TEXTS, row(a="DE", b="NO")):
        whole = SimpleNamespace(**vars(damaged), **{lost: value})
        try:
            told = says(tree, replaced(judged, whose, whole))
        except Exception:  # noqa: S112 - the value does not fit the condition: it tells nothing
            continue
        assert not seen or told is True


@settings(max_examples=200, deadline=None)
@given(trees=st.lists(TREES, min_size=1, max_size=3), judged=JUDGED)
def test_each_role_is_judged_as_if_it_were_alone(trees: list[Tree], judged: Judged) -> None:
    alone = frozenset(str(at) for at, tree in enumerate(trees) if compiled(judged, tree))
    assert compiled(judged, *trees) == alone


@settings(max_examples=300, deadline=None)
@given(trees=st.lists(TREES, min_size=1, max_size=2), rows=st.lists(ROWS, min_size=1, max_size=5), user=USERS)
def test_what_is_pushed_says_the_same_as_the_test(trees: list[Tree], rows: list[Any], user: Principal) -> None:
    pushed = filters(trees, user)
    if pushed is None:
        return
    openings = [Opening(tree, "row", A) for tree in trees]
    seen = judging("T", NOBODY, openings)(rows, [None] * len(rows), [{}] * len(rows), user)
    for each, roles in zip(rows, seen, strict=True):
        assert all(getattr(each, attribute) in values for _, attribute, values in pushed) is bool(roles)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("row.region in user.regions", (("in", "region", ("DE", "NO")),)),
        ("row.kind == 'A'", (("in", "kind", ("A",)),)),
        ("'A' == row.kind", (("in", "kind", ("A",)),)),
        ("row.kind == 'A' or row.kind == 'B'", (("in", "kind", ("A", "B")),)),
        ("row.kind == 'A' and row.region in user.regions", (("in", "kind", ("A",)), ("in", "region", ("DE", "NO")))),
        ("row.kind == 'A' and row.kind == 'B'", (("in", "kind", ()),)),
        ("row.region in user.regions or row.kind in user.entities", (("in", "region", ("DE", "NO")),)),
        ("row.owner == user.human", (("in", "owner", ()),)),
        ("row.owner == user.subject", (("in", "owner", ("u",)),)),
        ("row.region in user.regions or row.kind == 'A'", None),
        ("not row.kind == 'A'", None),
        ("row.kind != 'A'", None),
        ("row.kind == none", None),
        ("row.parties.resellerKey in user.accounts", None),
        ("account.region in user.regions", None),
        ("row.legalEntities overlaps user.entities", None),
        ("row.legalEntities in user.entities", None),
    ],
)
def test_what_filters_can_say_is_pushed_down(text: str, expected: Any) -> None:
    user = Principal("u", regions=("DE", "NO"))
    assert filters([compile_condition(text, PLACE).tree], user) == expected
