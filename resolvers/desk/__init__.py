"""The desk: what people do to operations: approve, reject, resolve what got stuck, call back, assign, lend, pause."""

from resolvers.desk.approving import Approvals
from resolvers.desk.assigning import Assignments
from resolvers.desk.directory import Directory, Lent, TokensOnly
from resolvers.desk.lending import Lendings
from resolvers.desk.resolving import Resolutions
from resolvers.desk.switching import Switches
from resolvers.sagas.accept import Writes

__all__ = ["Approvals", "Desk", "Directory", "Resolutions", "TokensOnly"]


class Desk(Approvals, Assignments, Lendings, Resolutions, Switches):
    """The desk of one process. `directory` knows people; what is lent is kept in our own store besides."""

    def __init__(self, writes: Writes, directory: Directory | None = None) -> None:
        super().__init__(writes, Lent(writes.room.store, directory or TokensOnly()))
