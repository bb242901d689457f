"""Real hostile code against the boxes of this machine: what holds, and what made it hold."""

from buildwright.sandbox.selftest.model import Outcome, Result, Threat
from buildwright.sandbox.selftest.running import SHORT, THREATS, self_test

__all__ = ["SHORT", "THREATS", "Outcome", "Result", "Threat", "self_test"]
