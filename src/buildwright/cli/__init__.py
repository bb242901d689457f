"""The command line; modules here import click and the standard library only at their top."""
