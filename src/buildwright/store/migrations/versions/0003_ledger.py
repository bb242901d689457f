"""The ledger of model calls, budgets and API keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("status NOT IN ('done', 'failed')")
KEYED = sa.text("call_key <> ''")


def upgrade() -> None:
    """Make the tables."""
    _make_ledger()
    _make_budgets()
    _make_keys()


def _make_ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("n", ROW_ID, primary_key=True),
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("tenant", sa.Text, nullable=False),
        sa.Column("scope_set", sa.Integer, nullable=False),
        sa.Column("status", sa.String(8), nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("wire", sa.String(10), nullable=False),
        sa.Column("asked_model", sa.Text, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("price_version", sa.Text, nullable=False),
        sa.Column("reserve_nano", sa.BigInteger, nullable=False),
        sa.Column("held_nano", sa.BigInteger, nullable=False),
        sa.Column("call_key", sa.Text, nullable=False, server_default=""),
        sa.Column("superseded", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("body_hash", sa.Text, nullable=False, server_default=""),
        sa.Column("settled_at", sa.Float),
        sa.Column("fresh_input", sa.BigInteger),
        sa.Column("cache_read", sa.BigInteger),
        sa.Column("cache_write", sa.BigInteger),
        sa.Column("cache_write_1h", sa.BigInteger),
        sa.Column("output", sa.BigInteger),
        sa.Column("reasoning", sa.BigInteger),
        sa.Column("reported_total", sa.BigInteger),
        sa.Column("estimated", sa.Boolean),
        sa.Column("cost_nano", sa.BigInteger),
        sa.Column("uncertain_nano", sa.BigInteger),
        sa.Column("used_provider", sa.Text),
        sa.Column("used_model", sa.Text),
        sa.Column("http_status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("attempts", sa.Integer),
        sa.Column("fallbacks", sa.Integer),
        sa.Column("first_byte_s", sa.Float),
        sa.Column("over_bound", sa.Boolean, nullable=False, server_default="0"),
    )
    op.create_index("ux_ledger_id", "ledger", ["id"], unique=True)
    op.create_index("ix_ledger_scope_set_at", "ledger", ["scope_set", "at"])
    op.create_index(
        "ux_ledger_call_key",
        "ledger",
        ["call_key", "tenant", "superseded"],
        unique=True,
        sqlite_where=KEYED,
        postgresql_where=KEYED,
    )
    op.create_index(
        "ix_ledger_open",
        "ledger",
        ["status", "owner"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "ledger_bodies",
        sa.Column("n", ROW_ID, sa.ForeignKey("ledger.n", ondelete="CASCADE"), primary_key=True),
        sa.Column("request", sa.LargeBinary),
        sa.Column("answer", sa.LargeBinary),
    )
    op.create_table(
        "scope_sets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("scopes", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "scope_members",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("set_id", sa.Integer, primary_key=True, autoincrement=False),
    )


def _make_budgets() -> None:
    op.create_table(
        "budgets",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("period", sa.String(8), primary_key=True),
        sa.Column("cap_nano", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "budget_windows",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("period", sa.String(8), primary_key=True),
        sa.Column("window", sa.String(10), primary_key=True),
        sa.Column("spent_nano", sa.BigInteger, nullable=False),
        sa.Column("held_nano", sa.BigInteger, nullable=False),
    )


def _make_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("tail", sa.String(4), nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("tokens_per_minute", sa.Integer),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
        sa.Column("last_used_at", sa.Float),
    )
    op.create_table(
        "api_key_changes",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("n", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("api_key_changes")
    op.drop_table("api_keys")
    op.drop_table("budget_windows")
    op.drop_table("budgets")
    op.drop_table("scope_members")
    op.drop_table("scope_sets")
    op.drop_table("ledger_bodies")
    op.drop_table("ledger")
