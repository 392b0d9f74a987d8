"""Accounts, tasks and conversations, each row visible to its user only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, BIGINT, JSONB, TIMESTAMP

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.text("now()")
USER_TABLES = ("sessions", "access_tokens", "tasks", "conversations", "messages")


def identity() -> sa.Column[int]:
    return sa.Column("id", BIGINT, sa.Identity(always=True), primary_key=True)


def user_id() -> sa.Column[str]:
    return sa.Column(
        "user_id", sa.Text, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False
    )


def time(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True), nullable=False, server_default=NOW)


def optional_time(name: str) -> sa.Column[object]:
    return sa.Column(name, TIMESTAMP(timezone=True))


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text),
        sa.Column("password_hash", sa.Text, nullable=False),
        time("created_at"),
    )
    op.create_table(
        "sessions",
        identity(),
        user_id(),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        time("created_at"),
        time("last_used_at"),
        time("expires_at"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_table(
        "access_tokens",
        identity(),
        user_id(),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("scopes", ARRAY(sa.Text), nullable=False),
        time("created_at"),
        optional_time("last_used_at"),
        time("expires_at"),
    )
    op.create_index("ix_access_tokens_user_id", "access_tokens", ["user_id"])
    op.create_table(
        "login_failures",
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("failures", sa.SmallInteger, nullable=False),
        time("last_at"),
    )
    op.create_table(
        "tasks",
        identity(),
        user_id(),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("description", sa.Text),
        sa.Column("completed", sa.Boolean, nullable=False, server_default=sa.text("false")),
        sa.Column("priority", sa.Text, nullable=False, server_default="none"),
        optional_time("due_at"),
        sa.Column("tags", ARRAY(sa.Text), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("recurrence", sa.Text, nullable=False, server_default="none"),
        sa.Column("recurrence_day", sa.SmallInteger),
        sa.Column("successor_id", BIGINT),
        time("created_at"),
        time("updated_at"),
        sa.CheckConstraint("char_length(title) BETWEEN 1 AND 200", name="ck_tasks_title"),
        sa.CheckConstraint("char_length(description) <= 1000", name="ck_tasks_description"),
        sa.CheckConstraint(
            "priority IN ('none', 'low', 'medium', 'high')", name="ck_tasks_priority"
        ),
        sa.CheckConstraint(
            "recurrence IN ('none', 'daily', 'weekly', 'monthly')", name="ck_tasks_recurrence"
        ),
        sa.CheckConstraint("cardinality(tags) <= 10", name="ck_tasks_tags"),
    )
    op.create_index("ix_tasks_user_id_id", "tasks", ["user_id", sa.text("id DESC")])
    op.create_index(
        "ix_tasks_user_id_id_pending",
        "tasks",
        ["user_id", sa.text("id DESC")],
        postgresql_where=sa.text("NOT completed"),
    )
    op.create_table(
        "conversations",
        identity(),
        user_id(),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("turn_id", sa.Text),
        optional_time("turn_until"),
        time("created_at"),
        time("updated_at"),
    )
    op.create_index(
        "ix_conversations_user_id_updated_at",
        "conversations",
        ["user_id", sa.text("updated_at DESC")],
    )
    op.create_table(
        "messages",
        identity(),
        user_id(),
        sa.Column(
            "conversation_id",
            BIGINT,
            sa.ForeignKey("conversations.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("tool_calls", JSONB, nullable=False, server_default=sa.text("'[]'")),
        sa.Column("pending", JSONB(none_as_null=True)),
        time("created_at"),
        sa.CheckConstraint("role IN ('user', 'assistant')", name="ck_messages_role"),
    )
    op.create_index("ix_messages_conversation_id_id", "messages", ["conversation_id", "id"])
    op.create_index("ix_messages_user_id", "messages", ["user_id"])
    _protect()


def _protect() -> None:
    """Bind every row to the user the transaction names; give each role only what it needs."""
    me = "(SELECT current_setting('app.user_id', true))"
    for table in ("users", *USER_TABLES):
        column = "id" if table == "users" else "user_id"
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        mine = f"{column} = {me}"
        op.execute(f"CREATE POLICY own_rows ON {table} USING ({mine}) WITH CHECK ({mine})")
    op.execute("GRANT USAGE ON SCHEMA public TO todo_backend, todo_mcp")
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON users, sessions, access_tokens, login_failures,"
        " tasks, conversations, messages TO todo_backend"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON tasks TO todo_mcp")
    # Before a user is known no row is visible. These three run as the owner and answer for one
    # secret.
    op.execute(
        """
        CREATE FUNCTION find_credentials(address text)
        RETURNS TABLE (user_id text, email text, name text, password_hash text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
            SELECT u.id, u.email, u.name, u.password_hash FROM public.users u
            WHERE u.email = address
        $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION identify_session(secret bytea)
        RETURNS TABLE (user_id text, email text, name text, session_id bigint)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        #variable_conflict use_column
        BEGIN
            RETURN QUERY SELECT u.id, u.email, u.name, s.id
            FROM public.sessions s JOIN public.users u ON u.id = s.user_id
            WHERE s.token_hash = secret AND s.expires_at > now()
                AND s.last_used_at > now() - interval '30 days';
            IF FOUND THEN
                UPDATE public.sessions SET last_used_at = now()
                WHERE token_hash = secret AND last_used_at < now() - interval '10 minutes';
            END IF;
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION identify_access_token(secret bytea)
        RETURNS TABLE (user_id text, email text, name text, scopes text[])
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        #variable_conflict use_column
        BEGIN
            RETURN QUERY SELECT u.id, u.email, u.name, t.scopes
            FROM public.access_tokens t JOIN public.users u ON u.id = t.user_id
            WHERE t.token_hash = secret AND t.expires_at > now();
            IF FOUND THEN
                UPDATE public.access_tokens SET last_used_at = now()
                WHERE token_hash = secret
                    AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute');
            END IF;
        END $$
        """
    )
    for signature in (
        "find_credentials(text)",
        "identify_session(bytea)",
        "identify_access_token(bytea)",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO todo_backend")
    op.execute("GRANT EXECUTE ON FUNCTION identify_access_token(bytea) TO todo_mcp")


def downgrade() -> None:
    for name in (
        "find_credentials(text)",
        "identify_session(bytea)",
        "identify_access_token(bytea)",
    ):
        op.execute(f"DROP FUNCTION {name}")
    for table in ("login_failures", "messages", "conversations", *USER_TABLES[:3], "users"):
        op.drop_table(table)
