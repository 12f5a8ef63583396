"""Loads the rule files: reads each of them, whatever is wrong with the others, and tells every mistake at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

from policies.cases import examples
from policies.classes import read_classes
from policies.figures import entitlement
from policies.orders import OrderRules, order_rules
from policies.purposes import purposes
from policies.records import Role, Rules, Verdict
from policies.roles import Known, read_roles
from policies.rowrules import read_rows
from policies.writes import WriteExample, WriteRules, write_examples, write_rules
from policies.yaml import Mapping, Mistakes, RuleError, RuleErrors, Sequence, Text, read

__all__ = ["RULES", "Role", "RuleError", "Rules", "Verdict", "load_rules"]

RULES = Path(__file__).parent / "rules"
_WRITES = "tests/writes.yaml"
P = ParamSpec("P")
T = TypeVar("T")


class _Anything(Collection[str]):
    """The names in a file that cannot be read: each may be there."""

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Files:
    """The files of a folder, each read once."""

    def __init__(self, folder: Path) -> None:
        self.told = Mistakes()
        self._folder = folder
        self._read: dict[str, Mapping | None] = {}

    def source(self, name: str) -> Mapping | None:
        """What stands in a file, None if that is no YAML."""
        if name not in self._read:
            self._read[name] = self.told.of(read, self._folder / name, f"{self._folder.name}/{name}")
        return self._read[name]

    def of(self, name: str, reader: Callable[Concatenate[Mapping, P], T], *args: P.args, **named: P.kwargs) -> T:
        """What a reader makes of a file; after a mistake None, as `Mistakes.of` has it."""
        source = self.source(name)
        return cast(T, None) if source is None else self.told.of(reader, source, *args, **named)

    def names(self, name: str, key: str = "") -> Collection[str]:
        """The keys of a file, or the names under one of its keys, right or wrong."""
        source = self.source(name)
        found = source.items.get(key) if source is not None and key else source
        if isinstance(found, Mapping):
            return tuple(found.keys)
        if isinstance(found, Sequence):
            return tuple(each.value for each in found.items if isinstance(each, Text))
        return (found.value,) if isinstance(found, Text) else _Anything()


def load_rules(folder: Path = RULES) -> Rules:
    """Reads every file of a rules folder, the examples under `tests/` too; raises RuleErrors with every mistake."""
    files = _Files(folder)
    known = Known(
        classes=files.names("classes.yaml", "classes"),
        rows=files.names("rows.yaml", "rules"),
        purposes=files.names("purposes.yaml"),
        roles=files.names("roles.yaml"),
    )
    classes, rows = files.of("classes.yaml", read_classes), files.of("rows.yaml", read_rows)
    allowed, roles = files.of("purposes.yaml", purposes, known.roles), files.of("roles.yaml", read_roles, known)
    decided = files.of("entitlement.yaml", entitlement)
    orders = files.of("orders.yaml", order_rules) if (folder / "orders.yaml").exists() else OrderRules()
    writes, asked = _writes(files, folder, known)
    shown = [files.of(name, examples, known.roles) for name in _examples(folder)]
    if files.told.found:
        raise RuleErrors(sorted(files.told.found, key=lambda each: (each.file, each.line)))
    return Rules(
        classes=classes.names,
        coordinates=classes.coordinates,
        roles=roles,
        rows=rows.rules,
        via=rows.via,
        shared=rows.shared,
        entitlement=decided.figures,
        decisions=decided.table,
        orders=orders,
        writes=writes,
        write_examples=asked,
        declassified=classes.declassified,
        examples=tuple(each for found in shown for each in found),
        row_places=rows.places,
        purposes=allowed,
        audited=classes.audited,
        file=f"{folder.name}/classes.yaml",
    )


def _writes(files: _Files, folder: Path, known: Known) -> tuple[WriteRules, tuple[WriteExample, ...]]:
    """The write rules and their examples; whoever cannot read the rules cannot read what is asked by them."""
    before = len(files.told.found)
    writes = files.of("writes.yaml", write_rules, known.roles)
    if len(files.told.found) > before or not (folder / _WRITES).exists():
        return writes, ()
    return writes, files.of(_WRITES, write_examples, writes)


def _examples(folder: Path) -> list[str]:
    return [f"tests/{path.name}" for path in sorted((folder / "tests").glob("*.yaml")) if path.name != "writes.yaml"]
