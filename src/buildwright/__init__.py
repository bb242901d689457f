"""Buildwright: a written requirement in; a designed, generated and tested project out."""

__version__ = "0.1.0"
