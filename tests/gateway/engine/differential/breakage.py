"""Documents broken on purpose: what was valid a moment ago, with one thing in it that should not be."""

import re

from tests.gateway.engine.differential.nasty_leaves import Draw

_STEPS = (
    lambda text, draw: _replaced(text, r"\bf\d+\b", "nonsense", draw),  # a field that is not there
    lambda text, draw: _replaced(text, r"\bT\d\b", "T99", draw),  # a type that is not there
    lambda text, draw: _replaced(text, r"\.\.\.F\d", "...Nowhere", draw),  # a fragment that is not there
    lambda text, draw: _replaced(text, r"\$v\d+", "$undefined", draw),
    lambda text, draw: _replaced(text, r"[{}()]", "", draw),  # no GraphQL any more
    lambda text, draw: _replaced(text, r"@(skip|include)", "@sometimes", draw),
    lambda text, draw: _replaced(text, r"\(if: [^)]*\)", "", draw),
    lambda text, draw: _replaced(text, r"\(([a-z]): ", r"(zz: 1, \1: ", draw),  # an argument that is not there
    lambda text, draw: _replaced(text, r"\(([a-z]): ", r"(\1: null, \1: ", draw),  # one twice
    lambda text, draw: _replaced(text, r"__typename", "__typename { x }", draw),
    lambda text, draw: _replaced(text, r"\{ ", "{ __typename: __schema { __typename } ", draw),
    lambda text, _: f"{text}\nfragment Unused on Query {{ __typename }}",
    lambda text, _: f"{text}\nfragment Round on Query {{ ...Round }}",
    lambda text, _: f"{text}\n{{ __typename }}",
    lambda text, _: f"{text}\n{text}",
    lambda text, _: f"{text}\ntype Extra {{ a: Int }}",
    lambda text, _: text.replace("Asked", "Asked($never: Int)") if "Asked(" not in text else text + '"',
)


def broken(text: str, draw: Draw) -> str:
    """The document with one thing wrong (it may chance to be valid still)."""
    for _ in range(5):
        made = draw.choice(_STEPS)(text, draw)
        if made != text:
            return made
    return text + " }"


def _replaced(text: str, pattern: str, by: str, draw: Draw) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    one = draw.choice(found)
    return text[: one.start()] + one.expand(by) + text[one.end() :]
