"""T38, T41, T43 to T45, T54 to T56: lasting harm, the terminal, and the surface of the kernel."""

from __future__ import annotations

from buildwright.sandbox.selftest.checks import refused, said_all
from buildwright.sandbox.selftest.model import Attack, Threat
from buildwright.sandbox.selftest.trials import missing_layer, output_is_plain, sparse_tree

POISON = """
import glob, site, sysconfig
paths = {F["prefix"], F["base"], *sysconfig.get_paths().values()}
for path in sorted(paths):
    attempt(path, lambda: open(os.path.join(path, "evil.pth"), "w"))
attempt("interpreter", lambda: open(sys.executable, "r+b"))
attempt("standard library", lambda: open(os.__file__, "r+b"))
library = os.path.dirname(os.__file__)
attempt("bytecode", lambda: open(os.path.join(library, "__pycache__", "x.pyc"), "w"))
attempt("project", lambda: open(os.path.join(F["tree"], "sitecustomize.py"), "w"))
attempt("project, renamed over", lambda: os.rename(os.environ["TMPDIR"], F["tree"]))
attempt("loader", lambda: open("/etc/ld.so.preload", "w"))
say()
"""
RENAMES = """
above = os.path.dirname(F["tree"])
spare = os.environ["TMPDIR"] + "/spare"
os.mkdir(spare)
attempt("onto the workspace", lambda: os.rename(spare, F["tree"]))
attempt("the workspace away", lambda: os.rename(F["tree"], above + "/gone"))
attempt("the folder above away", lambda: os.rename(above, spare + "/gone"))
attempt("a link over it", lambda: os.symlink(spare, F["tree"] + "/link"))
attempt("removed", lambda: os.rmdir(F["tree"]))
say()
"""
TERMINAL = """
import fcntl
attempt("terminal", lambda: os.open("/dev/tty", os.O_RDWR))
for fd in (0, 1, 2):
    attempt(f"typing into {fd}", lambda: fcntl.ioctl(fd, 0x5412, b"x"))
attempt("console", lambda: os.open("/dev/console", os.O_RDWR))
say()
"""
SURFACE = """
import platform
at = 0 if platform.machine() == "x86_64" else 1
numbers = {"bpf": (321, 280), "io_uring_setup": (425, 425), "userfaultfd": (323, 282),
    "perf_event_open": (298, 241), "setns": (308, 268), "kexec_load": (246, 104),
    "init_module": (175, 105), "open_by_handle_at": (304, 265), "fsopen": (430, 430),
    "move_mount": (429, 429), "pidfd_getfd": (438, 438)}
for name, pair in numbers.items(): call(name, L.syscall, pair[at], 0, 0, 0, 0, 0)
for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("pid", 0x20000000),
                   ("network", 0x40000000)):
    call(f"{name} namespace", L.unshare, flag)
call("mount", L.mount, b"x", os.environ["TMPDIR"].encode(), b"tmpfs", 0, None)
call("pivot_root", L.syscall, (155, 41)[at], b"/", b"/")
call("chroot", L.chroot, b"/")
for path in ("/proc/sys/kernel/core_pattern", "/sys/kernel/uevent_helper", "/proc/sysrq-trigger"):
    attempt(path, lambda: open(path, "w"))
for path in ("/dev/mem", "/dev/kvm", "/dev/fuse", "/dev/sda", "/dev/vda", "/dev/kmsg"):
    attempt(path, lambda: open(path, "rb"))
attempt("device", lambda: os.mknod(os.environ["TMPDIR"] + "/sda", 0o60666, os.makedev(8, 0)))
say()
"""
SETUID = """
rows = dict(row.split(":", 1) for row in open("/proc/self/status").read().splitlines())
caps = [int(rows[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb")]
held = {"no_new_privs": rows["NoNewPrivs"].strip() == "1", "no capability": not any(caps)}
if os.geteuid():
    held["setuid refused"] = L.setuid(0) == -1
held["setgroups refused"] = L.setgroups(0, None) == -1
copy = os.environ["TMPDIR"] + "/sh"
open(copy, "wb").write(open("/bin/sh", "rb").read())
try: os.chmod(copy, 0o4755)
except OSError: pass
try:
    told = os.popen(f"{copy} -p -c 'echo $(id -u)'").read().strip()
    held["setuid program"] = told in ("", str(os.getuid()))
except OSError: held["setuid program"] = True
say(held=held)
"""

KERNEL = (
    Threat(
        "T38",
        "renames a folder over the workspace",
        ("read-only mount", "landlock"),
        (Attack(RENAMES, refused),),
    ),
    Threat(
        "T41",
        "poisons interpreter, packages or project for the next run",
        ("read-only mount", "landlock"),
        (Attack(POISON, refused),),
        short=True,
    ),
    Threat(
        "T43",
        "sparse and oversized files in the tree",
        ("harness",),
        (sparse_tree,),
    ),
    Threat("T44", "terminal sequences in output", ("harness",), (output_is_plain,)),
    Threat(
        "T45", "types into the terminal", ("new session", "seccomp"), (Attack(TERMINAL, refused),)
    ),
    Threat(
        "T54",
        "kernel surface: namespaces, mounts, bpf, io_uring",
        ("seccomp",),
        (Attack(SURFACE, refused),),
        short=True,
    ),
    Threat(
        "T55",
        "setuid programs, regained rights",
        ("no_new_privs",),
        (Attack(SETUID, said_all("no_new_privs")),),
        short=True,
    ),
    Threat("T56", "a required layer is missing", ("harness",), (missing_layer,)),
)
