"""`opsgraph.toml` and the secrets it refers to, as one frozen tree; a mistake is one clear line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from resolvers.budget import OperationsSettings
from resolvers.sagas.settings import WritesSettings
from sources.cache import CacheSettings
from sources.catalog import vendors
from sources.settings import Secret, SourceSettings
from sources.store.settings import AuditSettings

LimitName: TypeAlias = Literal[
    "characters", "tokens", "depth", "fields", "aliases", "roots", "directives", "introspections", "cost"
]
_Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
_Seconds: TypeAlias = Annotated[float, msgspec.Meta(gt=0)]
_KEY_LENGTH = 32  # characters of a key by which we sign, at the least: a shorter one can be found by trying


class SettingsError(ValueError):
    """The configuration cannot be used; the message says where and what to do."""


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway]`: where it listens and what it accepts. Times in seconds."""

    host: str = "127.0.0.1"
    port: int = 4000
    body_bytes: int = 256 * 1024
    body_timeout: float = 15.0
    notice: float = 0.0  # how long a graceful stop still takes new connections, so that balancers learn of it
    drain: float = 10.0  # how long it then waits for what is under way
    cursor_key: Secret | None = None  # the same in every process; none: a key of this process's own
    signing_key: Secret | None = None  # of what an answer vouches for; the same in every process; none: as above
    console: bool = False
    metrics: bool = True  # whether there is a `/metrics`
    zones: tuple[str, ...] = ()  # residency zones that this process may hold; none: every

    def __post_init__(self) -> None:
        for name, key in (("cursor_key", self.cursor_key), ("signing_key", self.signing_key)):
            if key is not None and len(key.reveal()) < _KEY_LENGTH:
                raise ValueError(
                    f"`{name}` has {len(key.reveal())} characters, at least {_KEY_LENGTH} are expected: make one with "
                    "`openssl rand -hex 32`"
                )


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which claim of a token holds what."""

    roles: str = "roles"
    regions: str = "regions"
    entities: str = "entities"
    accounts: str = "accounts"
    human: str = "onBehalfOf"
    client: str = "client_id"  # which program asks: whose trusted documents it may run


class Issuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[[identity.issuers]]`: who may issue tokens, for which audience, signed how.

    `roles` and `clients` are those that it may name (none: any). `prefix` stands before the subjects and people of its
    tokens: two issuers may call two people by one name.
    """

    issuer: str
    audience: str
    jwks: str
    algorithms: tuple[str, ...] = ("RS256",)
    claims: Claims = Claims()
    roles: tuple[str, ...] | None = None
    clients: tuple[str, ...] | None = None
    prefix: str = ""


class IdentitySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[identity]`: issuers, and how far clocks may differ (seconds)."""

    issuers: tuple[Issuer, ...] = ()
    leeway: float = 30.0


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[policies]`: the folder of the rules (none: the ones that come along), and the key of hashing masks.

    Every `poll` seconds it is looked whether the files have changed; changed ones are taken into use. 0: never.
    """

    rules: str | None = None
    hash_key: Secret | None = None
    poll: float = 2.0


class ByLane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure for each lane, most urgent first (`sources.errand.Lane`)."""

    validate: float
    lookup: float
    portal: float
    backfill: float

    def __post_init__(self) -> None:
        if not self.validate >= self.lookup >= self.portal >= self.backfill > 0:
            raise ValueError("a lane may have no more than a more urgent one, and more than nothing")


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many requests a second over time, and `burst` at once. 0 a second: any number."""

    per_second: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)] = 0.0
    burst: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 100


class RateSettings(Rate, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[admission.rate]`: of each client for each role that has none of its own under `roles`."""

    roles: Mapping[str, Rate] = msgspec.field(default_factory=dict)


class AdmissionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[admission]`: when this process refuses work, the lowest lane first. Times in seconds.

    `concurrency` requests may be under way at once; a lane is refused once all of them together fill its share. It is
    also refused while the event loop has been late by its delay for an `interval`. `rate` bounds single clients. What
    `warn_only` names refuses nobody: it is logged and counted.
    """

    enabled: bool = True
    concurrency: int = 512
    shares: ByLane = ByLane(validate=1.0, lookup=0.9, portal=0.6, backfill=0.2)
    delays: ByLane = ByLane(validate=0.4, lookup=0.2, portal=0.05, backfill=0.025)
    interval: float = 0.1
    retry_after: int = 1
    rate: RateSettings = RateSettings()
    warn_only: tuple[Literal["concurrency", "delay", "rate"], ...] = ()

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise ValueError(f"`concurrency` is {self.concurrency}: at least 1 is expected")
        if self.shares.validate > 1:
            raise ValueError(f"`shares` has {self.shares.validate:g}: a share is at most 1")
        if self.interval <= 0:
            raise ValueError(f"`interval` is {self.interval:g}: more than nothing is expected")
        if self.retry_after < 1:
            raise ValueError(f"`retry_after` is {self.retry_after}: at least a second is expected")


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[limits]`: what a document may cost before anything is asked of anybody, and how much is remembered.

    A limit named in `warn_only` refuses nothing: it is logged and counted. Fragments count wherever they are spread.
    """

    characters: _Positive = 15_000
    tokens: _Positive = 1_000
    depth: _Positive = 15  # a connection's edges and nodes are not counted, nor is introspection
    fields: _Positive = 100  # in one selection set
    aliases: _Positive = 30
    roots: _Positive = 20
    directives: _Positive = 50
    introspections: _Positive = 5  # `__schema` and `__type`, and aliases inside them: each is answered in full, at once
    cost: _Positive = 5_000  # an operation: rows it may read, and ten for each call it may take
    warn_only: tuple[LimitName, ...] = ()
    remembered: _Positive = 1_000  # documents kept
    remembered_bytes: _Positive = 32 * 1024 * 1024  # an estimate of what they and their plans take
    refused: _Positive = 1_000  # refusals kept, so that a bad document is not read again and again
    refused_for: Annotated[float, msgspec.Meta(ge=0)] = 60.0  # seconds


class DocumentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[documents]`: which documents are run for whom; see docs/documents.md.

    `directory` has a manifest for each client; every `poll` seconds it is looked whether they have changed (0: never).
    `mode` is for our own people: outsiders run nothing but what the manifests say as soon as there is a directory.
    Clients may register texts themselves (automatic persisted queries), up to `registered` and `registered_bytes`; 0:
    never. `recording` is the file of mode `record`, of at most `recorded` documents.
    """

    directory: str | None = None
    mode: Literal["off", "record", "warn", "enforce"] = "off"
    poll: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    registered: Annotated[int, msgspec.Meta(ge=0)] = 1_000
    registered_bytes: _Positive = 8 * 1024 * 1024
    recording: str | None = None
    recorded: _Positive = 1_000

    def __post_init__(self) -> None:
        if self.mode in ("warn", "enforce") and self.directory is None:
            raise ValueError(f"`mode` is `{self.mode}`, and there is no `directory`: name that of the manifests")
        if self.mode == "record" and self.recording is None:
            raise ValueError("`mode` is `record`, and there is no `recording`: name the file to record to")


class StreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[streams]`: answers that go on, over SSE and WebSocket; see docs/streams.md. Times in seconds.

    At most `connections` are open at once, `per_caller` of one caller, `operations` on one WebSocket; `queue` events
    wait for one operation. A client that takes nothing for `patience`, or lets more wait, is cut off. `spread`: when
    the process stops, over how long it lets them go. `origins`: pages of other origins that may open a stream.
    `kept`: for how long a client that was away is told what it missed. `poll`: news are looked for so often even when
    nobody has rung.
    """

    enabled: bool = True
    connections: _Positive = 1_000
    per_caller: _Positive = 20
    operations: _Positive = 50
    queue: _Positive = 100
    patience: _Seconds = 10.0
    init: _Seconds = 3.0  # for the first message of a WebSocket
    keep_alive: _Seconds = 12.0
    spread: Annotated[float, msgspec.Meta(ge=0)] = 2.0
    origins: tuple[str, ...] = ()
    kept: Annotated[float, msgspec.Meta(ge=60)] = 3_600.0
    poll: _Seconds = 2.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything."""

    gateway: GatewaySettings = GatewaySettings()
    identity: IdentitySettings = IdentitySettings()
    policies: PolicySettings = PolicySettings()
    cache: CacheSettings = CacheSettings()
    operations: OperationsSettings = OperationsSettings()
    admission: AdmissionSettings = AdmissionSettings()
    limits: Limits = Limits()
    documents: DocumentSettings = DocumentSettings()
    writes: WritesSettings = WritesSettings()
    streams: StreamSettings = StreamSettings()
    audit: AuditSettings = AuditSettings()
    sources: Mapping[str, SourceSettings] = msgspec.field(default_factory=dict)
    owners: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


_TABLES: dict[str, type[msgspec.Struct]] = {
    "gateway": GatewaySettings,
    "identity": IdentitySettings,
    "policies": PolicySettings,
    "cache": CacheSettings,
    "operations": OperationsSettings,
    "admission": AdmissionSettings,
    "limits": Limits,
    "documents": DocumentSettings,
    "writes": WritesSettings,
    "streams": StreamSettings,
    "audit": AuditSettings,
}
_SYMMETRIC = ("HS", "none")


def load(path: Path, environ: Mapping[str, str]) -> Settings:
    """Reads a file; raises SettingsError that names file, key and cure."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"`{path}` does not exist: write one, or try `opsgraph demo`") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"`{path}` cannot be read: {error}") from None
    try:
        return parse(tree, environ)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def parse(tree: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """The same from a tree of plain values."""
    for name in tree:
        if name not in Settings.__struct_fields__:
            raise SettingsError(f"unknown table `[{name}]`{_meant(name, Settings.__struct_fields__)}")
    parts: dict[str, Any] = {
        name: _convert(tree[name], shape, f"[{name}]", environ) for name, shape in _TABLES.items() if name in tree
    }
    parts["sources"] = _sources(tree.get("sources", {}), environ)
    owners = tree.get("owners", {})
    parts["owners"] = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in owners.items()}
    settings = Settings(**parts)
    _check(settings)
    return settings


def _sources(tables: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, SourceSettings]:
    known = vendors()
    found = {}
    for name, table in tables.items():
        where = f"[sources.{name}]"
        vendor = table.get("vendor") if isinstance(table, Mapping) else None
        if vendor not in known:
            raise SettingsError(f"{where} `vendor` is `{vendor}`: one of {', '.join(sorted(known))} is expected")
        found[name] = _convert(table, known[vendor].settings, where, environ)
    return found


def _convert(value: Any, shape: type[Any], where: str, environ: Mapping[str, str]) -> Any:
    def secret(kind: type[Any], raw: Any) -> Any:
        if kind is Secret:
            return _secret(raw, environ)
        raise NotImplementedError

    try:
        return msgspec.convert(value, shape, dec_hook=secret, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{where} {explained(str(error), shape)}") from None


def _secret(raw: Any, environ: Mapping[str, str]) -> Secret:
    if not isinstance(raw, Mapping) or len(raw) != 1 or next(iter(raw)) not in ("env", "file"):
        raise ValueError('a secret is a reference, `{ env = "NAME" }` or `{ file = "PATH" }`, never the value itself')
    ((kind, name),) = raw.items()
    if kind == "env":
        if not environ.get(name):
            raise ValueError(f"the environment variable `{name}` is not set: set it before starting")
        return Secret(environ[name])
    try:
        return Secret(Path(name).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"the file `{name}` cannot be read: create it, readable for this user") from None


def explained(message: str, shape: type[Any]) -> str:
    """What msgspec says of a tree that does not fit a record, as a line for whoever wrote the tree."""
    text, _, place = message.partition(" - at ")
    path = place.strip("`").removeprefix("$").removeprefix(".")
    unknown = re.search(r"unknown field `([^`]+)`", text)
    if unknown:
        names = _names(shape, path)
        return f"unknown key `{unknown[1]}`{f' in `{path}`' if path else ''}{_meant(unknown[1], names)}"
    missing = re.search(r"missing required field `([^`]+)`", text)
    if missing:
        return f"`{missing[1]}` is missing{f' in `{path}`' if path else ''}: add it"
    return f"`{path}`: {text[:1].lower()}{text[1:]}" if path else text


def _names(shape: Any, path: str) -> tuple[str, ...]:
    """The keys of the table at a path such as `identity.issuers[0].claims`."""
    inner = msgspec.inspect.type_info(shape)
    for name in re.findall(r"\[\.\.\.\]|[^.\[\]]+", path):
        inner = _stepped(inner, name)
    inner = next((each for each in _shapes(inner) if isinstance(each, msgspec.inspect.StructType)), inner)
    return tuple(each.encode_name for each in inner.fields) if isinstance(inner, msgspec.inspect.StructType) else ()


def _stepped(inner: msgspec.inspect.Type, name: str) -> msgspec.inspect.Type:
    for each in _shapes(inner):
        if isinstance(each, msgspec.inspect.StructType):
            return next((field.type for field in each.fields if field.encode_name == name), inner)
        if isinstance(each, msgspec.inspect.DictType):
            return each.value_type
        if isinstance(each, msgspec.inspect.VarTupleType | msgspec.inspect.ListType):
            return each.item_type
    return inner


def _shapes(inner: msgspec.inspect.Type) -> tuple[msgspec.inspect.Type, ...]:
    return inner.types if isinstance(inner, msgspec.inspect.UnionType) else (inner,)


def _meant(name: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f": did you mean `{close[0]}`?" if close else f": the known ones are {', '.join(names)}"


def _check(settings: Settings) -> None:
    for name, source in settings.sources.items():
        _address(f"[sources.{name}] `url`", source.url)
        if settings.gateway.zones and source.zone not in settings.gateway.zones:
            raise SettingsError(
                f"[sources.{name}] `zone` is `{source.zone}`, and `[gateway] zones` has only "
                f"{', '.join(settings.gateway.zones)}: ask it by a gateway of that zone"
            )
    _known_zones(settings)
    prefixes = [issuer.prefix for issuer in settings.identity.issuers]
    for issuer in settings.identity.issuers:
        _address("[[identity.issuers]] `jwks`", issuer.jwks)
        if prefixes.count(issuer.prefix) > 1:
            raise SettingsError(
                f"[[identity.issuers]] `prefix` is `{issuer.prefix}` twice: give each issuer one of its own, such as "
                "`staff:`, because two issuers may call two people by one name"
            )
        for algorithm in issuer.algorithms:
            if algorithm.startswith(_SYMMETRIC):
                raise SettingsError(
                    f"[[identity.issuers]] `algorithms` has `{algorithm}`: only signatures by key pairs are accepted"
                )


def _known_zones(settings: Settings) -> None:
    """A zone that no source has is a slip of the pen."""
    known = tuple(sorted({source.zone for source in settings.sources.values()}))
    for where, zones in (("cache", settings.cache.zones), ("audit", settings.audit.zones)):
        for zone in zones:
            if zone not in known:
                raise SettingsError(f"[{where}] `zones` has `{zone}`, which is no source's zone{_meant(zone, known)}")


def _address(where: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise SettingsError(f"{where} is `{url}`: an address such as `https://example.test` is expected")
