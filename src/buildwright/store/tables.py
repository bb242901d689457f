"""Tables of the store. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from buildwright.store.schema import HEAD as HEAD

metadata = MetaData()

ROW_ID = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite makes only an INTEGER primary key the row's own address."""

builds = Table(
    "builds",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("request", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("outcome", String(16)),
    Column("reason", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("owner", String(200), nullable=False, default=""),
    Column("lease_until", Float, nullable=False, default=0.0),
    Column("epoch", Integer, nullable=False, default=0),
    Column("cancel_requested", Boolean, nullable=False, default=False),
    Index("ix_builds_created_at", "created_at"),
)

stages = Table(
    "stages",
    metadata,
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    Column("stage", String(16), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float, nullable=False),
    Column("position", Integer, nullable=False),
    Column("products", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("stage", String(16)),
    Column("attempt", Integer, nullable=False, default=0),
    Column("data", Text, nullable=False),
)

ledger = Table(
    "ledger",
    metadata,
    Column("n", ROW_ID, primary_key=True),
    Column("id", String(64), nullable=False),
    Column("at", Float, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("scope_set", Integer, nullable=False),
    Column("status", String(8), nullable=False),
    Column("owner", Text, nullable=False),
    Column("wire", String(10), nullable=False),
    Column("asked_model", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("price_version", Text, nullable=False),
    Column("reserve_nano", BigInteger, nullable=False),
    Column("held_nano", BigInteger, nullable=False),
    Column("call_key", Text, nullable=False, server_default=""),
    Column("superseded", BigInteger, nullable=False, server_default="0"),
    Column("body_hash", Text, nullable=False, server_default=""),
    Column("settled_at", Float),
    Column("fresh_input", BigInteger),
    Column("cache_read", BigInteger),
    Column("cache_write", BigInteger),
    Column("cache_write_1h", BigInteger),
    Column("output", BigInteger),
    Column("reasoning", BigInteger),
    Column("reported_total", BigInteger),
    Column("estimated", Boolean),
    Column("cost_nano", BigInteger),
    Column("uncertain_nano", BigInteger),
    Column("used_provider", Text),
    Column("used_model", Text),
    Column("http_status", Integer),
    Column("error", Text),
    Column("attempts", Integer),
    Column("fallbacks", Integer),
    Column("first_byte_s", Float),
    Column("over_bound", Boolean, nullable=False, server_default="0"),
    Index("ux_ledger_id", "id", unique=True),
    Index("ix_ledger_scope_set_at", "scope_set", "at"),
    Index(
        "ux_ledger_call_key",
        "call_key",
        "tenant",
        "superseded",
        unique=True,
        sqlite_where=text("call_key <> ''"),
        postgresql_where=text("call_key <> ''"),
    ),
    Index(
        "ix_ledger_open",
        "status",
        "owner",
        sqlite_where=text("status NOT IN ('done', 'failed')"),
        postgresql_where=text("status NOT IN ('done', 'failed')"),
    ),
)

ledger_bodies = Table(
    "ledger_bodies",
    metadata,
    Column("n", ROW_ID, ForeignKey("ledger.n", ondelete="CASCADE"), primary_key=True),
    Column("request", LargeBinary),
    Column("answer", LargeBinary),
)

scope_sets = Table(
    "scope_sets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("scopes", Text, nullable=False, unique=True),
)

scope_members = Table(
    "scope_members",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("set_id", Integer, primary_key=True, autoincrement=False),
)

budgets = Table(
    "budgets",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("period", String(8), primary_key=True),
    Column("cap_nano", BigInteger, nullable=False),
)

budget_windows = Table(
    "budget_windows",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("period", String(8), primary_key=True),
    Column("window", String(10), primary_key=True),
    Column("spent_nano", BigInteger, nullable=False),
    Column("held_nano", BigInteger, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("id", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("tail", String(4), nullable=False),
    Column("org", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("last_used_at", Float),
)

api_key_changes = Table(
    "api_key_changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("n", BigInteger, nullable=False),
)
