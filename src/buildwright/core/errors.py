"""One tree of errors; each says what is wrong, whether to retry, and the next step to take.

BuildwrightError
├── UsageError               the caller's input; exit code 2
│   ├── RequirementError     text empty, too large, not text, or no template fits it
│   ├── OutputError          the output folder cannot take the project
│   ├── UnknownNameError     a template, model, stage or build nobody knows
│   └── SettingsError        a setting that is unknown or out of range
├── MachineError             this machine's or our own fault; exit code 3
│   ├── SandboxUnavailableError
│   ├── EnvironmentBuildError  dependencies of a generated project could not be installed
│   ├── DiskError
│   ├── ModelError           a provider refused, failed or answered nonsense
│   └── StoreError
├── LeaseLostError           another worker owns the build now; exit code 3
└── BudgetError              exit code 4
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar


class BuildwrightError(Exception):
    """Base of everything Buildwright raises on purpose.

    `message` names the field, the value and what was expected; `next_step` says what to do now.
    """

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False
    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message}\n  next: {self.next_step}" if self.next_step else self.message


class UsageError(BuildwrightError):
    """The input cannot be used; nothing was done."""

    code = "usage"
    exit_code = 2


class RequirementError(UsageError):
    """The requirement text cannot become a project."""

    code = "requirement"


class OutputError(UsageError):
    """The output folder is not empty, not writable or not a folder."""

    code = "output"


class SettingsError(UsageError):
    """A setting is unknown or has a value it cannot have."""

    code = "settings"


class UnknownNameError(UsageError):
    """A name that is in no registry; the message suggests the nearest ones."""

    code = "unknown_name"

    def __init__(self, what: str, name: str, known: Iterable[str], *, next_step: str = "") -> None:
        options = sorted(known)
        import difflib

        close = difflib.get_close_matches(name.lower(), options, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(options) or 'none'}"
        super().__init__(f"unknown {what} {name!r}: {hint}", next_step=next_step)


class MachineError(BuildwrightError):
    """This machine, or Buildwright itself, failed; never counted as the generated code's fault."""

    code = "machine"
    retryable = True


class SandboxUnavailableError(MachineError):
    """No isolation that holds is available; foreign code is not run without it."""

    code = "sandbox_unavailable"
    retryable = False


class EnvironmentBuildError(MachineError):
    """The dependency environment of a generated project could not be installed."""

    code = "environment"


class DiskError(MachineError):
    """The disk is full or a file could not be written."""

    code = "disk"


class ModelError(MachineError):
    """A model's provider refused, failed, timed out or answered something that is no answer."""

    code = "model"

    def __init__(
        self,
        message: str,
        *,
        next_step: str = "",
        retry_after_s: float | None = None,
        again: bool = True,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.retry_after_s = retry_after_s
        self.again = again


class StoreError(MachineError):
    """The database could not be opened, migrated or written."""

    code = "store"


class LeaseLostError(BuildwrightError):
    """Another worker took the build over; what this one still held is not committed."""

    code = "lease_lost"


class BudgetError(BuildwrightError):
    """The money allowed for this build is spent."""

    code = "over_budget"
    exit_code = 4
