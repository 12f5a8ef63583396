"""Random conditions, and rows, accounts and people to judge by them."""

from hypothesis import strategies as st

from policies.principal import Principal
from policies.rows import Comparison, Every, Not, Operand, Some, Tree
from tests.policies.small import row

TEXTS = ("DE", "NO", "FR")
ATTRIBUTES = ("a", "b")
TEXT = st.none() | st.sampled_from(TEXTS)
LIST = st.none() | st.lists(st.sampled_from(TEXTS), max_size=2).map(tuple)
NAMES = st.sampled_from(ATTRIBUTES)
PLACES = st.sampled_from(["row", "account"])
SINGLE = st.one_of(
    st.builds(lambda scope, name: Operand(scope, (name,)), PLACES, NAMES),
    st.builds(lambda scope, name: Operand(scope, ("part", name)), PLACES, NAMES),
    st.sampled_from([Operand("text", ("DE",)), Operand("user", ("human",)), Operand("user", ("subject",))]),
)
MANY = st.one_of(
    st.builds(lambda scope, name: Operand(scope, (name,)), PLACES, st.sampled_from(["many", "legal_entities"])),
    st.sampled_from([Operand("user", ("regions",)), Operand("user", ("entities",))]),
)
COMPARISONS = st.one_of(
    st.builds(Comparison, st.just("=="), SINGLE, SINGLE | st.just(Operand("none"))),
    st.builds(Comparison, st.just("in"), SINGLE, MANY),
    st.builds(Comparison, st.just("overlaps"), MANY, MANY),
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: Every(tuple(found))),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: Some(tuple(found))),
    ),
    max_leaves=6,
)
PART = st.none() | st.builds(row, a=TEXT, b=TEXT)
ROWS = st.builds(row, a=TEXT, b=TEXT, part=PART, many=LIST, legal_entities=LIST)
USERS = st.builds(
    lambda regions, entities, human: Principal("DE", regions=tuple(regions), entities=tuple(entities), human=human),
    st.sets(st.sampled_from(TEXTS)),
    st.sets(st.sampled_from(TEXTS)),
    TEXT,
)
FACTS: st.SearchStrategy[dict] = st.just({}) | st.builds(lambda found: {"legal_entities": found}, LIST)
