"""T22 to T34: code that looks for secrets and for the network."""

from __future__ import annotations

from buildwright.sandbox.selftest.checks import nothing_found, refused
from buildwright.sandbox.selftest.model import Attack, Threat

ENVIRONMENT = """
found = [name for name in os.environ if name not in F["names"]]
say(found=found)
"""
PROCFS = """
found = []
try: pids = os.listdir("/proc")
except OSError: pids = map(str, {1, os.getppid(), F["pid"], *range(os.getpid() - 200, os.getpid())})
for pid in pids:
    if not pid.isdigit() or int(pid) == os.getpid(): continue
    for name in ("environ", "cmdline", "maps"):
        try: text = open(f"/proc/{pid}/{name}", "rb").read()
        except OSError: continue
        names = {word.partition(b"=")[0].decode() for word in text.split(b"\\0") if word}
        if int(pid) == F["pid"] or (name == "environ" and names - set(F["names"])):
            found.append(f"{name} of {pid}")
for name in ("environ", "cmdline", "fd", "root", "cwd"):
    try: os.listdir(f"/proc/{F['pid']}/{name}")
    except NotADirectoryError: found.append(name)
    except OSError: pass
    else: found.append(name)
say(found=found)
"""
KEYS = """
home = F["home"]
def read(path): return lambda: open(path, "rb").read(1)
attempt("file beside the tree", read(F["canary"]))
attempt("folder beside the tree", lambda: os.listdir(os.path.dirname(F["canary"])) ==
    [os.path.basename(F["tree"])] and open(F["canary"]))
attempt("shadow", read("/etc/shadow"))
for name in (".ssh", ".netrc", ".aws", ".config", ".local/share"):
    attempt(name, lambda name=name: os.listdir(f"{home}/{name}"))
attempt("through procfs", read(f"/proc/{F['pid']}/root{F['canary']}"))
say()
"""
DESCRIPTORS = """
found = []
for fd in range(3, 256):
    try: where = os.readlink(f"/proc/self/fd/{fd}")
    except OSError: continue
    found.append(where)
say(found=found)
"""
SOCKETS = """
def connect(address):
    def deed():
        with socket.socket(socket.AF_UNIX) as s: s.connect(address)
    return deed
attempt("a socket file", connect(F["socket"]))
attempt("an abstract socket", connect("\\0" + F["abstract"]))
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/dbus/system_bus_socket",
             "/run/containerd/containerd.sock", "/run/podman/podman.sock"):
    attempt(path, connect(path))
say()
"""
KEYRING = """
import platform
add, request, control = (248, 249, 250) if platform.machine() == "x86_64" else (217, 218, 219)
call("add_key", L.syscall, add, b"user", b"x", b"y", 1, -3)
call("request_key", L.syscall, request, b"user", b"x", None, -3)
call("keyctl", L.syscall, control, 0, -3, 1)
say()
"""
TCP = """
hosts = {"127.0.0.1", "localhost", "::1"}
try: hosts.add(socket.gethostbyname(socket.gethostname()))
except OSError: pass
for host in hosts:
    attempt(host, lambda: socket.create_connection((host, F["port"]), 0.3).close())
say()
"""
UDP = """
def send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3)
        s.connect(("127.0.0.1", F["datagrams"]))
        s.send(b"x"); s.send(b"x"); s.recv(1)
attempt("a datagram", send)
attempt("a name", lambda: socket.getaddrinfo("example.invalid", 80))
say()
"""
SERVICES = """
for port in (F["port"], 5432, 6379, 8000, 8080, 11434):
    attempt(str(port), lambda: socket.create_connection(("127.0.0.1", port), 0.2).close())
say()
"""
METADATA = """
attempt("metadata", lambda: socket.create_connection(("169.254.169.254", 80), 0.3).close())
say()
"""
FAMILIES = """
for name, family, kind in (("raw", 2, 3), ("packet", 17, 3), ("vsock", 40, 1), ("netlink", 16, 3),
                           ("bluetooth", 31, 3), ("algorithm", 38, 5), ("kernel tls", 43, 1)):
    attempt(name, lambda: socket.socket(family, kind).close())
say()
"""
INSTALL = """
import urllib.request
at = f"http://127.0.0.1:{F['port']}/simple/"
attempt("package index", lambda: urllib.request.urlopen(at, timeout=0.3))
def site():
    open(f"{F['prefix']}/lib/evil.py", "w")
attempt("installed package", site)
say()
"""

SECRETS = (
    Threat(
        "T22", "our environment", ("harness",), (Attack(ENVIRONMENT, nothing_found),), short=True
    ),
    Threat(
        "T23",
        "environment and files of other processes in procfs",
        ("pid namespace", "landlock"),
        (Attack(PROCFS, nothing_found),),
        short=True,
    ),
    Threat(
        "T24",
        "keys in home, other builds, our database",
        ("mount namespace", "landlock"),
        (Attack(KEYS, refused),),
        short=True,
    ),
    Threat(
        "T25",
        "inherited descriptors",
        ("harness",),
        (Attack(DESCRIPTORS, nothing_found),),
        short=True,
    ),
    Threat(
        "T26",
        "sockets of Docker, D-Bus, agents",
        ("mount namespace", "landlock"),
        (Attack(SOCKETS, refused),),
        short=True,
    ),
    Threat("T27", "kernel keyring", ("seccomp",), (Attack(KEYRING, refused),)),
    Threat("T29", "TCP out", ("network namespace",), (Attack(TCP, refused),), short=True),
    Threat("T30", "UDP and DNS", ("network namespace",), (Attack(UDP, refused),), short=True),
    Threat(
        "T31",
        "our own services on loopback",
        ("network namespace",),
        (Attack(SERVICES, refused),),
        short=True,
    ),
    Threat("T32", "cloud metadata", ("network namespace",), (Attack(METADATA, refused),)),
    Threat(
        "T33",
        "raw, packet, netlink and vsock sockets",
        ("seccomp",),
        (Attack(FAMILIES, refused),),
        short=True,
    ),
    Threat("T34", "installing at test time", ("network namespace",), (Attack(INSTALL, refused),)),
)
