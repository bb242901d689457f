"""Alembic entry: runs on the connection that the caller opened."""

from __future__ import annotations

from alembic import context

from buildwright.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
