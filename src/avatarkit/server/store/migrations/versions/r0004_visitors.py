"""Visitors of the page make avatars: whose a job and its avatar are, and how far a job is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("visitor", sa.String(64), nullable=True))
    op.add_column("jobs", sa.Column("percent", sa.Integer, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("stage", sa.String(64), nullable=False, server_default=""))
    op.add_column("avatars", sa.Column("visitor", sa.String(64), nullable=True))
    op.create_index("ix_jobs_visitor", "jobs", ["visitor"])
    op.create_index("ix_avatars_visitor", "avatars", ["visitor"])


def downgrade() -> None:
    """Undo. Avatars of visitors are withdrawn: the older release would list them for everybody who knows the App
    ID."""
    op.execute("UPDATE avatars SET state = 'withdrawn' WHERE visitor IS NOT NULL")
    op.drop_index("ix_avatars_visitor", "avatars")
    op.drop_index("ix_jobs_visitor", "jobs")
    op.drop_column("avatars", "visitor")
    for name in ("stage", "percent", "visitor"):
        op.drop_column("jobs", name)
