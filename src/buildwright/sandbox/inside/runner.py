"""The child of the harness: runs pytest over the locked tests and tells what happened, signed.

Every event is a JSON line with a running number and a keyed digest; the key changes with each
line. The tests share this interpreter with the code they test, so nothing here can be perfectly
hidden from it. Three things make a lie visible instead: the functions of pytest are compared with
what they were before foreign code was loaded (`integrity.py`), the test functions are compared
with what their locked text compiles to, and among the tests stand decoys that must fail.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import json
import os
import site
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Emit = Callable[..., None]


def make_emit(descriptor: int, key: bytes) -> Emit:
    """A function that writes signed events; `key` is replaced after each."""
    write, digest, dumps = os.write, hashlib.blake2b, json.dumps
    state: list[Any] = [key, 0]

    def emit(event: str, **fields: Any) -> None:
        current, number = state
        row = dumps({"n": number, "e": event, **fields}).encode()
        mark = digest(row, key=current, digest_size=16).hexdigest()
        state[:] = (digest(current, person=b"next").digest(), number + 1)
        data = row + b"\t" + mark.encode() + b"\n"
        while data:
            data = data[write(descriptor, data) :]

    return emit


def run(settings: dict[str, Any], descriptor: int) -> None:
    """Run the tests of `settings` and leave without running anybody's exit handlers."""
    leave = os._exit
    emit = make_emit(descriptor, bytes.fromhex(settings.pop("key")))
    emit("begin")
    site.main()
    sys.path.insert(0, str(Path(__file__).parent))
    integrity = importlib.import_module("integrity")
    reporting = importlib.import_module("reporting")
    del sys.path[0]
    _import_paths(settings)
    measured = _start_coverage(settings)
    integrity.watch_interpreter(emit, settings["tree"], settings["locked"])
    code = reporting.run_pytest(settings, emit)
    emit("end", code=code, coverage=_ratio(measured))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    leave(0)


def _import_paths(settings: dict[str, Any]) -> None:
    """The tree comes after the standard library, so that it cannot stand in for it."""
    tree = settings["tree"]
    places = [place for place in (f"{tree}/src", tree) if Path(place).is_dir()]
    first = next((i for i, p in enumerate(sys.path) if "site-packages" in p), len(sys.path))
    sys.path[first:first] = places


def _start_coverage(settings: dict[str, Any]) -> Any:
    if not settings["source"]:
        return None
    try:
        import coverage
    except ImportError:
        return None
    if sys.version_info >= (3, 12):
        os.environ.setdefault("COVERAGE_CORE", "sysmon")
    measured = coverage.Coverage(
        data_file=None, config_file=False, source=[settings["source"]], messages=False
    )
    measured.start()
    return measured


def _ratio(measured: Any) -> float | None:
    if measured is None:
        return None
    try:
        measured.stop()
        percent = measured.report(file=io.StringIO(), ignore_errors=True)
    except Exception:  # noqa: BLE001 - coverage is a figure beside the verdict, never part of it
        return None
    return round(float(percent) / 100, 4)
