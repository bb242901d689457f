"""Running an analyser as a process of its own: it reads foreign code, it never imports it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from buildwright.core.errors import MachineError

TIMEOUT_S = 60.0


async def run_json(tool: str, arguments: Sequence[str], cwd: Path) -> Any:
    """Run `python -m tool arguments` in `cwd` and return its JSON output.

    Raises MachineError when the tool is missing, fails, hangs, or prints something else.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-m",
        tool,
        *arguments,
        cwd=cwd,
        env={"PYTHONIOENCODING": "utf-8", "NO_COLOR": "1", "HOME": "/nonexistent"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            stdout, stderr = await process.communicate()
        return json.loads(stdout)
    except (TimeoutError, ValueError) as error:
        why = "took too long" if isinstance(error, TimeoutError) else _tail(stderr)
        raise MachineError(
            f"analyser {tool} failed: {why}",
            next_step="run `make setup` again, then `buildwright builds resume`",
        ) from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _tail(stderr: bytes) -> str:
    return stderr.decode(errors="replace").strip()[-300:] or "it printed no JSON"
