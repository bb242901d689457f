"""Writing trees: fresh folders for work, and the user's, which appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from buildwright.core.errors import DiskError, OutputError
from buildwright.core.tree import RenderedFile
from buildwright.workspace.edits.beneath import make_folders, opened_root, parent_of
from buildwright.workspace.paths import checked_path, refuse_collisions

MARK = ".buildwright/build-id"


def materialise(files: Sequence[RenderedFile], folder: Path) -> None:
    """Write the files into `folder`, which is emptied first; raises DiskError."""
    refuse_collisions(file.path for file in files)
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _made_folder(folder) as root:
            for file in files:
                path = str(checked_path(file.path))
                make_folders(root, path)
                with parent_of(root, path) as (above, name):
                    _write(above, name, file)
    except OSError as error:
        raise _disk_error(folder, error) from error


@contextmanager
def _made_folder(folder: Path) -> Iterator[int]:
    """Give a descriptor of a folder that is made here, whatever is put in its place meanwhile."""
    with opened_root(folder.parent) as above:
        os.mkdir(folder.name, 0o755, dir_fd=above)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        root = os.open(folder.name, flags, dir_fd=above)
    try:
        yield root
    finally:
        os.close(root)


def _write(folder: int, name: str, file: RenderedFile) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o755 if file.executable else 0o644, dir_fd=folder)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(file.content)


def reserve_output(folder: Path, build_id: str) -> None:
    """Make `folder` ready to take a project; raises OutputError and changes nothing otherwise."""
    if "\0" in str(folder):
        raise OutputError("the output folder's name holds a NUL byte", next_step="name another")
    try:
        if folder.exists() and not _takes(folder, build_id):
            raise OutputError(
                f"output folder {str(folder)!r} is not an empty folder",
                next_step="choose another with --out DIR, or empty it",
            )
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".buildwright-").cleanup()
    except OSError as error:
        raise OutputError(
            f"output folder {str(folder)!r} is not writable: {error.strerror or error}",
            next_step="choose another with --out DIR",
        ) from error


def reserve_free_name(base: Path, name: str, build_id: str) -> Path:
    """Return a new folder `base/name`, or `base/name-2` and so on where that is taken."""
    for number in count(1):
        folder = base / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if _takes(folder, build_id) and any(folder.iterdir()):
                return folder
            continue
        except OSError as error:
            raise OutputError(
                f"output folder {str(folder)!r} is not writable: {error.strerror or error}",
                next_step="choose another with --out DIR",
            ) from error
        return folder
    raise AssertionError("count() never ends")


def release_output(folder: Path) -> None:
    """Remove a reserved folder that never got anything."""
    try:
        folder.rmdir()
    except OSError:
        return


def deliver(files: Sequence[RenderedFile], folder: Path, build_id: str) -> None:
    """Make `folder` hold exactly the files, by one rename; a repeat of the same build replaces."""
    temporary = folder.with_name(f".{folder.name}.{build_id}.tmp")
    mark = RenderedFile(MARK, f"{build_id}\n".encode(), "buildwright")
    materialise((*files, mark), temporary)
    try:
        if folder.exists() and any(folder.iterdir()) and _takes(folder, build_id):
            shutil.rmtree(folder)
        temporary.rename(folder)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise OutputError(
            f"output folder {str(folder)!r} cannot be replaced: {error.strerror or error}",
            next_step=f"buildwright builds export {build_id} --out DIR",
        ) from error


def write_pages(files: Sequence[RenderedFile], folder: Path) -> None:
    """Write or replace single files in a folder that is the user's; raises DiskError."""
    refuse_collisions(file.path for file in files)
    with opened_root(folder) as root:
        for file in files:
            path = str(checked_path(file.path))
            try:
                make_folders(root, path)
                with parent_of(root, path) as (above, name):
                    _replace(above, name, file)
            except OSError as error:
                raise DiskError(
                    f"file {str(folder / path)!r} cannot be written: {error.strerror or error}",
                    next_step="free disk space or make it writable, then resume the build",
                ) from error


def _replace(folder: int, name: str, file: RenderedFile) -> None:
    temporary = f".{name}.tmp"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=folder)
    _write(folder, temporary, file)
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)


def _takes(folder: Path, build_id: str) -> bool:
    if not folder.is_dir():
        return False
    if not any(folder.iterdir()):
        return True
    mark = folder / MARK
    return mark.is_file() and mark.read_text(errors="replace").strip() == build_id


def _disk_error(folder: Path, error: OSError) -> DiskError:
    shutil.rmtree(folder, ignore_errors=True)
    return DiskError(
        f"folder {str(folder)!r} cannot be written: {error.strerror or error}",
        next_step="free disk space or make it writable, then run the command again",
    )
