"""Crosswalk: what an account is called in each source, and back.

Explicit keys come first: every source has one record class by which it knows an account (its `account_facet`), and
that record carries the canonical account key. An account may have several records in one source; all of them count.
Where no record names the account, the id that the CRM notes for it counts: it is a claim. A record that two accounts
claim, or that names another account than the one that claims it, is ambiguous, never a guess. Only where there is no
claim either a rule is tried (equal domain); a rule with two candidates is ambiguous as well. Claims that need a look at
the record, and rules, are tried for a few accounts at once only, because they cost a call for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from sources.canonical import Account, Record, System
from sources.errors import Ambiguous, BadAsk, Missing, SourceError
from sources.links import Links
from sources.ports import Ask, Connector, Reader, Reading, Report, Rows

Sharers = Callable[[Sequence[str]], Awaitable[Mapping[str, tuple[str, tuple[str, ...]]]]]
"""accounts -> {account: (its domain, all CRM accounts with that domain)}; accounts without a domain are left out."""


_RULED = 3  # accounts of one question up to which claims are looked into and the rule is tried
_MEANT = (Ambiguous, BadAsk, Missing)  # answers, no failures


class Resolved(msgspec.Struct):
    """Links by key (canonical account keys, or own ids for the way back), what failed, and what it cost."""

    links: dict[str, tuple[str, ...]]
    errors: dict[str, SourceError]
    report: Report
    reports: list[Report] = msgspec.field(default_factory=list)  # what the CRM was asked besides


class Crosswalk:
    """Remembers ids, never facts: `ttl` seconds, at most `bound` entries."""

    def __init__(
        self,
        *,
        sharers: Sharers | None = None,
        crm: Reader | None = None,
        ttl: float = 300.0,
        bound: int = 200_000,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._sharers, self._crm = sharers, crm
        self._links = Links(ttl, bound, clock or _loop_time)

    async def own_ids(self, connector: Connector, accounts: Sequence[str]) -> Resolved:
        """What `connector` calls each account; an account it does not know has an empty tuple."""
        resolved = Resolved({}, {}, Report(connector.name))
        missing = self._links.recall("own", connector.name, accounts, resolved.links)
        if len(accounts) > _RULED:  # an account that was found to have no explicit link: no rule would be tried for it
            missing = self._links.recall("none", connector.name, missing, resolved.links)
        if not missing:
            return resolved
        reading = await self.facets(connector, missing)
        resolved.report, resolved.errors, resolved.reports = reading.report, dict(reading.errors), reading.reports
        for account in missing:
            if account not in reading.errors:
                resolved.links[account] = self._ids(reading, account)
        self._fall_back("own", connector.name, resolved)
        if len(accounts) <= _RULED:
            unlinked = [key for key in missing if resolved.links.get(key) == ()]
            await self._by_domain(connector, unlinked, resolved)
        return resolved

    async def _by_domain(self, connector: Connector, accounts: Sequence[str], resolved: Resolved) -> None:
        """The rule: the one unclaimed record with the account's domain, if no other account has that domain."""
        facet = connector.account_facet
        if not accounts or facet is None or self._sharers is None:
            return
        if (facet, "domain") not in connector.capabilities:
            return
        sharers = await self._sharers(accounts)
        if not sharers:
            return
        domains = tuple(dict.fromkeys(domain for domain, _ in sharers.values()))
        reading = await connector.read(Ask(facet, "domain", domains))
        resolved.report.calls += reading.report.calls
        for account, (domain, sharing) in sharers.items():
            if domain in reading.errors:
                resolved.errors[account] = reading.errors[domain]
                continue
            found = reading.rows[domain].records if domain in reading.rows else ()
            free = tuple(record.source_id for record in found if not _account_of(record))
            if free and (len(free) > 1 or len(sharing) > 1):
                resolved.errors[account] = Ambiguous(
                    f"`{connector.name}` has {len(free)} unclaimed records for the domain `{domain}` and "
                    f"{len(sharing)} accounts share it: link one of them explicitly",
                    source=connector.name,
                )
                continue
            resolved.links[account] = free
            self._links.remember("own", connector.name, account, free)
            for own in free:
                self._links.remember("back", connector.name, own, (account,))

    async def account_keys(self, connector: Connector, own_ids: Sequence[str]) -> Resolved:
        """The way back: canonical account keys (none or one) of the source's own ids."""
        resolved = Resolved({}, {}, Report(connector.name))
        missing = self._links.recall("back", connector.name, own_ids, resolved.links)
        if not missing or connector.account_facet is None:
            return resolved
        reading = await connector.read(Ask(connector.account_facet, "key", tuple(missing)))
        resolved.report, resolved.errors = reading.report, dict(reading.errors)
        self._fall_back("back", connector.name, resolved)
        silent = []
        for own in missing:
            if own in reading.errors:
                continue
            records = reading.rows[own].records if own in reading.rows else ()
            keys = tuple(key for key in (_account_of(record) for record in records) if key)
            if records and not keys:
                silent.append(own)
            else:
                self._links.remember("back", connector.name, own, keys)
            resolved.links[own] = keys
        await self._by_claim(connector, silent, resolved)
        return resolved

    async def _by_claim(self, connector: Connector, own_ids: Sequence[str], resolved: Resolved) -> None:
        """Records that name no account, by the one account that claims each."""
        claims = await self._accounts("external", [_named(connector.system, own) for own in own_ids])
        resolved.reports += claims.reports
        for own in own_ids:
            claimants, failed = (
                _keys(claims, _named(connector.system, own)),
                claims.errors.get(_named(connector.system, own)),
            )
            if len(claimants) > 1 or failed is not None:
                resolved.errors[own] = failed or _contested(connector, len(claimants))
                continue
            resolved.links[own] = claimants
            self._links.remember("back", connector.name, own, claimants)

    async def facets(self, connector: Connector, accounts: Sequence[str]) -> Reading:
        """The records by which `connector` knows the accounts, also those that only the CRM links to them."""
        facet = connector.account_facet
        if facet is None:
            return Reading({account: Rows() for account in accounts}, Report(connector.name))
        try:
            reading = await connector.read(Ask(facet, "account", tuple(dict.fromkeys(accounts))))
            unlinked = tuple(key for key in accounts if key not in reading.errors and not self._ids(reading, key))
            await self._claimed(connector, facet, unlinked, reading)
        except SourceError as error:
            return Reading({}, Report(connector.name, error=error.code), dict.fromkeys(accounts, error))
        for account in accounts:
            if account not in reading.errors:
                ids = self._ids(reading, account)
                self._links.remember("own" if ids else "none", connector.name, account, ids)
                for own in ids:
                    self._links.remember("back", connector.name, own, (account,))
        return reading

    def note(self, records: Sequence[Record]) -> None:
        """Remembers what the CRM says other systems call its accounts."""
        self._links.remember_all(
            "noted",
            "",
            {
                record.key: tuple([_named(each.system, each.id) for each in record.external_ids])
                for record in records
                if isinstance(record, Account)
            },
        )

    async def _claimed(
        self, connector: Connector, facet: type[Record], accounts: tuple[str, ...], reading: Reading
    ) -> None:
        """Accounts that no record names, by the ids that the CRM notes for them: fills rows, or says what is wrong."""
        noted: dict[str, tuple[str, ...]] = {}
        missing = self._links.recall("noted", "", accounts, noted)
        known = await self._accounts("key", missing)
        self.note([record for rows in known.rows.values() for record in rows.records])
        self._links.recall("noted", "", missing, noted)
        reading.errors |= known.errors
        prefix = _named(connector.system, "")
        ids = {key: [each.removeprefix(prefix) for each in noted[key] if each.startswith(prefix)] for key in noted}
        names = [_named(connector.system, own) for each in ids.values() for own in each]
        claims = await self._accounts("external", names)
        reading.reports += [*known.reports, *claims.reports]
        sole: dict[str, str] = {}
        for account, own_ids in ids.items():
            for own in own_ids:
                name = _named(connector.system, own)
                claimants = _keys(claims, name)
                if name in claims.errors:
                    reading.errors[account] = claims.errors[name]
                elif claimants == (account,):
                    sole[own] = account
                elif account in claimants:
                    reading.errors[account] = _contested(connector, len(claimants))
        if 0 < len(sole) <= _RULED and (facet, "key") in connector.capabilities:
            await self._adopt(connector, facet, sole, reading)
        reading.rows = {key: rows for key, rows in reading.rows.items() if rows.records or key not in reading.errors}

    async def _adopt(
        self, connector: Connector, facet: type[Record], sole: Mapping[str, str], reading: Reading
    ) -> None:
        """Records that one account alone claims (own id -> account), unless they name another one."""
        found = await connector.read(Ask(facet, "key", tuple(sole)))
        reading.report.calls += found.report.calls
        reading.report.cached += found.report.cached
        reading.report.stale += found.report.stale
        for own, account in sole.items():
            if own in found.errors:
                reading.errors[account] = found.errors[own]
            for record in found.rows[own].records if own in found.rows else ():
                if _account_of(record) not in ("", account):
                    reading.errors[account] = Ambiguous(
                        f"the CRM notes a record of `{connector.name}` that names another account: correct one of them",
                        source=connector.name,
                    )
                elif not getattr(record, "deleted", False):
                    named = msgspec.structs.replace(record, account_key=account)
                    reading.rows[account] = Rows([named], served=found.rows[own].served)

    async def _accounts(self, by: str, keys: Sequence[str]) -> Reading:
        """The CRM's accounts by `key`, or by the ids that they note (`external`: `SYSTEM:id`)."""
        if self._crm is None or not keys:
            return Reading({}, Report(""))
        reading = await self._crm.read(Ask(Account, by, tuple(dict.fromkeys(keys))))
        reading.reports = reading.reports or [reading.report]
        return reading

    @staticmethod
    def _ids(reading: Reading, account: str) -> tuple[str, ...]:
        return tuple(record.source_id for record in reading.rows[account].records) if account in reading.rows else ()

    def _fall_back(self, way: str, source: str, resolved: Resolved) -> None:
        """Where the source fails, what it said within a day: ids outlive the facts they lead to."""
        for key, error in tuple(resolved.errors.items()):
            ids = self._links.last_known(way, source, key)
            if isinstance(error, _MEANT) or ids is None:
                continue
            resolved.links[key] = ids
            resolved.report.error = resolved.report.error or error.code  # the cause, where it is known
            del resolved.errors[key]

    def links(self, connector: Connector, accounts: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
        """What a source calls each account, where `own_ids` would say so without asking; None where it would ask."""
        found: dict[str, tuple[str, ...]] = {}
        missing = self._links.recall("own", connector.name, accounts, found)
        if missing and len(accounts) > _RULED:
            missing = self._links.recall("none", connector.name, missing, found)
        elif missing and self._are_unlinked(connector, missing):
            return found | dict.fromkeys(missing, ())
        return None if missing else found

    def _are_unlinked(self, connector: Connector, accounts: Sequence[str]) -> bool:
        """Whether it is known that a source has no record of any of these accounts, and no rule would find one."""
        facet = connector.account_facet
        recall: Callable[[Ask], Reading | None] | None = getattr(connector, "recall", None)
        if facet is None or recall is None or (self._sharers and (facet, "domain") in connector.capabilities):
            return False
        reading = recall(Ask(facet, "account", tuple(accounts)))
        return reading is not None and not any(
            self._ids(reading, each) or not self.is_unclaimed(connector, each) for each in accounts
        )

    def names(self, source: str, own_ids: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
        """The way back, where `account_keys` would say so without asking; None where it would ask."""
        found: dict[str, tuple[str, ...]] = {}
        return None if self._links.recall("back", source, own_ids, found) else found

    def is_unclaimed(self, connector: Connector, account: str) -> bool:
        """Whether the CRM is known to note nothing for an account in this system."""
        if self._crm is None:
            return True
        noted: dict[str, tuple[str, ...]] = {}
        if self._links.recall("noted", "", (account,), noted):
            return False
        return not any(each.startswith(_named(connector.system, "")) for each in noted[account])

    def knows(self, source: str, account: str) -> bool:
        """Whether it is remembered what a source calls an account."""
        return self._links.knows("own", source, account)

    def forget(self, account: str) -> set[str]:
        """Has one account looked up anew; what it was called in any source."""
        return self._links.forget(account)

    def forget_own(self, own: str) -> None:
        """Has it looked up anew which account an id stands for, in every source."""
        self._links.forget_own(own)


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


def _named(system: System, own: str) -> str:
    return f"{system.value}:{own}"


def _keys(reading: Reading, key: str) -> tuple[str, ...]:
    return tuple(record.key for record in reading.rows[key].records) if key in reading.rows else ()


def _contested(connector: Connector, claimants: int) -> Ambiguous:
    return Ambiguous(
        f"{claimants} accounts of the CRM claim one record of `{connector.name}`, which names none of them: "
        "let the record name its account",
        source=connector.name,
    )


def _account_of(record: Record) -> str:
    return getattr(record, "account_key", "") or ""
