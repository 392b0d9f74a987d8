"""On whose clock a recurring task is due again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default no row is rewritten, and servers of the version before need not know it.
    op.add_column("tasks", sa.Column("time_zone", sa.Text))


def downgrade() -> None:
    op.drop_column("tasks", "time_zone")
