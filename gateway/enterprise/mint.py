"""Ids in the shapes the four systems use: unique, counted per kind, the same for the same seed."""

from __future__ import annotations

from collections import Counter

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_STRIDE = 1_000_003_000_019_777  # odd and no multiple of 31, so that it walks through every id of base 62

# Where a count starts, so that an id of one kind is not taken for one of another.
_FIRST = {
    "item": 201,
    "erp_customer": 2_001,
    "document": 100_001,
    "revenue": 500_001,
    "vat": 100_200_300,
    "group": 36_000_000_000_101,
    "policy": 36_000_000_000_501,
    "organization": 36_050_000_000_001,
    "desk_user": 36_100_000_000_001,
    "ticket": 1_001,
    "case": 1_001,
}


def checked(id15: str) -> str:
    """The 18-character form of a 15-character CRM id: each group of five adds a letter for its upper-case places."""
    suffix = ""
    for start in (0, 5, 10):
        upper = sum(1 << place for place, sign in enumerate(id15[start : start + 5]) if "A" <= sign <= "Z")
        suffix += _CHECK[upper]
    return id15 + suffix


def _base62(number: int, width: int) -> str:
    signs = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        signs.append(_DIGITS[digit])
    return "".join(reversed(signs))


class Mint:
    """Mints ids; each prefix has a counter of its own, so that one more contact renames no account."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._counts: Counter[str] = Counter()

    def crm(self, prefix: str) -> str:
        """`prefix` of three signs (001 account, 003 contact, ...), 18 characters in all."""
        self._counts[prefix] += 1
        return checked(f"{prefix}5g0000{_base62(62**5 + self._counts[prefix], 6)}")

    def billing(self, prefix: str, width: int = 16) -> str:
        """`in_` and the like, followed by `width` letters and digits."""
        self._counts[prefix] += 1
        number = (self._seed * 1_299_709 + self._counts[prefix]) * _STRIDE
        return f"{prefix}_{_base62(number % 62**width, width)}"

    def number(self, kind: str) -> int:
        """The next of a plain count."""
        self._counts[kind] += 1
        return _FIRST.get(kind, 1) + self._counts[kind] - 1
