"""Tests of the sandbox and of the verdict."""
