"""`opsgraph audit`: whether the audit is whole, and what it says."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from gateway.auditing import row_hash
from gateway.cli.errors import Unusable
from gateway.cli.serve import read
from gateway.settings import Settings
from sources.store import audit_file
from sources.store.chain import Break, Entry, Wanted
from sources.store.errors import StoreError


def declare(command: argparse.ArgumentParser) -> None:
    """Its options."""
    actions = command.add_subparsers(dest="part", required=True, metavar="ACTION")
    verified = actions.add_parser("verify", help="check every chain and seal; says where one does not hold")
    verified.add_argument("--seal", metavar="HASH", help="the hash of a seal, kept elsewhere, that must be there")
    shown = actions.add_parser("list", help="what it says, the newest first")
    for name, about in (
        ("actor", "the subject of who asked"),
        ("action", "what was done, such as `read.withheld`"),
        ("correlation", "the correlation id of a request"),
        ("row", "a row of which something was withheld, such as `Invoice:in_1`"),
    ):
        shown.add_argument(f"--{name}", metavar="TEXT", help=about)
    for name, about in (("since", "from this instant on"), ("until", "before this instant")):
        shown.add_argument(f"--{name}", type=_instant, metavar="TIME", help=f"{about} (UTC), such as 2026-03-01T12:00")
    shown.add_argument("--first", type=int, default=50, metavar="NUMBER", help="at most so many (default: 50)")
    shown.add_argument("--json", action="store_true", help="a line of JSON for each entry")
    for each in (verified, shown):
        each.add_argument("--config", type=Path, default=Path("opsgraph.toml"), help="the settings file")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """0 = whole, 1 = it does not hold, 2 = it could not be done."""
    settings = read(options.config)
    try:
        return _verify(options, settings) if options.part == "verify" else _list(options, settings)
    except StoreError as error:
        raise Unusable(str(error)) from None


def _instant(text: str) -> datetime:
    given = datetime.fromisoformat(text)
    return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)


# ---------------------------------------------------------------- where it is


def _file(settings: Settings) -> Path | None:
    """The file of the audit, where there is one."""
    if settings.audit.file is None:
        if not settings.writes.on:
            raise Unusable("there is no audit: the settings have neither `[writes] store` nor `[audit] file`")
        return None
    path = Path(settings.audit.file)
    if not path.exists():
        raise Unusable(f"`{path}` does not exist: nothing was put on record yet, or `[audit] file` is another")
    return path


def _look(settings: Settings, work: Any, *given: Any) -> Any:
    """What `work(connection, ...)` finds in the store."""
    try:
        from sources.store.store import look
    except ImportError as error:
        raise Unusable(f"`{error.name}` is not installed: install `opsgraph[writes]`") from None
    return look(settings.writes.urls()[0], work, *given)


# ---------------------------------------------------------------- verify


def _verify(options: argparse.Namespace, settings: Settings) -> int:
    path = _file(settings)
    if options.seal is not None and not settings.writes.on:
        raise Unusable("a file has no seals: leave `--seal` out")
    held = [_look(settings, _verify_store, options.seal)] if settings.writes.on else []
    if path is not None:
        held.append(_told(str(path), audit_file.verify(path), lambda: "no seals"))
    return int(not all(held))


def _verify_store(connection: Any, kept: str | None) -> bool:
    from sources.store import audit

    def found() -> Iterator[Break]:
        yield from audit.verify(connection)
        if kept is not None and not audit.has_seal(connection, kept):
            yield Break("seals", audit.extent(connection).seals, f"the seal `{kept}` is gone")

    def summary() -> str:
        size = audit.extent(connection)
        last = f", the last of {_time(size.sealed_at)}: {size.last_seal}" if size.sealed_at else ""
        counted = f"{size.entries} entries of {size.chains} chains, {size.unsealed} not sealed yet"
        return f"{counted}; seals: {size.seals}{last}"

    return _told("the store", found(), summary)


def _told(what: str, breaks: Iterable[Break], summary: Callable[[], str]) -> bool:
    count = 0
    for each in breaks:
        count += 1
        sys.stdout.write(f"{each.chain}/{each.sequence}: {each.what}\n")
    if count:
        sys.stdout.write(f"{what}: does not hold; breaks: {count}\n")
        return False
    sys.stdout.write(f"{what}: whole; {summary()}\n")
    return True


# ---------------------------------------------------------------- list


def _list(options: argparse.Namespace, settings: Settings) -> int:
    wanted = Wanted(
        actor=options.actor,
        action=options.action,
        correlation_id=options.correlation,
        since=options.since,
        until=options.until,
        text=_hashed(options.row, settings) if options.row is not None else None,
    )
    for each in _found(wanted, options.first, settings):
        sys.stdout.write(f"{msgspec.json.encode(each).decode() if options.json else _line(each)}\n")
    return 0


def _hashed(row: str, settings: Settings) -> str:
    if settings.policies.hash_key is None:
        raise Unusable("rows are hashed by a key that each process makes for itself: set `[policies] hash_key`")
    return row_hash(settings)(row)


def _found(wanted: Wanted, first: int, settings: Settings) -> list[Entry]:
    """The newest of both places."""
    path = _file(settings)
    found: list[Entry] = _look(settings, _listed, wanted, first) if settings.writes.on else []
    if path is not None:
        found += audit_file.listed(path, wanted, first)
    return sorted(found, key=lambda entry: (entry.at, entry.chain, entry.sequence), reverse=True)[:first]


def _listed(connection: Any, wanted: Wanted, first: int) -> list[Entry]:
    from sources.store import audit

    return audit.listed(connection, wanted, first)


def _line(entry: Entry) -> str:
    event = entry.event
    who = event.actor if event.human in (None, event.actor) else f"{event.actor} for {event.human}"
    about = [each for each in (event.subject, event.rule, event.reason) if each]
    if isinstance(event.after, dict):
        about += [_withheld(each) for each in event.after.get("withheld", ())]
    decided = f" {event.decision}" if event.decision else ""
    said = f": {'; '.join(about)}" if about else ""
    return f"{_time(entry.at)}  {who}  {event.action}{decided}{said}  [{event.correlation_id or '-'}]"


def _withheld(each: dict[str, Any]) -> str:
    return f"{each['coordinate']} {each['how']} by {each['rule']} in {each['rows']} rows"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
