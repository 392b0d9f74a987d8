"""How far ahead a user has booked chat turns."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default no row is rewritten, and servers of the version before need not know it.
    op.add_column("users", sa.Column("chat_booked_until", TIMESTAMP(timezone=True)))


def downgrade() -> None:
    op.drop_column("users", "chat_booked_until")
