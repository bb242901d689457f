"""The contract of every backend: hostile commands end, and nothing of them gets out."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from buildwright.sandbox import Health, Sandbox
from buildwright.sandbox.bubblewrap import Bubblewrap

from .conftest import QUICK, Python, said

pytestmark = pytest.mark.sandbox

CANARY = "a-canary-that-must-not-be-seen"


async def test_a_command_gives_its_code_output_and_report(any_box: Sandbox, python: Python) -> None:
    code = (
        "import os,sys; d=os.read(0,99); print('out'); print('err',file=sys.stderr);"
        "os.write(int(os.environ['BUILDWRIGHT_REPORT_FD']), b'got '+d); sys.exit(3)"
    )
    ended = await any_box.execute(python(code, stdin=b"config", wants_report=True))
    assert (ended.code, ended.signal, ended.health) == (3, None, Health.OK)
    assert (ended.stdout, ended.stderr, ended.report) == (b"out\n", b"err\n", b"got config")


async def test_a_signal_is_told_from_a_code(any_box: Sandbox, python: Python) -> None:
    ended = await any_box.execute(python("import os; os.kill(os.getpid(), 11)"))
    assert (ended.code, ended.signal, ended.health) == (None, 11, Health.OK)


async def test_a_command_that_does_not_exist_is_no_success(
    any_box: Sandbox, python: Python
) -> None:
    ended = await any_box.execute(replace(python(""), argv=("/nonexistent/tool",)))
    assert ended.code != 0


async def test_tcp_and_udp_do_not_reach_this_machine(box: Sandbox, python: Python) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as tcp,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        tcp.setblocking(False)
        code = f"""
import socket
try:
    socket.create_connection(("127.0.0.1", {tcp.getsockname()[1]}), 1); print("TCP")
except OSError: pass
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x", ("127.0.0.1", {udp.getsockname()[1]}))
except OSError: pass
try:
    socket.create_connection(("169.254.169.254", 80), 1); print("METADATA")
except OSError: pass
print("done")
"""
        assert said(await box.execute(python(code))) == "done"
        with pytest.raises(BlockingIOError):
            tcp.accept()
        with pytest.raises(BlockingIOError):
            udp.recv(1)


async def test_files_outside_are_neither_read_nor_written(
    box: Sandbox, python: Python, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    canary.write_text(CANARY)
    for path in (*tmp_path.parents[:-3], tmp_path):
        if path.stat().st_uid == os.geteuid():
            path.chmod(0o755)
    code = f"""
import os
for path in ({str(canary)!r}, "/etc/shadow", "/root/.bashrc", "/proc/{os.getpid()}/environ"):
    try: print(open(path).read())
    except OSError: pass
for path in ({str(tmp_path / "tree" / "x")!r}, {str(canary)!r}, "/usr/x", "/x", "/etc/x"):
    try: open(path, "w").write("harm")
    except OSError: pass
print("done")
"""
    ended = await box.execute(python(code))
    assert said(ended) == "done"
    assert canary.read_text() == CANARY
    assert not (tmp_path / "tree" / "x").exists()


async def test_the_environment_and_the_descriptors_are_clean(
    box: Sandbox, python: Python, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("API_KEY", CANARY)
    with (tmp_path / "open").open("w") as leaking:
        os.set_inheritable(leaking.fileno(), True)
        code = """
import os
print(sorted(os.environ))
def open_(n):
    try: return bool(os.fstat(n))
    except OSError: return False
print([n for n in range(3, 500) if open_(n)])
for pid in range(max(os.getpid() - 500, 1), os.getpid()):
    try: print(open(f"/proc/{pid}/environ").read()) if int(pid) != os.getpid() else None
    except OSError: pass
"""
        ended = await box.execute(python(code))
    assert CANARY not in said(ended)
    assert "API_KEY" not in said(ended)
    assert said(ended).splitlines()[1] == "[]"


async def test_nobody_outside_can_be_seen_or_signalled(box: Sandbox, python: Python) -> None:
    code = f"""
import os, signal
for pid in ({os.getpid()}, {os.getppid()}):
    try: os.kill(pid, 0); print("SEEN", pid)
    except OSError: pass
print("done")
"""
    assert said(await box.execute(python(code))) == "done"


async def test_the_kernel_is_narrow(box: Sandbox, python: Python) -> None:
    code = """
import ctypes, socket
c = ctypes.CDLL(None, use_errno=True)
names = [n for n, r in (
    ("unshare", c.unshare(0x10000000)), ("mount", c.mount(b"x", b"/tmp", b"tmpfs", 0, None)),
    ("ptrace", c.ptrace(0, 0, 0, 0)), ("keyctl", c.syscall(250, 0, 0, 0)),
    ("bpf", c.syscall(321, 0, 0, 0)), ("io_uring", c.syscall(425, 1, 0)),
    ("userfaultfd", c.syscall(323, 0)), ("setuid", c.setuid(0) if c.getuid() else -1),
) if r != -1]
for family in (17, 40):
    try: socket.socket(family, socket.SOCK_DGRAM); names.append(family)
    except OSError: pass
print(names)
"""
    assert said(await box.execute(python(code))) == "[]"


async def test_a_fork_bomb_ends(box: Sandbox, python: Python) -> None:
    limits = replace(QUICK, wall_s=1.0)
    ended = await box.execute(
        python("import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", limits)
    )
    assert ended.timed_out or ended.exceeded == "processes" or ended.signal


async def test_a_memory_bomb_ends(box: Sandbox, python: Python) -> None:
    ended = await box.execute(python("x = []\nwhile True: x.append(bytearray(10 << 20))"))
    assert ended.code != 0
    assert ended.health is Health.OK
    assert not ended.timed_out


async def test_memory_counts_for_all_processes_together(box: Sandbox, python: Python) -> None:
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(b"1") * (80 << 20); time.sleep(1); os._exit(0)
print("HELD" if all(os.wait()[1] == 0 for _ in range(8)) else "ended")
"""
    assert "HELD" not in said(await box.execute(python(code)))


async def test_memory_is_watched_where_no_control_group_holds_it(
    backends: dict[str, Sandbox], python: Python
) -> None:
    box = backends.get("bubblewrap")
    if not isinstance(box, Bubblewrap):
        pytest.skip("bubblewrap does not hold on this machine")
    code = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        x = bytearray(b"1") * (80 << 20); time.sleep(20)
time.sleep(20)
"""
    ended = await replace(box, groups=()).execute(python(code))
    assert (ended.exceeded, ended.health) == ("memory", Health.OK)
    assert not ended.timed_out


async def test_endless_output_is_capped(box: Sandbox, python: Python) -> None:
    limits = replace(QUICK, wall_s=0.5, output_bytes=1000)
    ended = await box.execute(python("import os\nwhile True: os.write(1, b'x' * 65536)", limits))
    assert ended.timed_out
    assert ended.stdout_truncated
    assert len(ended.stdout) == 1000


async def test_a_full_stderr_does_not_block(any_box: Sandbox, python: Python) -> None:
    code = "import os; [os.write(2, b'e' * 65536) for _ in range(40)]; print('end')"
    ended = await any_box.execute(python(code))
    assert (said(ended), ended.stderr_truncated) == ("end", True)


async def test_huge_and_many_files_stay_within_the_private_folder(
    box: Sandbox, python: Python
) -> None:
    code = """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with open(os.environ["TMPDIR"] + "/big", "wb") as f:
        for _ in range(200): f.write(bytes(1 << 20))
    print("WROTE")
except OSError as e: print("stopped")
"""
    limits = replace(QUICK, file_bytes=8 << 20)
    assert said(await box.execute(python(code, limits))) == "stopped"


async def test_too_many_open_files_are_refused(box: Sandbox, python: Python) -> None:
    code = """
kept = []
try:
    while True: kept.append(open("/dev/null"))
except OSError: print(len(kept) < 600)
"""
    assert said(await box.execute(python(code))) == "True"


def test_the_root_folder_is_never_shown(python: Python) -> None:
    for fields in ({"tree": Path("/")}, {"binds": (Path("/"),)}):
        with pytest.raises(ValueError, match="root folder"):
            python("", **fields)
