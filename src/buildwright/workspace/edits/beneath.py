"""Opening what lies beneath a folder, never through a link, whatever changes meanwhile."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from buildwright.core.errors import DiskError
from buildwright.workspace.edits.forms import MAX_FILE_BYTES, EditRefused

# The number is the same on every architecture of Linux.
SYS_OPENAT2 = 437
RESOLVE = 0x02 | 0x04 | 0x08  # NO_MAGICLINKS, NO_SYMLINKS, BENEATH
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """Give a descriptor of the folder; raises DiskError when it is none."""
    try:
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise DiskError(
            f"folder {str(root)!r} cannot be opened: {error.strerror or error}",
            next_step="name a folder that exists",
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_beneath(root: int, path: str, flags: int, *, kernel: bool = True) -> int:
    """Open a relative path beneath the folder `root` is open on; follows no link at all.

    With `kernel` the kernel resolves the path at once (openat2) where it can; otherwise each name
    is opened from the folder before it. Raises OSError (ELOOP, ENOTDIR or EXDEV at a link).
    """
    parts = path.split("/")
    if not path or path.startswith("/") or not set(parts).isdisjoint(("", ".", "..")):
        raise OSError(errno.EXDEV, "path is not beneath the folder", path)
    flags |= os.O_NOFOLLOW | os.O_CLOEXEC
    if kernel and has_openat2():
        return _openat2(root, path, flags)
    folder = os.dup(root)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(parts[-1], flags, dir_fd=folder)
    finally:
        os.close(folder)


@cache
def has_openat2() -> bool:
    """Whether this kernel, and what filters its calls, lets openat2 through."""
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(_openat2(root, ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except (OSError, AttributeError):
        return False
    finally:
        os.close(root)
    return True


def _openat2(root: int, path: str, flags: int) -> int:
    how = ctypes.create_string_buffer(struct.pack("QQQ", flags, 0, RESOLVE), 24)
    library = ctypes.CDLL(None, use_errno=True)
    for _ in range(100):
        descriptor = library.syscall(SYS_OPENAT2, root, os.fsencode(path), how, 24)
        if descriptor >= 0:
            return int(descriptor)
        code = ctypes.get_errno()
        # The kernel saw a rename meanwhile and could not be sure; it wants to be asked again.
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code), path)


@contextmanager
def parent_of(root: int, path: str) -> Iterator[tuple[int, str]]:
    """Give a descriptor of the folder a path is in, and its last name; raises OSError."""
    folder, _, name = path.rpartition("/")
    descriptor = (
        open_beneath(root, folder, os.O_RDONLY | os.O_DIRECTORY) if folder else os.dup(root)
    )
    try:
        yield descriptor, name
    finally:
        os.close(descriptor)


def plain_file(root: int, path: str) -> os.stat_result | None:
    """Return the status of a regular file with one name; None when there is nothing.

    Raises EditRefused for links, folders, FIFOs, devices, sockets and files with a second name.
    """
    try:
        with parent_of(root, path) as (folder, name):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refused(path, _why(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise _refused(path, f"it is {_kind(status.st_mode)}")
    if status.st_nlink > 1:
        raise _refused(path, "it is a hard link, and its other names would change too")
    return status


def read_plain(root: int, path: str) -> bytes:
    """Return the bytes of a regular file; raises EditRefused for all else."""
    before = plain_file(root, path)
    try:
        descriptor = open_beneath(root, path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise _refused(path, _why(error)) from error
    with os.fdopen(descriptor, "rb") as handle:
        status = os.fstat(handle.fileno())
        same = before is not None and status.st_ino == before.st_ino
        if not same or not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise _refused(path, "it was replaced while it was read")
        data = handle.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise _refused(path, f"it has more than {MAX_FILE_BYTES} bytes")
    return data


def make_folders(root: int, path: str) -> list[str]:
    """Make the folders a path is in; return those made, outermost first; raises OSError."""
    made: list[str] = []
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        with parent_of(root, folder) as (above, name), suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=above)
            made.append(folder)
    return made


def _why(error: OSError) -> str:
    if error.errno in (errno.ELOOP, errno.EXDEV, errno.ENOTDIR):
        return "a link or a file stands where a folder is expected"
    return str(error.strerror or error)


def _kind(mode: int) -> str:
    kinds = (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((name for test, name in kinds if test(mode)), "a device")


def _refused(path: str, why: str) -> EditRefused:
    return EditRefused(
        f"file {path!r} is not edited: {why}",
        next_step="leave it alone, or replace it by a plain file",
    )
