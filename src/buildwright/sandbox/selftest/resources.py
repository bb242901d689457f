"""T1 to T14: code that eats the machine."""

from __future__ import annotations

from dataclasses import replace

from buildwright.sandbox.selftest.checks import at_most, either, ended_by, output_capped, refused
from buildwright.sandbox.selftest.model import QUICK, Attack, Cheat, Threat

FORKS = """
children, error = [], ""
try:
    for _ in range(200):
        child = os.fork()
        if child == 0: signal.pause()
        children.append(child)
except OSError as e: error = errno.errorcode[e.errno]
say(processes=len(children), error=error)
"""
THREADS = """
import _thread
made, error = 0, ""
try:
    for _ in range(300):
        _thread.start_new_thread(time.sleep, (60,)); made += 1
except (RuntimeError, MemoryError): error = "EAGAIN"
time.sleep(0.3)
say(threads=made, processes=made, error=error)
os._exit(0)
"""
ONE_ALLOCATION = """
import mmap
attempt("8 GiB of bytes", lambda: bytearray(8 << 30))
attempt("8 GiB mapped", lambda: mmap.mmap(-1, 8 << 30))
say()
"""
MANY_ALLOCATIONS = """
for _ in range(20):
    if os.fork() == 0:
        kept = b"x" * (F["memory"] // 2); time.sleep(20); os._exit(0)
time.sleep(20)
"""
MEMORY_FILES = """
kept = []
def fill(open_one, size=4 << 20):
    def deed():
        for _ in range(60):
            fd = open_one(); kept.append(fd)
            os.write(fd, bytes(size - 4096))
    return deed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
names = iter(range(10**6))
def in_(folder):
    return lambda: os.open(f"{folder}/{next(names)}", os.O_RDWR | os.O_CREAT, 0o600)
attempt("shared memory", fill(in_("/dev/shm")))
for fd in kept: os.close(fd)
kept.clear()
attempt("temporary folder", fill(in_(os.environ["TMPDIR"])))
for fd in kept: os.close(fd)
kept.clear()
attempt("anonymous files", fill(lambda: os.memfd_create("x")))
def segments():
    for _ in range(100):
        made = L.shmget(0, 4 << 20, 0o1600)
        if made == -1: raise OSError(ctypes.get_errno(), "")
        L.shmat.restype = ctypes.c_void_p
        at = L.shmat(made, None, 0)
        ctypes.memset(at, 1, 4 << 20); L.shmdt(ctypes.c_void_p(at))
attempt("segments", segments)
say()
"""
HUGE_FILE = """
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def write():
    with open(os.environ["TMPDIR"] + "/huge", "wb", buffering=0) as f:
        for _ in range(64): f.write(bytes(1 << 20))
attempt("64 MiB written", write)
attempt("1 TiB sparse", lambda: os.truncate(os.environ["TMPDIR"] + "/huge", 1 << 40))
say()
"""
TINY_FILES = """
made, error = 0, ""
try:
    for made in range(40_000):
        os.close(os.open(f"{os.environ['TMPDIR']}/{made}", os.O_CREAT | os.O_WRONLY))
    time.sleep(1.5)
    say(tmp_files=sum(1 for _ in os.scandir(os.environ["TMPDIR"])), error="")
except OSError as e: say(tmp_files=made, error=errno.errorcode[e.errno])
"""
DESCRIPTORS = """
kept, error = [], ""
try:
    while len(kept) < 5000: kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError as e: error = errno.errorcode[e.errno]
open_files = len(kept)
for fd in kept: os.close(fd)
say(open_files=open_files, error=error)
"""
NEVER_ENDS = "data = os.read(0, 1)\ntime.sleep(600)"
IGNORES = """
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
if os.fork() == 0: os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(600)
"""
FLOOD = "while True: os.write(1, b'x' * 65536)"
STDERR = "for _ in range(200): os.write(2, b'e' * 65536)"
SHORT_TIME = replace(QUICK, wall_s=0.4)
ROOMY = replace(QUICK, memory_bytes=100 << 20, processes=64, file_bytes=8 << 20)
CRASH = "import os\ndef add(a, b):\n    os.kill(os.getpid(), 11)"
C_STACK = (
    "import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(self):\n"
    "        return repr([self])\ndef add(a, b):\n    return repr(A())"
)
BOMB = at_most("processes", "processes", "processes", "memory")

RESOURCES = (
    Threat(
        "T1",
        "fork bomb, thread bomb",
        ("cgroup", "rlimit", "harness"),
        (Attack(FORKS, BOMB), Attack(THREADS, BOMB)),
    ),
    Threat(
        "T2",
        "one allocation of 8 GiB",
        ("rlimit", "cgroup"),
        (Attack(ONE_ALLOCATION, either(refused, ended_by("memory"))),),
    ),
    Threat(
        "T3",
        "twenty processes, each within its own limit",
        ("cgroup", "harness"),
        (Attack(MANY_ALLOCATIONS, ended_by("memory"), replace(QUICK, wall_s=1.5)),),
    ),
    Threat(
        "T4",
        "memory files, shared memory and temporary folder filled",
        ("cgroup", "tmpfs size"),
        (Attack(MEMORY_FILES, either(refused, ended_by("memory", "files")), ROOMY),),
    ),
    Threat("T5", "one huge file", ("rlimit", "tmpfs size"), (Attack(HUGE_FILE, refused),)),
    Threat(
        "T6",
        "a great many tiny files",
        ("tmpfs size", "harness"),
        (Attack(TINY_FILES, at_most("tmp_files", "tmp_files", "files", "memory")),),
    ),
    Threat(
        "T7",
        "processor spin",
        ("rlimit", "harness"),
        (
            Attack("while True: pass", ended_by("signal", "time"), replace(QUICK, cpu_s=1)),
            Attack("while True: pass", ended_by("time"), SHORT_TIME),
        ),
    ),
    Threat(
        "T8",
        "sleeps for ever, reads standard input",
        ("harness",),
        (Attack(NEVER_ENDS, ended_by("time"), SHORT_TIME),),
        short=True,
    ),
    Threat(
        "T9",
        "ignores signals, stops itself",
        ("pid namespace", "harness"),
        (Attack(IGNORES, ended_by("time"), SHORT_TIME),),
    ),
    Threat(
        "T10",
        "endless output without a line end",
        ("harness",),
        (Attack(FLOOD, output_capped("stdout"), SHORT_TIME),),
    ),
    Threat(
        "T11",
        "full stderr, silent stdout",
        ("harness",),
        (Attack(STDERR, output_capped("stderr")),),
    ),
    Threat(
        "T12",
        "descriptors exhausted",
        ("rlimit",),
        (Attack(DESCRIPTORS, at_most("open_files", "open_files")),),
        short=True,
    ),
    Threat(
        "T13",
        "segfault and C stack overflow are the code's",
        ("harness",),
        (
            Attack("os.kill(os.getpid(), 11)", ended_by("signal")),
            Cheat(CRASH, "failed", "crash: SIGSEGV"),
            Cheat(C_STACK, "failed", "crash: SIGSEGV"),
        ),
    ),
    Threat(
        "T14",
        "hang while tests are collected",
        ("harness",),
        (Cheat("import time\ntime.sleep(60)", "failed", "timeout:", wall_s=2.0),),
    ),
)
