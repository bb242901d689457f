"""T15 to T21: code that outlives its box or reaches for other processes."""

from __future__ import annotations

from dataclasses import replace

from buildwright.sandbox.selftest.checks import at_most, ended_by, nothing_found, refused, said_all
from buildwright.sandbox.selftest.model import QUICK, Attack, Threat
from buildwright.sandbox.selftest.trials import dies_with_us

DAEMON = """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in range(1, 65):
            try: signal.signal(number, signal.SIG_IGN)
            except (OSError, ValueError): pass
        time.sleep(60)
    os._exit(0)
time.sleep(0.05)
say(held={"left": True})
"""
HOLDS_THE_PIPE = """
if os.fork() == 0:
    time.sleep(60)
    os._exit(0)
print("left", flush=True)
say(held={"left": True})
"""
ZOMBIES = """
made, error = 0, ""
try:
    for _ in range(300):
        if os.fork() == 0: os._exit(0)
        made += 1
except OSError as e: error = errno.errorcode[e.errno]
say(processes=made, error=error)
"""
KILLS = """
found = []
for pid in {F["pid"], *range(2, 40)} - {os.getpid(), os.getppid()}:
    try: os.kill(pid, 0); found.append(f"process {pid}")
    except OSError: pass
say(found=found)
if not found:
    os.kill(-1, 9); os.kill(os.getppid(), 9)
"""
KILLS_AND_STAYS = """
try: os.kill(F["pid"], 0)
except OSError:
    try: os.kill(-1, 9)
    except OSError: pass
    time.sleep(60)
"""
REACHES = """
target = F["pid"]
class IO(ctypes.Structure): _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]
buffer = ctypes.create_string_buffer(8)
mine = IO(ctypes.addressof(buffer), 8)
for pid in {target, os.getppid()} - {0}:
    call("ptrace", L.ptrace, 16, pid, 0, 0)
    one = ctypes.byref(mine)
    call("process_vm_readv", L.process_vm_readv, pid, one, 1, one, 1, 0)
    call("process_vm_writev", L.process_vm_writev, pid, one, 1, one, 1, 0)
attempt("memory of Buildwright", lambda: os.open(f"/proc/{target}/mem", os.O_RDWR))
attempt("descriptors of Buildwright", lambda: os.listdir(f"/proc/{target}/fd"))
say()
"""
RAISES = """
import resource
def more(name):
    def deed():
        try: resource.setrlimit(getattr(resource, name), (resource.RLIM_INFINITY,) * 2)
        except ValueError as e: raise OSError(errno.EPERM, "") from e
    return deed
for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
    attempt(name, more(name))
def prlimit():
    resource.prlimit(F["pid"], resource.RLIMIT_NOFILE, (64, 64))
attempt("limits of Buildwright", prlimit)
say()
"""

PROCESSES = (
    Threat(
        "T15",
        "double fork and setsid",
        ("pid namespace", "subreaper"),
        (Attack(DAEMON, said_all("the whole box is ended")),),
        short=True,
    ),
    Threat(
        "T16",
        "background child keeps the pipe open",
        ("harness", "pid namespace"),
        (Attack(HOLDS_THE_PIPE, said_all("the whole box is ended")),),
    ),
    Threat(
        "T17",
        "zombie storm",
        ("pid namespace", "process limit"),
        (Attack(ZOMBIES, at_most("processes", "processes", "processes")),),
    ),
    Threat(
        "T18",
        "kills its parent, kills everybody",
        ("pid namespace", "landlock"),
        (
            Attack(KILLS, nothing_found),
            Attack(KILLS_AND_STAYS, ended_by("time"), replace(QUICK, wall_s=0.4)),
        ),
    ),
    Threat(
        "T19",
        "ptrace, other processes' memory",
        ("pid namespace", "seccomp"),
        (Attack(REACHES, refused),),
        short=True,
    ),
    Threat(
        "T20",
        "Buildwright is killed: the box dies",
        ("pid namespace", "parent-death signal"),
        (dies_with_us,),
    ),
    Threat(
        "T21",
        "raises its own limits, dumps core",
        ("rlimit",),
        (Attack(RAISES, refused), Attack("os.abort()", ended_by("signal"))),
    ),
)
