"""Trust: which documents are run for whom. It is asked before anything that costs, a document's parsing included.

In mode `enforce`, and for outsiders wherever there are manifests, a client may run what its own manifest says and
nothing else. `warn` runs everything, logs and counts what would have been refused; `record` notes what is asked.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from graphql import DocumentNode, GraphQLError

from gateway.engine.manifests import Manifests, Trusted, digest_of
from gateway.engine.measure import Refused
from gateway.engine.question import Question
from gateway.engine.recording import Recording
from gateway.engine.registered import Registered
from gateway.settings import DocumentSettings, Limits
from policies.principal import Principal

NOT_TRUSTED, NOT_FOUND, NOT_SUPPORTED = (
    "OPERATION_NOT_TRUSTED",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_NOT_SUPPORTED",
)
_LOGGED = 1_000  # documents that are not logged again
_SHOWN = 64  # characters of a name
_log = logging.getLogger("opsgraph.documents")

Untrusted = Callable[[str, str, bool], None]
"""Told of every document that is not a client's own: client, reason, whether it was refused."""


class Trust:
    """Judges questions by the manifests in force. `recording` is there in mode `record` only; `told` counts."""

    def __init__(
        self,
        settings: DocumentSettings = DocumentSettings(),  # noqa: B008 - frozen
        limits: Limits = Limits(),  # noqa: B008 - frozen
        manifests: Manifests | None = None,
        *,
        recording: Recording | None = None,
        told: Untrusted = lambda _client, _reason, _refused: None,
    ) -> None:
        self.recording = recording
        self.registered = Registered(settings.registered, settings.registered_bytes)
        self._mode, self._told = settings.mode, told
        self._enforced, self._attentive = settings.mode == "enforce", settings.mode != "off"
        self._characters = limits.characters
        self._logged: OrderedDict[tuple[str, bytes], None] = OrderedDict()
        self.manifests = manifests

    @property
    def manifests(self) -> Manifests | None:
        """The manifests in force; others are in force from the next question on."""
        return self._manifests

    @manifests.setter
    def manifests(self, manifests: Manifests | None) -> None:
        self._manifests = manifests
        self._by_client = manifests.by_client if manifests is not None else {}
        self._longest = max(self._characters, manifests.longest if manifests is not None else 0)

    def of(self, question: Question, principal: Principal, outsider: bool) -> Question:
        """The question with its text, and with what the manifest says of it; raises Refused where it is not run."""
        digest = question.digest
        if digest is None and not self._attentive and not (outsider and self._manifests is not None):
            return question
        if digest is not None and question.query:
            self._check(question)
        elif digest is None:  # a text that is too long to be anybody's is not even hashed
            digest = digest_of(question.query) if len(question.query) <= self._longest else b""
        own = self._by_client.get(principal.client) if principal.client is not None else None
        known = own.get(digest) if own is not None else None
        if known is None or _reason(known, question, principal) is not None:
            return self._of_others(question, principal, digest or b"", known, outsider)
        return Question(
            known.text,
            question.variables,
            known.operation or question.operation_name,
            question.may_mutate,
            question.wishes,
            question.pinned,
            digest,
            question.automatic,
            known,
            self.recording is not None,
        )

    def _of_others(
        self, question: Question, principal: Principal, digest: bytes, known: Trusted | None, outsider: bool
    ) -> Question:
        """A document that is not its client's, or not now; raises Refused where it is held to the manifest."""
        held = self._enforced or (outsider and self._manifests is not None)
        if self._attentive or held:
            self._tell(principal, _reason(known, question, principal) or "", question, digest, held)
        if not held:
            return self._untrusted(question, digest, known)
        if question.automatic and not question.query:
            raise _persisted(NOT_FOUND)
        raise _refused(principal)

    def passed(self, question: Question, principal: Principal, document: DocumentNode, operation: str | None) -> None:
        """A document that wanted to be noted was a good one: it is registered, and recorded."""
        assert question.digest is not None
        if question.automatic and question.trusted is None:
            self.registered.keep(question.digest, question.query)
        if self.recording is not None:
            self.recording.note(principal, question.digest, question.query, document, operation)

    def _check(self, question: Question) -> None:
        """An id must be that of the text beside it; raises Refused."""
        if len(question.query) > self._longest or question.digest != digest_of(question.query):
            raise Refused([GraphQLError("the id does not fit the document's text: it is the SHA-256 of its UTF-8")])

    def _untrusted(self, question: Question, digest: bytes, known: Trusted | None) -> Question:
        """It is run all the same, where its text can be found; raises Refused."""
        if question.query:
            noted = self.recording is not None or (question.automatic and self.registered.open)
            return _asked(question, question.query, digest, noted)
        text = known.text if known is not None else self.registered.get(digest)
        if text is not None:
            return _asked(question, text, digest, self.recording is not None)
        if question.automatic:
            raise _persisted(NOT_FOUND if self.registered.open else NOT_SUPPORTED)
        raise Refused([_error("there is no document of this id for your client: send its text", NOT_TRUSTED)])

    def _tell(self, principal: Principal, reason: str, question: Question, digest: bytes, held: bool) -> None:
        client = principal.client or ""
        if self._mode != "record" or held:
            named = client if client in self._by_client else "other" if client else "none"  # no names but ours
            self._told(named, reason, held)
        once = (client, digest)
        if self._mode == "record" or once in self._logged:
            return
        self._logged[once] = None
        if len(self._logged) > _LOGGED:
            self._logged.popitem(last=False)
        name = (question.operation_name or "")[:_SHOWN]
        done = "was refused" if held else "would be refused"
        _log.warning("%r asked for sha256:%s (%r), which %s: %s", client, digest.hex(), name, done, reason)


def _reason(known: Trusted | None, question: Question, principal: Principal) -> str | None:
    """Why a document is not one that a client may run now; None: it is."""
    if known is None:
        return "unknown" if principal.client is not None else "no-client"
    if known.roles is not None and known.roles.isdisjoint(principal.roles):
        return "roles"
    if known.operation is not None and question.operation_name not in (None, known.operation):
        return "operation"
    return None


def _asked(question: Question, text: str, digest: bytes, noted: bool) -> Question:
    return msgspec.structs.replace(question, query=text, digest=digest or None, trusted=None, noted=noted)


def _refused(principal: Principal) -> Refused:
    """The same whatever the reason is, lest it tells which documents there are; our log and figures tell them apart."""
    if principal.client is None:
        message = "only trusted documents are run here, and the token names no client whose they could be"
    else:
        message = (
            f"this is no trusted document of client `{principal.client}` for your roles: have it added to the client's "
            "manifest"
        )
    return Refused([_error(message, NOT_TRUSTED)])


def _persisted(code: str) -> Refused:
    """What clients that persist queries by themselves wait for: they send the text next."""
    message = "PersistedQueryNotFound" if code == NOT_FOUND else "PersistedQueryNotSupported"
    return Refused([_error(message, code)])


def _error(message: str, code: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": code, "retryable": False})
