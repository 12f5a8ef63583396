"""The desk: what people do to operations: approve, reject, resolve what got stuck, call back, pause."""

from resolvers.desk.approving import Approvals
from resolvers.desk.directory import Directory, TokensOnly
from resolvers.desk.resolving import Resolutions
from resolvers.sagas.accept import Writes

__all__ = ["Approvals", "Desk", "Directory", "Resolutions", "TokensOnly"]


class Desk(Approvals, Resolutions):
    """The desk of one process."""

    def __init__(self, writes: Writes, directory: Directory | None = None) -> None:
        Approvals.__init__(self, writes, directory)
