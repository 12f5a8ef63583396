"""JSON of a declared shape, with values a vendor should never send: for connectors that must survive them."""

import random
from typing import Any

import msgspec
from msgspec import inspect

WORDS = (
    "", " ", "active", "open", "paid", "draft", "Draft", "Activated", "A", "B", "T", "F", "USD", "EUR", "JPY", "eur", "E R",
    "2026-11-20", "2026-11-20T09:00:00Z", "2026-11-20T09:00:00.000+0000", "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59", "0000-00-00", "1", "0", "-1", "12.50", "1e5", "nan", "Infinity", "-0", "1e999999999",
    "sNaN", "9" * 40, "cus_1", "in_1", "001A", "stripe:in_1", "crm:801", "x" * 2_000, "\u0000", "\u202e", "Größe", "{}",
)  # fmt: skip
NUMBERS = (b"0", b"1", b"-1", b"2", b"1700000000", b"253402300800", b"-62135596801", b"9223372036854775808", b"1" * 30)
DECIMALS = (*NUMBERS, b"12.5", b"0.1", b"1e-30", b"1e20", b"1e300", b'"nan"', b'"Infinity"', b'"sNaN"', b'"1e999999"')
ANYTHING: tuple[Any, ...] = (
    None,
    True,
    7,
    -1.5,
    "text",
    "nan",
    [],
    {},
    [None],
    {"id": None},
    ["a", 1],
    {"a": {"b": []}},
)


LIKELY = {
    "currency": ("EUR", "USD", "eur", "usd", "JPY"),
    "status": ("active", "open", "paid", "draft", "succeeded", "A", "B", "Active", "Activated", "Draft", "solved"),
    "flag": ("T", "F"),
    "amount": ("12.50", "0", "7", "-3.20"),
    "time": ("2026-11-20T09:00:00Z", "2026-11-20T09:00:00+00:00"),
    "day": ("2026-11-20",),
}
"""Values that make sense, by what a name sounds like: so that not every row fails at its first field."""
_SOUNDS = {
    "currency": ("currency",),
    "status": ("status", "state", "stage"),
    "flag": ("inactive", "closed", "receivables", "all", "reverse", "exempt", "write_off"),
    "amount": ("total", "amount", "balance", "limit", "paid", "unpaid", "rate", "tax", "debit", "credit", "quantity"),
    "time": ("_at", "updated", "created", "date"),
    "day": ("on", "due", "start", "end"),
}


def word(name: str, rng: random.Random, junk: float) -> str:
    """A text for a field of this name: a likely one, or at the rate of `junk` anything."""
    sound = next((each for each, parts in _SOUNDS.items() if any(part in name.lower() for part in parts)), None)
    if rng.random() < junk:
        return rng.choice(WORDS)
    return rng.choice(LIKELY[sound]) if sound else rng.choice(("1", "2", "7", "Acme", "cus_1", "in_1", "001A"))


def made(shape: Any, rng: random.Random, junk: float) -> Any:
    """A value that decodes as `shape`, more or less: the less the more `junk` (0 to 1) there is."""
    return _Maker(rng, junk).made(inspect.type_info(shape), "", 0)


class _Maker:
    def __init__(self, rng: random.Random, junk: float) -> None:
        self._rng, self._junk = rng, junk

    def made(self, info: inspect.Type, name: str, depth: int) -> Any:
        rng = self._rng
        if rng.random() < self._junk / 50:
            return rng.choice(ANYTHING)
        if isinstance(info, inspect.StructType):
            return self._struct(info, depth)
        if isinstance(info, inspect.UnionType):
            return self.made(rng.choice(info.types), name, depth)
        if isinstance(info, inspect.ListType | inspect.VarTupleType | inspect.CollectionType):
            count = rng.choice((0, 1, 1, 2, 3)) if depth < 8 else 0
            return [self.made(info.item_type, name, depth + 1) for _ in range(count)]
        if isinstance(info, inspect.DictType):
            keys = [rng.choice(WORDS[1:]) for _ in range(rng.randrange(3))]
            return {key: self.made(info.value_type, key, depth + 1) for key in keys}
        return self._plain(info, name)

    def _struct(self, info: inspect.StructType, depth: int) -> dict[str, Any]:
        spare = 0.7 if depth < 5 else 0.1
        return {
            field.encode_name: self.made(field.type, field.encode_name, depth + 1)
            for field in info.fields
            if field.required or self._rng.random() < spare
        }

    def _plain(self, info: inspect.Type, name: str) -> Any:
        rng, junk = self._rng, self._rng.random() < self._junk
        if isinstance(info, inspect.IntType):
            return msgspec.Raw(rng.choice(NUMBERS if junk else (b"1", b"2", b"1700000000")))
        if isinstance(info, inspect.DecimalType | inspect.FloatType):
            return msgspec.Raw(rng.choice(DECIMALS if junk else (b"12.5", b"1")))
        if isinstance(info, inspect.BoolType):
            return rng.random() < 0.5
        if isinstance(info, inspect.NoneType):
            return None
        if isinstance(info, inspect.LiteralType):
            return rng.choice(info.values)
        if isinstance(info, inspect.StrType):
            return word(name, rng, self._junk)
        return rng.choice(ANYTHING)
