"""Record ids: 15 case-sensitive signs, or 18 with three that tell upper case from lower."""

from __future__ import annotations

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def lengthened(id15: str) -> str:
    """The 18-character form of a 15-character id: each group of five adds one sign for its upper-case places."""
    groups = (id15[start : start + 5] for start in (0, 5, 10))
    marks = (sum(1 << place for place, sign in enumerate(group) if "A" <= sign <= "Z") for group in groups)
    return id15 + "".join(_CHECK[mark] for mark in marks)


def normal(text: str) -> str | None:
    """The 18-character form of what a caller wrote, or None when it is no id at all."""
    if not (text.isascii() and text.isalnum()):
        return None
    if len(text) == 15:
        return lengthened(text)
    return text if len(text) == 18 else None


def minted(prefix: str, count: int) -> str:
    """The id of the `count`th record made by a caller; `prefix` has three signs and tells the object."""
    signs = []
    for _ in range(7):
        count, digit = divmod(count, 62)
        signs.append(_DIGITS[digit])
    return lengthened(f"{prefix}Sm000{''.join(reversed(signs))}")
