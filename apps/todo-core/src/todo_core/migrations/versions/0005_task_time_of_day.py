"""At what time of the day a recurring task is due, also after a day that lacked that hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default no row is rewritten, and servers of the version before need not know it.
    op.add_column("tasks", sa.Column("recurrence_time", sa.Time))


def downgrade() -> None:
    op.drop_column("tasks", "recurrence_time")
