"""The first tables: operations, steps, approvals, exceptions, audit, switches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None
branch_labels = None
depends_on = None


def _text(name: str, length: int, *, required: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=not required)


def _instant(name: str, *, required: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not required)


def upgrade() -> None:
    """Make the tables, and forbid changing what the audit says."""
    _operations()
    _steps()
    _approvals()
    _exceptions()
    _audit()
    _switches()
    _forbid_changes("audit_entries")
    _forbid_changes("audit_seals")


def _operations() -> None:
    op.create_table(
        "operations",
        _text("id", 64),
        _text("mutation", 64),
        _text("caller", 255),
        _text("human", 255, required=False),
        _text("idempotency_key", 255, required=False),
        _text("payload_hash", 64),
        sa.Column("payload", sa.Text, nullable=False),
        _instant("kept_until"),
        _text("state", 32),
        _text("outcome", 32, required=False),
        sa.Column("reason", sa.Text),
        _text("account", 255, required=False),
        _text("entity", 64, required=False),
        sa.Column("amount_minor", sa.BigInteger),
        _text("currency", 3, required=False),
        _text("correlation_id", 64),
        _instant("accepted_at"),
        _instant("updated_at"),
        _instant("ended_at", required=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="operations_pkey"),
        sa.UniqueConstraint("caller", "mutation", "idempotency_key", name="operations_idempotency_key"),
        sa.CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="operations_money_check"),
    )
    op.create_index("operations_accepted_idx", "operations", ["accepted_at", "id"])
    op.create_index("operations_state_idx", "operations", ["state", "accepted_at"])
    op.create_index("operations_account_idx", "operations", ["account", "accepted_at"])


def _steps() -> None:
    op.create_table(
        "steps",
        _text("operation_id", 64),
        sa.Column("number", sa.Integer, nullable=False),
        _text("direction", 16),
        _text("name", 64),
        _text("source", 64, required=False),
        _text("owner", 64, required=False),
        _text("key", 255),
        _text("outcome", 16, required=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        _text("request_id", 255, required=False),
        sa.Column("message", sa.Text),
        _instant("started_at"),
        _instant("finished_at", required=False),
        sa.PrimaryKeyConstraint("operation_id", "number", "direction", name="steps_pkey"),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name="steps_operation_id_fkey", ondelete="CASCADE"
        ),
    )


def _approvals() -> None:
    op.create_table(
        "approvals",
        _text("id", 64),
        _text("operation_id", 64),
        sa.Column("tier", sa.Integer, nullable=False),
        _text("rule", 128),
        _text("role", 64),
        _text("asked_by", 255),
        _text("human", 255, required=False),
        _instant("asked_at"),
        _instant("expires_at"),
        sa.Column("evidence", sa.Text, nullable=False),
        _text("evidence_hash", 64),
        _text("decision", 16),
        _text("decided_by", 255, required=False),
        _instant("decided_at", required=False),
        sa.Column("reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="approvals_pkey"),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name="approvals_operation_id_fkey", ondelete="CASCADE"
        ),
        sa.UniqueConstraint("operation_id", "tier", "evidence_hash", name="approvals_question_key"),
        sa.CheckConstraint("decided_by IS NULL OR decided_by <> asked_by", name="approvals_requester_check"),
        sa.CheckConstraint("decided_by IS NULL OR human IS NULL OR decided_by <> human", name="approvals_human_check"),
    )
    op.create_index("approvals_role_idx", "approvals", ["decision", "role", "expires_at"])
    approved = sa.text("decision = 'APPROVED'")
    op.create_index(
        "approvals_eyes_idx",
        "approvals",
        ["operation_id", "decided_by"],
        unique=True,
        sqlite_where=approved,
        postgresql_where=approved,
    )


def _exceptions() -> None:
    op.create_table(
        "exceptions",
        _text("id", 128),
        _text("operation_id", 64, required=False),
        sa.Column("step", sa.Integer),
        _text("kind", 64),
        _text("owner", 64),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        _text("status", 16),
        _text("assignee", 255, required=False),
        _instant("opened_at"),
        _instant("answer_due_at"),
        _instant("due_at"),
        _instant("answered_at", required=False),
        _instant("resolved_at", required=False),
        _text("resolved_by", 255, required=False),
        _text("resolution", 16, required=False),
        sa.Column("resolution_reason", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="exceptions_pkey"),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name="exceptions_operation_id_fkey", ondelete="CASCADE"
        ),
        sa.CheckConstraint("(status = 'RESOLVED') = (resolution IS NOT NULL)", name="exceptions_resolution_check"),
    )
    op.create_index("exceptions_queue_idx", "exceptions", ["owner", "status", "due_at"])
    op.create_index("exceptions_operation_idx", "exceptions", ["operation_id"])


def _audit() -> None:
    op.create_table(
        "audit_entries",
        _text("chain", 64),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        _instant("at"),
        _text("subject", 255, required=False),
        sa.Column("body", sa.Text, nullable=False),
        _text("previous", 64),
        _text("hash", 64),
        sa.PrimaryKeyConstraint("chain", "sequence", name="audit_entries_pkey"),
    )
    op.create_index("audit_entries_subject_idx", "audit_entries", ["subject", "at"])
    op.create_index("audit_entries_at_idx", "audit_entries", ["at"])
    op.create_table(
        "audit_heads",
        _text("chain", 64),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        _text("hash", 64),
        sa.Column("sealed", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("chain", name="audit_heads_pkey"),
    )
    op.create_table(
        "audit_seals",
        sa.Column("sequence", sa.BigInteger, nullable=False, autoincrement=False),
        _instant("at"),
        sa.Column("body", sa.Text, nullable=False),
        _text("previous", 64),
        _text("hash", 64),
        sa.PrimaryKeyConstraint("sequence", name="audit_seals_pkey"),
    )


def _switches() -> None:
    op.create_table(
        "switches",
        _text("scope", 16),
        _text("name", 64),
        sa.Column("reason", sa.Text, nullable=False),
        _text("paused_by", 255),
        _instant("paused_at"),
        _text("resume_asked_by", 255, required=False),
        _instant("resume_asked_at", required=False),
        sa.PrimaryKeyConstraint("scope", "name", name="switches_pkey"),
        sa.CheckConstraint("(scope = 'ALL') = (name = '')", name="switches_name_check"),
    )


def _forbid_changes(table: str) -> None:
    """Let the database itself refuse to change or delete: only who may drop a trigger could."""
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )


def downgrade() -> None:
    """There is nothing before this."""
    raise NotImplementedError("the first tables are not taken away: restore a backup instead")
