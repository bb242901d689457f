"""The one place that runs foreign code, and the verdict on it."""

from buildwright.sandbox.box import Exit, Health, Job, Limits, Sandbox
from buildwright.sandbox.environment import Environment, ensure_environment
from buildwright.sandbox.expected import expected_tests
from buildwright.sandbox.expected_node import expected_node_tests
from buildwright.sandbox.expected_vitest import expected_vitest_tests
from buildwright.sandbox.node_environment import (
    NodeEnvironment,
    ensure_node_environment,
    ensure_vitest,
    find_node,
)
from buildwright.sandbox.opening import available_backends, open_sandbox
from buildwright.sandbox.testing import TestJob
from buildwright.sandbox.verdict import run_tests

__all__ = [
    "Environment",
    "Exit",
    "Health",
    "Job",
    "Limits",
    "NodeEnvironment",
    "Sandbox",
    "TestJob",
    "available_backends",
    "ensure_environment",
    "ensure_node_environment",
    "ensure_vitest",
    "expected_node_tests",
    "expected_tests",
    "expected_vitest_tests",
    "find_node",
    "open_sandbox",
    "run_tests",
]
