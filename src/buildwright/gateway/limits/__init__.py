"""Rate limits: token buckets for requests and for tokens, in memory or shared in Redis."""

from __future__ import annotations

from buildwright.gateway.limits.memory import MemoryBuckets
from buildwright.gateway.limits.rules import Buckets, Kind, Level, Rule, Rules, Taking, duration

__all__ = ["Buckets", "Kind", "Level", "MemoryBuckets", "Rule", "Rules", "Taking", "duration"]
