"""Tables of the store. Times are seconds since the epoch (UTC)."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

HEAD = "0002"
"""Newest schema revision; a test holds it equal to the migration folder's head."""

metadata = MetaData()

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

calls = Table(
    "calls",
    metadata,
    Column("build_id", ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(120), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("request", Text, nullable=False),
    Column("reply", Text),
    Column("error", Text, nullable=False, default=""),
    Column("bound_usd", Float, nullable=False),
    Column("cost_usd", Float, nullable=False, default=0.0),
    Column("started_at", Float, nullable=False),
    Column("finished_at", Float),
)
