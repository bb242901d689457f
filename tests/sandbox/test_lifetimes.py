"""A box ends when its time is up, when it is cancelled and when we die, with all that is in it."""

from __future__ import annotations

import asyncio
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from buildwright import sandbox
from buildwright.sandbox import Sandbox

from .conftest import QUICK, Python, said, survivors

pytestmark = pytest.mark.sandbox


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(60)",
        "import os; os.kill(os.getpid(), 19)",
        "while True: pass",
    ],
    ids=["sleep", "ignores-term", "stops-itself", "spins"],
)
async def test_time_is_up_for_everyone(any_box: Sandbox, python: Python, code: str) -> None:
    mark = uuid.uuid4().hex
    ended = await any_box.execute(python(f"# {mark}\n{code}", replace(QUICK, wall_s=0.5)))
    assert ended.timed_out
    assert survivors(mark) == []


async def test_a_daemon_that_keeps_the_pipe_dies_with_the_box(
    any_box: Sandbox, python: Python
) -> None:
    mark = uuid.uuid4().hex
    code = f"""# {mark}
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0: time.sleep(60)
    os._exit(0)
print("left")
"""
    ended = await any_box.execute(python(code))
    assert (ended.code, said(ended)) == (0, "left")
    assert survivors(mark) == []


@pytest.mark.parametrize("looks", [1, 4, 16])
async def test_a_cancelled_run_leaves_no_process(
    any_box: Sandbox, python: Python, looks: int
) -> None:
    """Cancelled while the box is set up, or when it runs: after so many sights of it."""
    mark = uuid.uuid4().hex
    code = f"# {mark}\nimport os, time\nos.fork() or os.setsid()\ntime.sleep(30)"
    running = asyncio.create_task(any_box.execute(python(code)))
    seen = 0
    while seen < looks:
        await asyncio.sleep(0)
        seen += bool(survivors(mark))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert survivors(mark) == []


DRIVER = """
import asyncio, sys
from pathlib import Path
from buildwright.sandbox import Job, open_sandbox
async def main():
    box = await open_sandbox(sys.argv[1], allow_unsafe=True)
    job = Job((*sys.argv[2:4], f"echo started; # {sys.argv[4]}\\nsleep 30"), Path("/usr"))
    await box.execute(job)
asyncio.run(main())
"""


async def test_the_box_dies_when_we_are_killed(any_box: Sandbox) -> None:
    mark = uuid.uuid4().hex
    source = str(Path(sandbox.__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {source!r})\n{DRIVER}"
    driver = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, any_box.name, "/bin/sh", "-c", mark),
        stdout=asyncio.subprocess.DEVNULL,
    )
    while not survivors(mark, b"/bin/sh\0-c\0echo"):
        await asyncio.sleep(0.01)
    driver.kill()
    await driver.wait()
    while survivors(mark):
        await asyncio.sleep(0.01)
