"""Purposes that people ask for and agree to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "v0002"
down_revision = "v0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "purpose_requests",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("human", sa.String(255)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_at", instant, nullable=False),
        sa.Column("lapses_at", instant, nullable=False),
        sa.Column("since", instant),
        sa.Column("ends_at", instant),
        sa.Column("ended_by", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name="purpose_requests_pkey"),
        sa.CheckConstraint("(since IS NULL) OR (ends_at IS NOT NULL)", name="purpose_requests_time_check"),
    )
    op.create_index("purpose_requests_subject_idx", "purpose_requests", ["subject", "asked_at"])
    op.create_index("purpose_requests_waiting_idx", "purpose_requests", ["since", "lapses_at"])
    op.create_table(
        "purpose_agreements",
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("person", sa.String(255), nullable=False),
        sa.Column("at", instant, nullable=False),
        sa.PrimaryKeyConstraint("request_id", "person", name="purpose_agreements_pkey"),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["purpose_requests.id"],
            name="purpose_agreements_request_id_fkey",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Take the tables away."""
    op.drop_table("purpose_agreements")
    op.drop_table("purpose_requests")
