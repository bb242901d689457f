"""Real hostile code against the boxes of this machine: what holds, and what made it hold."""

from buildwright.sandbox.selftest.model import Answer, Ground, Outcome, Result, Threat
from buildwright.sandbox.selftest.proving import make_ground, proven, recalled, remember
from buildwright.sandbox.selftest.running import SHORT, THREATS, self_test

__all__ = [
    "SHORT",
    "THREATS",
    "Answer",
    "Ground",
    "Outcome",
    "Result",
    "Threat",
    "make_ground",
    "proven",
    "recalled",
    "remember",
    "self_test",
]
