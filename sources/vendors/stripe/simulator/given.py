"""The parameters of a write: only those that the call knows, each of its own kind, or the vendor's 400."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sources.vendors.stripe.simulator import facts
from sources.vendors.stripe.simulator.errors import Refusal, unknown

Tree = dict[str, Any]


class Given:
    """A tree of parameters; `within` is the name of the part it stands in, such as `items[0]`."""

    def __init__(self, tree: Tree, allowed: Collection[str], within: str = "") -> None:
        self._tree, self._within = tree, within
        for name in tree:
            if name != "expand" and name not in allowed:
                raise unknown(self._named(name))

    def __contains__(self, name: str) -> bool:
        return name in self._tree

    def _named(self, name: str) -> str:
        return f"{self._within}[{name}]" if self._within else name

    def demand(self, *names: str) -> None:
        """Refuses a call that lacks one of them."""
        for name in names:
            if self._tree.get(name) in (None, ""):
                shown = self._named(name)
                raise Refusal(400, f"Missing required param: {shown}.", code="parameter_missing", param=shown)

    def text(self, name: str) -> str | None:
        """A text; an empty one is None."""
        value = self._tree.get(name)
        if value is not None and not isinstance(value, str):
            raise self.bad(name, "must be a string")
        return value or None

    def choice(self, name: str, among: Collection[str], usual: str) -> str:
        """One of a few words."""
        value = self.text(name) or usual
        if value not in among:
            raise self.bad(name, f"must be one of {', '.join(among)}")
        return value

    def whole(self, name: str) -> int | None:
        """A whole number; an empty one is None."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return int(value)
        except ValueError:
            raise self.bad(name, "must be an integer", "parameter_invalid_integer") from None

    def amount(self, name: str) -> int:
        """Minor units, at least nothing; nothing where it is left out."""
        value = self.whole(name) or 0
        if value < 0:
            raise self.bad(name, "must be greater than or equal to 0", "parameter_invalid_integer")
        return value

    def flag(self, name: str, usual: bool = False) -> bool:
        """`true` or `false`."""
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise self.bad(name, "must be a boolean")
        return usual if value is None else value == "true"

    def part(self, name: str, allowed: Collection[str]) -> Given:
        """A nested part; empty where it is left out."""
        value = self._tree.get(name) or {}
        if not isinstance(value, dict):
            raise self.bad(name, "must be an object")
        return Given(value, allowed, self._named(name))

    def rows(self, name: str, allowed: Collection[str]) -> list[Given]:
        """A list of parts."""
        value = self._tree.get(name) or []
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.bad(name, "must be an array of objects")
        return [Given(each, allowed, f"{self._named(name)}[{place}]") for place, each in enumerate(value)]

    def empty(self, name: str) -> bool:
        """Whether it was given as nothing, which takes the whole of it away."""
        return self._tree.get(name) == ""

    def metadata(self, before: Tree) -> Tree:
        """What the metadata are afterwards: an empty value takes a key away, an empty whole all of them."""
        value = self._tree.get("metadata", {})
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise self.bad("metadata", "must be an object")
        for name, text in value.items():
            if len(name) > facts.METADATA_KEY or len(str(text)) > facts.METADATA_VALUE:
                raise self.bad("metadata", "has a key or value that is too long")
        after = {name: text for name, text in {**before, **value}.items() if text != ""}
        if len(after) > facts.METADATA_KEYS:
            raise self.bad("metadata", f"can have up to {facts.METADATA_KEYS} keys")
        return after

    def bad(self, name: str, why: str, code: str | None = None) -> Refusal:
        """The refusal of one parameter."""
        shown = self._named(name)
        return Refusal(400, f"Invalid {shown}: {why}", code=code, param=shown)
