"""`opsgraph documents`: check, list and show what clients may run; make a manifest of what was recorded."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

import msgspec

from gateway.cli import offline
from gateway.cli.errors import Unusable
from gateway.engine.documents import Refused
from gateway.engine.explain import explain, lines, worst_calls
from gateway.engine.manifests import ManifestErrors, Manifests, Trusted, load_manifests
from gateway.engine.plan import Plan
from gateway.engine.warm import Warmer, failures


class Measured(msgspec.Struct, frozen=True):
    """The most that a document comes to for any role: upstream calls and the role that takes them, cost."""

    calls: int
    role: str
    cost: float


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    checked = actions.add_parser("check", help="every mistake, one line each")
    checked.add_argument("--calls", action="store_true", help="also that no plan takes more calls than its `calls`")
    _place(checked)
    listed = actions.add_parser("list", help="every document with its terms, and what it comes to")
    _place(listed)
    shown = actions.add_parser("show", help="one document: its text, and its plan")
    shown.add_argument("wanted", metavar="ID|OPERATION", help="its id, the beginning of it, or its operation's name")
    shown.add_argument("--as", dest="role", help="the role whose plan is shown (default: one that takes most calls)")
    _place(shown)
    recorded = actions.add_parser("record", help="what a recording holds")
    recorded.add_argument("recording", type=Path, help="the file of `[documents] recording`")
    accepted = actions.add_parser("accept", help="take recorded documents of a client into its manifest")
    accepted.add_argument("recording", type=Path, help="the file of `[documents] recording`")
    accepted.add_argument("--client", required=True, help="whose documents")
    accepted.add_argument("--only", action="append", default=[], metavar="ID|OPERATION", help="these (default: all)")
    accepted.add_argument("--directory", type=Path, help="of the manifests (default: that of the settings)")
    offline.declare(accepted)
    command.set_defaults(run=run)


def _place(command: argparse.ArgumentParser) -> None:
    offline.declare(command)
    command.add_argument("directory", type=Path, nargs="*", help="of the manifests (default: that of the settings)")


def run(options: argparse.Namespace) -> int:
    """0 = nothing to say against it, 1 = mistakes, 2 = it could not be done."""
    if options.action in ("record", "accept"):
        from gateway.cli import accepting

        return accepting.record(options) if options.action == "record" else accepting.accept(options)
    known = offline.offline(options, company=True)
    actions = {"check": _check, "list": _list, "show": _show}
    return actions[options.action](options, known, Warmer(known.engine, lambda: known.roles))


def _folders(options: argparse.Namespace, known: offline.Offline) -> list[Path]:
    if options.directory:
        return list(options.directory)
    if known.settings.documents.directory is None:
        raise Unusable("there is no directory of manifests: name one, or a `--config` whose `[documents]` does")
    return [Path(known.settings.documents.directory)]


def _loaded(folder: Path) -> Manifests:
    try:
        return load_manifests(folder)
    except ManifestErrors as error:
        raise Unusable(f"see `opsgraph documents check {folder}`: {error.mistakes[0]}") from None


# ---------------------------------------------------------------- check


def _check(options: argparse.Namespace, known: offline.Offline, warmer: Warmer) -> int:
    found, documents, clients = 0, 0, set[str]()
    for folder in _folders(options, known):
        try:
            manifests = load_manifests(folder)
        except ManifestErrors as error:
            found += _told(folder, error.mistakes)
            continue
        documents, clients = documents + len(manifests), clients | manifests.by_client.keys()
        for each in manifests:
            mistakes = list(warmer.mistakes_of(each)) or list(_exceeding(each, known, warmer, options.calls))
            found += _told(folder, mistakes)
    if not found:
        print(f"{documents} documents of {len(clients)} clients: no mistakes")
    return int(found > 0)


def _told(folder: Path, mistakes: Sequence[str]) -> int:
    for mistake in mistakes:
        print(mistake if mistake.startswith("`") else f"{folder}/{mistake}")
    return len(mistakes)


def _exceeding(trusted: Trusted, known: offline.Offline, warmer: Warmer, calls: bool) -> Iterator[str]:
    """Why a document cannot be planned, or takes more calls than it may."""
    try:
        found = measured(trusted, known, warmer)
    except Refused as error:
        yield f"{trusted.place}: {failures(error)}"
        return
    if not calls or (trusted.calls is not None and found.calls <= trusted.calls):
        return
    if trusted.calls is None:
        yield f"{trusted.place}: `calls` is missing: it takes {found.calls} at the most, as {found.role}"
        return
    yield (
        f"{trusted.place}: it may take {found.calls} calls as {found.role}, and `calls` allows {trusted.calls}: "
        "see `opsgraph documents show`, then ask for less or raise it"
    )


def measured(trusted: Trusted, known: offline.Offline, warmer: Warmer) -> Measured:
    """What a document comes to at the most; raises Refused where it cannot be planned."""
    most = Measured(0, "nobody", 0)
    for role in warmer.scope(trusted):
        for plan in warmer.plans(trusted, role):
            calls = worst_calls(explain(plan, known.engine.graph.types, known.catalog))
            most = Measured(
                max(calls, most.calls),
                role if calls > most.calls or most.role == "nobody" else most.role,
                max(plan.price.highest, most.cost),
            )
    return most


# ---------------------------------------------------------------- list and show


def _list(options: argparse.Namespace, known: offline.Offline, warmer: Warmer) -> int:
    rows = [("client", "operation", "id", "roles", "class", "calls", "cost")]
    for folder in _folders(options, known):
        for each in _loaded(folder):
            try:
                found = measured(each, known, warmer)
            except Refused as error:
                raise Unusable(f"see `opsgraph documents check {folder}`: {failures(error)}") from None
            roles = "all" if each.roles is None else ",".join(sorted(each.roles))
            calls = f"{found.calls} of {'?' if each.calls is None else each.calls}"
            cost = "by its lists" if found.cost == inf else f"{found.cost:g}"
            exempt = " (exempt)" if each.cost_exempt else ""
            class_ = each.operation_class or "-"
            rows.append((each.client, each.operation or "-", each.id[:19], roles, class_, calls, cost + exempt))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _show(options: argparse.Namespace, known: offline.Offline, warmer: Warmer) -> int:
    found = [each for folder in _folders(options, known) for each in _loaded(folder) if _is(each, options.wanted)]
    if not found:
        raise Unusable(f"there is no document `{options.wanted}`: see `opsgraph documents list`")
    for each in found:
        try:
            role = options.role or measured(each, known, warmer).role
            plans: list[Plan] = list(warmer.plans(each, role))
        except Refused as error:
            print(f"{each.place}: {failures(error)}")
            return 1
        sys.stdout.write(f"# {each.place}\n# {each.client} {each.id}\n{each.text.rstrip()}\n\n")
        for plan in plans:
            sys.stdout.writelines(f"{line}\n" for line in lines(explain(plan, known.engine.graph.types, known.catalog)))
    return 0


def _is(trusted: Trusted, wanted: str) -> bool:
    if wanted in (trusted.operation, trusted.id):
        return True
    digits = wanted.removeprefix("sha256:")
    return len(digits) >= 6 and trusted.digest.hex().startswith(digits)
