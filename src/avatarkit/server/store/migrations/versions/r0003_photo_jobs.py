"""Jobs that make avatars of pictures: the picture while it waits, and how often a job was begun."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("jobs", sa.Column("picture", sa.LargeBinary, nullable=True))
    op.add_column("jobs", sa.Column("attempts", sa.Integer, nullable=False, server_default="0"))


def downgrade() -> None:
    """Undo. Pictures that wait are lost; the older release fails their jobs."""
    for name in ("attempts", "picture"):
        op.drop_column("jobs", name)
