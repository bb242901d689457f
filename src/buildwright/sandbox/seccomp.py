"""A seccomp filter, assembled by hand so that no library is needed.

Everything is allowed but what is listed: kernel surface that a test never needs (T33, T54), other
processes' memory and descriptors (T19), keyrings (T27), typing into a terminal (T45) and new
namespaces. Numbers: the kernel's system call tables for x86_64 and for aarch64 (the generic one).
"""

from __future__ import annotations

import errno
import platform
import struct

Instruction = tuple[int, int, int, int]

# name: (x86_64, aarch64); -1 where the architecture has no such call
DENIED: dict[str, tuple[int, int]] = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "fanotify_init": (300, 262),
    "personality": (135, 92),
    "vhangup": (153, 58),
    "iopl": (172, -1),
    "ioperm": (173, -1),
    "modify_ldt": (154, -1),
    "memfd_secret": (447, 447),
}

# what a process may do to itself only: name: (x86_64, aarch64, index of the pid argument)
ONLY_ITSELF: dict[str, tuple[int, int, int]] = {
    "prlimit64": (302, 261, 0),
    "sched_setaffinity": (203, 122, 0),
    "sched_setscheduler": (144, 119, 0),
    "sched_setparam": (142, 118, 0),
    "sched_setattr": (314, 274, 0),
    "setpriority": (141, 140, 1),
    "ioprio_set": (251, 30, 1),
}
UNCOUNTED: dict[str, tuple[int, int]] = {"memfd_create": (319, 279), "shmget": (29, 194)}
"""Memory that belongs to no process, so that only a control group counts it."""

SUPERVISION = frozenset({"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp"})
"""Calls by which a supervisor serves the calls of another process."""

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CLONE, CLONE3, IOCTL, SOCKET, SOCKETPAIR = (56, 220), (435, 435), (16, 29), (41, 198), (53, 199)
NAMESPACE_FLAGS = 0x7E020000
TERMINAL_INJECTION = (0x5412, 0x541C)
FAMILIES = (1, 2, 10)  # local, IPv4, IPv6
X32_BIT = 0x40000000

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER_AT, ARCH_AT, FIRST_ARGUMENT_AT, SECOND_ARGUMENT_AT = 0, 4, 16, 24


def seccomp_program(
    machine: str = "", *, uncounted: bool = True, without: frozenset[str] = frozenset()
) -> bytes:
    """Classic BPF program for `machine` (default: this one), as `struct sock_filter` records.

    `uncounted` allows memory that only a control group can count (T4); `without` are names of
    DENIED to leave out, where another filter refuses them. Raises KeyError for an architecture
    without a table: no filter is better known than assumed.
    """
    machine = machine or platform.machine()
    column = ("x86_64", "aarch64").index(machine) if machine in AUDIT_ARCH else -1
    program = [
        (LOAD, 0, 0, ARCH_AT),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    if machine == "x86_64":
        program += [(JUMP_AT_LEAST, 0, 1, X32_BIT), _refuse(errno.EPERM)]
    denied = DENIED if uncounted else DENIED | UNCOUNTED
    for name, numbers in denied.items():
        if numbers[column] >= 0 and name not in without:
            program += _on_call(numbers[column], [_refuse(errno.EPERM)])
    for who in ONLY_ITSELF.values():
        program += _on_call(who[column], _unless_itself(who[2]))
    # glibc falls back to clone, whose flags a filter can read
    program += _on_call(CLONE3[column], [_refuse(errno.ENOSYS)])
    program += _on_call(CLONE[column], _unless_flags())
    program += _on_call(IOCTL[column], _unless_terminal_injection())
    for call in (SOCKET, SOCKETPAIR):
        program += _on_call(call[column], _only_families())
    program.append((RETURN, 0, 0, ALLOW))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def _refuse(code: int) -> Instruction:
    return (RETURN, 0, 0, REFUSE | code)


def _on_call(number: int, block: list[Instruction]) -> list[Instruction]:
    return [(JUMP_EQUAL, 0, len(block), number), *block]


def _unless_itself(argument: int) -> list[Instruction]:
    return [
        (LOAD, 0, 0, (FIRST_ARGUMENT_AT, SECOND_ARGUMENT_AT)[argument]),
        (JUMP_EQUAL, 1, 0, 0),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _unless_flags() -> list[Instruction]:
    return [
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_ANY_BIT, 0, 1, NAMESPACE_FLAGS),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _unless_terminal_injection() -> list[Instruction]:
    first, second = TERMINAL_INJECTION
    return [
        (LOAD, 0, 0, SECOND_ARGUMENT_AT),
        (JUMP_EQUAL, 1, 0, first),
        (JUMP_EQUAL, 0, 1, second),
        _refuse(errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]


def _only_families() -> list[Instruction]:
    local, ipv4, ipv6 = FAMILIES
    return [
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_EQUAL, 3, 0, local),
        (JUMP_EQUAL, 2, 0, ipv4),
        (JUMP_EQUAL, 1, 0, ipv6),
        _refuse(errno.EAFNOSUPPORT),
        (RETURN, 0, 0, ALLOW),
    ]
