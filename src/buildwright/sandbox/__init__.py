"""The one place that runs foreign code, and the verdict on it."""

from buildwright.sandbox.box import Exit, Health, Job, Limits, Sandbox
from buildwright.sandbox.environment import Environment, ensure_environment
from buildwright.sandbox.expected import expected_tests
from buildwright.sandbox.expected_node import expected_node_tests
from buildwright.sandbox.opening import available_backends, open_sandbox
from buildwright.sandbox.testing import TestJob
from buildwright.sandbox.verdict import run_tests

__all__ = [
    "Environment",
    "Exit",
    "Health",
    "Job",
    "Limits",
    "Sandbox",
    "TestJob",
    "available_backends",
    "ensure_environment",
    "expected_node_tests",
    "expected_tests",
    "open_sandbox",
    "run_tests",
]
