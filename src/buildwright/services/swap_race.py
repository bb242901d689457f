"""T36: a folder and a link to the outside take turns under one name while files are written.

The one who swaps is a thread in a tight loop; every system call lets it run. The layer that has to
answer opens each folder from the one above it and follows no link.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic

from buildwright.core.errors import BuildwrightError
from buildwright.core.tree import RenderedFile
from buildwright.sandbox.selftest import Answer, Outcome
from buildwright.sandbox.snapshot import take_snapshot
from buildwright.workspace import delivery, edits

KEPT = "kept as it was"
ROUNDS, SECONDS = 80, 0.35
"""Most rounds of each deed, and the seconds after which no other round of it is begun."""


LONGEST_CALM = 120


@dataclass(frozen=True, slots=True)
class Told:
    """Rounds made, how many of them went through, and what went wrong in the last one."""

    rounds: int
    through: int
    fault: str = ""


def swap_race(rounds: int = ROUNDS, seconds: float = SECONDS) -> Answer:
    """Edit, deliver, write pages and copy a tree while a folder in it becomes a link and back."""
    done = []
    for name, deed in DEEDS.items():
        with tempfile.TemporaryDirectory() as folder:
            outside, tree = Path(folder, "outside"), Path(folder, "tree")
            _lay_out(outside, KEPT)
            _lay_out(tree, "ours")
            places = [tree, tree.with_name(".tree.race.tmp")]
            told = _rounds(partial(deed, tree), outside, places, (rounds, seconds))
        if told.fault:
            return Answer(Outcome.NOT_HELD, "", f"{name}: {told.fault} in round {told.rounds}")
        done.append(f"{told.through} of {told.rounds} {name}")
    return Answer(Outcome.HELD, "folders opened from above", f"went through: {', '.join(done)}")


@contextmanager
def swapping(places: list[Path], outside: Path) -> Iterator[None]:
    """Let `sub` in each place be a folder and a link to `outside` in turns until the block ends."""
    stop = threading.Event()

    def swap() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            # for a while of ever other length everything is as it should be
            for _ in range(turn * 7 % LONGEST_CALM):
                outside.stat()
            for place in places:
                with suppress(OSError):
                    (place / "sub").rename(place / "aside")
                with suppress(OSError):
                    (place / "sub").symlink_to(outside)
                with suppress(OSError):
                    (place / "sub").unlink()
                with suppress(OSError):
                    (place / "aside").rename(place / "sub")

    thread = threading.Thread(target=swap, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _rounds(
    deed: Callable[[int], str], outside: Path, places: list[Path], bounds: tuple[int, float]
) -> Told:
    before = _state(outside)
    started, number, through = monotonic(), 0, 0
    with swapping(places, outside):
        while number < bounds[0] and monotonic() - started < bounds[1]:
            number, fault = number + 1, ""
            # that a deed is refused or fails in the middle of a swap is an answer too
            with suppress(BuildwrightError, OSError):
                fault = deed(number)
                through += 1
            if fault or _state(outside) != before:
                return Told(number, through, fault or "something outside was changed")
    return Told(number, through)


def _edit(tree: Path, number: int) -> str:
    files = {"sub/x": (tree / "sub" / "x").read_bytes()}
    write = edits.Request("sub/x", edits.EditKind.WRITE, content=f"ours {number}\n")
    new = edits.Request(f"sub/n{number}/y", edits.EditKind.WRITE, content="new\n")
    shown = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    batch = edits.resolve([write, new], files, shown)
    if isinstance(batch, edits.Batch):
        edits.apply(batch, tree, journal=tree.with_name("journal.json"))
    return ""


def _deliver(tree: Path, number: int) -> str:
    delivery.materialise(_files(number), tree.with_name(".tree.race.tmp"))
    return ""


def _pages(tree: Path, number: int) -> str:
    delivery.write_pages(_files(number), tree)
    return ""


def _copy(tree: Path, number: int) -> str:
    snapshot = take_snapshot(tree, {})
    try:
        texts = [path.read_text() for path in snapshot.root.rglob("*") if path.is_file()]
    finally:
        snapshot.remove()
    return "a file of the outside was copied" if KEPT in texts else ""


DEEDS: dict[str, Callable[[Path, int], str]] = {
    "edits": _edit,
    "deliveries": _deliver,
    "pages": _pages,
    "copies": _copy,
}


def _files(number: int) -> tuple[RenderedFile, ...]:
    names = ("sub/x", "sub/deep/y", f"sub/z{number}", *(f"sub/many/{i}" for i in range(12)))
    return tuple(RenderedFile(name, b"ours\n", "user") for name in names)


def _lay_out(folder: Path, text: str) -> None:
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "x", folder / "sub" / "x"):
        path.write_text(text)


def _state(folder: Path) -> tuple[dict[str, str], list[str]]:
    """What the files below a folder hold, and the names of everything below it."""
    found = sorted(folder.rglob("*"))
    return {str(path): path.read_text() for path in found if path.is_file()}, list(map(str, found))
