"""Notices of what has changed, for those who follow it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0005"
down_revision = "v0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "notices",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True, nullable=False),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.Column("topic", sa.String(16), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="notices_pkey"),
        sqlite_autoincrement=True,
    )
    op.create_index("notices_turn_idx", "notices", ["turn", "sequence"])
    op.create_index("notices_at_idx", "notices", ["at"])


def downgrade() -> None:
    """Take it away again: nothing else refers to it."""
    op.drop_table("notices")
