"""Our own durable records: operations, steps, approvals, exceptions, audit, switches; SQLite file or PostgreSQL.

Every noun has a module of plain functions over a connection, so that what belongs together is written in one
transaction: `await store.transact(accept, command, now)`. Nothing here decides anything; policies and sagas do.
"""
