"""Scripts that know the reference."""

from __future__ import annotations

import random

from buildwright.core.chat import ChatReply, ChatRequest
from buildwright.gateway.providers.scripted.script import Reference, write_files


class Oracle:
    """Always writes the right files."""

    def __init__(self, reference: Reference, _argument: str = "") -> None:
        self._reference = reference

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Write the reference."""
        return write_files(request, self._reference.right)


class FlakyOracle:
    """Writes the right files with probability p (its argument), else wrong ones.

    With `p@SALT` the draw depends on the salt and the turn only: two ways of asking that are
    compared meet the same luck.

    A wrong turn of a task that has more than one wrong version in `wrong` still writes that one
    version with a remark of the turn, so that the tree differs as a model's would.
    """

    def __init__(self, reference: Reference, argument: str = "0.5") -> None:
        p, _, self._salt = argument.partition("@")
        self._reference, self._p = reference, float(p or 0.5)

    def answer(self, request: ChatRequest, turn: int, seed: int) -> ChatReply:
        """Draw by the call's seed, or by salt and turn."""
        source = f"{self._salt}\n{turn}" if self._salt else seed
        chance = random.Random(source)  # noqa: S311 - a repeatable draw, not a secret
        if chance.random() < self._p:
            return write_files(request, self._reference.right)
        wrong = {
            path: f"{text.rstrip()}\n\n# attempt {chance.randrange(1000)}\n"
            for path, text in self._reference.wrong.items()
        }
        return write_files(request, wrong)
