"""What the desk keeps: rights that were lent, who had an exception in hand, and the rounds that are made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0004"
down_revision = "v0003"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and add what is noted on exceptions, approvals and switches."""
    _lendings()
    _handovers()
    _rounds()
    op.add_column("exceptions", sa.Column("escalated_to", sa.String(64)))
    op.add_column("exceptions", sa.Column("escalated_at", _INSTANT))
    op.create_index("exceptions_escalated_idx", "exceptions", ["status", "escalated_to"])
    op.create_index("reservations_operation_idx", "reservations", ["operation_id"])
    op.add_column("approvals", sa.Column("reminded_at", _INSTANT))
    op.add_column("approvals", sa.Column("escalated_to", sa.String(64)))
    op.add_column("approvals", sa.Column("escalated_at", _INSTANT))
    op.add_column("switches", sa.Column("resume_evidence", sa.Text))


def _lendings() -> None:
    op.create_table(
        "lendings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("giver", sa.String(255), nullable=False),
        sa.Column("receiver", sa.String(255), nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("since", _INSTANT, nullable=False),
        sa.Column("until", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("lent_at", _INSTANT, nullable=False),
        sa.Column("ended_by", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="lendings_pkey"),
        sa.CheckConstraint("giver <> receiver", name="lendings_persons_check"),
        sa.CheckConstraint("since <= until", name="lendings_time_check"),
    )
    op.create_index("lendings_until_idx", "lendings", ["until"])


def _handovers() -> None:
    op.create_table(
        "handovers",
        sa.Column("exception_id", sa.String(128), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("to", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("exception_id", "number", name="handovers_pkey"),
        sa.ForeignKeyConstraint(
            ["exception_id"], ["exceptions.id"], name="handovers_exception_id_fkey", ondelete="CASCADE"
        ),
    )
    op.create_index("handovers_by_idx", "handovers", ["by", "at"])


def _rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("begun_by", sa.String(64), nullable=False),
        sa.Column("ended_at", _INSTANT),
        sa.Column("done", sa.Integer),
        sa.PrimaryKeyConstraint("name", name="rounds_pkey"),
    )


def downgrade() -> None:
    """Take them away again: nothing else refers to them."""
    op.drop_column("switches", "resume_evidence")
    for column in ("escalated_at", "escalated_to", "reminded_at"):
        op.drop_column("approvals", column)
    op.drop_index("reservations_operation_idx", "reservations")
    op.drop_index("exceptions_escalated_idx", "exceptions")
    for column in ("escalated_at", "escalated_to"):
        op.drop_column("exceptions", column)
    for table in ("rounds", "handovers", "lendings"):
        op.drop_table(table)
