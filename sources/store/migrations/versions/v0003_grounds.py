"""What operations were accepted on, the documents they touch, and what they have reserved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0003"
down_revision = "v0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "operation_grounds",
        sa.Column("operation_id", sa.String(64), nullable=False),
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("operation_id", name="operation_grounds_pkey"),
        _of_operation("operation_grounds"),
    )
    op.create_index("operation_grounds_person_idx", "operation_grounds", ["person"])
    op.create_table(
        "operation_documents",
        sa.Column("operation_id", sa.String(64), nullable=False),
        sa.Column("document", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "document", name="operation_documents_pkey"),
        _of_operation("operation_documents"),
    )
    op.create_table(
        "reservations",
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("operation_id", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key", name="reservations_pkey"),
        _of_operation("reservations"),
        sa.CheckConstraint("quantity > 0", name="reservations_quantity_check"),
    )
    op.create_index("reservations_subject_idx", "reservations", ["kind", "subject", "state"])


def _of_operation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["operation_id"], ["operations.id"], name=f"{table}_operation_id_fkey", ondelete="CASCADE"
    )


def downgrade() -> None:
    """Take them away again: nothing else refers to them."""
    for table in ("reservations", "operation_documents", "operation_grounds"):
        op.drop_table(table)
