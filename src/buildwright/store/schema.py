"""The schema revision of the store, apart from the tables so that it costs no import."""

from __future__ import annotations

HEAD = "0004"
"""Newest schema revision; a test holds it equal to the migration folder's head."""
