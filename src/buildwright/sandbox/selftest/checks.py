"""Judging an attempt: everything here says `not held` unless there is evidence that it held."""

from __future__ import annotations

from buildwright.sandbox.selftest.model import Answer, Check, Outcome, Seen, is_sound

SHOWN = 3
# what refuses with this error: (bubblewrap, sandlock)
SPEAKERS = {
    "ENOENT": ("mount namespace", "landlock"),
    "EROFS": ("read-only mount", "landlock"),
    "EXDEV": ("read-only mount", "landlock"),
    "ETXTBSY": ("read-only mount", "landlock"),
    "EBADF": ("kernel", "kernel"),
    "EACCES": ("permissions", "landlock"),
    "EPERM": ("seccomp", "seccomp"),
    "ENOSYS": ("seccomp", "seccomp"),
    "EAFNOSUPPORT": ("seccomp", "seccomp"),
    "EPROTONOSUPPORT": ("seccomp", "seccomp"),
    "ESRCH": ("pid namespace", "procfs view"),
    "ENETUNREACH": ("network namespace", "seccomp supervisor"),
    "ECONNREFUSED": ("network namespace", "seccomp supervisor"),
    "EADDRNOTAVAIL": ("network namespace", "seccomp supervisor"),
    "EHOSTUNREACH": ("network namespace", "seccomp supervisor"),
    "gaierror": ("network namespace", "seccomp supervisor"),
    "ENOSPC": ("tmpfs size", "watch of the temporary folder"),
    "EFBIG": ("rlimit", "rlimit"),
    "EMFILE": ("rlimit", "rlimit"),
    "ENOMEM": ("rlimit", "rlimit"),
    "MemoryError": ("rlimit", "rlimit"),
    "EAGAIN": ("process limit", "seccomp supervisor"),
    "ENXIO": ("new session", "new session"),
    "ENOTTY": ("new session", "new session"),
    "EINVAL": ("kernel", "kernel"),
}
ENDINGS = {
    "time": "wall clock",
    "memory": "memory limit of the box",
    "processes": "process limit of the box",
    "files": "watch of the temporary folder",
    "signal": "rlimit",
}


def speaker(seen: Seen, error: str) -> str:
    """The layer that gave `error` on this backend."""
    pair = SPEAKERS.get(error, (error.lower(), error.lower()))
    return pair[0] if seen.backend == "bubblewrap" else pair[1]


def refused(seen: Seen) -> Answer:
    """Every attempt was refused, and the program lived to say so."""
    fault = _unsound(seen)
    if fault:
        return fault
    if not seen.tries:
        return Answer(Outcome.UNPROVEN, "", _silence(seen))
    through = [name for name, error in seen.tries if not error]
    if through:
        return Answer(Outcome.NOT_HELD, "", f"allowed: {_some(through)}")
    layers = dict.fromkeys(speaker(seen, error) for _, error in seen.tries)
    return Answer(Outcome.HELD, ", ".join(layers), f"{len(seen.tries)} attempts refused")


def nothing_found(seen: Seen) -> Answer:
    """The program looked for what it must not see and says it found nothing."""
    fault = _unsound(seen)
    if fault:
        return fault
    found = seen.said.get("found")
    if not isinstance(found, list):
        return Answer(Outcome.UNPROVEN, "", _silence(seen))
    if found:
        return Answer(Outcome.NOT_HELD, "", f"found {_some(map(str, found))}")
    return Answer(Outcome.HELD, "harness", "nothing was found")


def ended_by(*ways: str) -> Check:
    """The command was ended in one of `ways` (see ENDINGS), and nothing of it is left."""

    def check(seen: Seen) -> Answer:
        fault = _unsound(seen)
        if fault:
            return fault
        way = ending(seen)
        if way not in ways:
            return Answer(Outcome.NOT_HELD, "", f"it ended by itself: {_silence(seen)}")
        return Answer(Outcome.HELD, ENDINGS[way], f"ended after {seen.ended.duration_s:.1f} s")

    return check


def ending(seen: Seen) -> str:
    """How the command was cut short: a key of ENDINGS, or nothing when it was not."""
    ended = seen.ended
    if ended.exceeded:
        return ended.exceeded
    if ended.timed_out:
        return "time"
    return "signal" if ended.signal else ""


def at_most(key: str, bound: str, *ways: str) -> Check:
    """The program counted no more `key` than the limit `bound`, or was ended in one of `ways`."""

    def check(seen: Seen) -> Answer:
        fault = _unsound(seen)
        if fault:
            return fault
        way = ending(seen)
        if way in ways:
            return Answer(Outcome.HELD, ENDINGS[way], "ended when it met the limit")
        if key not in seen.said:
            return Answer(Outcome.UNPROVEN, "", _silence(seen))
        count, limit = int(seen.said[key]), int(getattr(seen.limits, bound))
        if count > limit:
            return Answer(Outcome.NOT_HELD, "", f"{count} {key}, {limit} are allowed")
        error = str(seen.said.get("error", ""))
        return Answer(Outcome.HELD, speaker(seen, error), f"stopped at {count} of {limit} {key}")

    return check


def either(*checks: Check) -> Check:
    """Held when one of `checks` says so; else the answer of the first."""

    def check(seen: Seen) -> Answer:
        answers = [one(seen) for one in checks]
        return next((a for a in answers if a.outcome is Outcome.HELD), answers[0])

    return check


def said_all(layer: str) -> Check:
    """The program reports only true values under `held`: what it says of itself held."""

    def check(seen: Seen) -> Answer:
        fault = _unsound(seen)
        if fault:
            return fault
        held = seen.said.get("held")
        if not isinstance(held, dict) or not held:
            return Answer(Outcome.UNPROVEN, "", _silence(seen))
        bad = [name for name, true in held.items() if true is not True]
        if bad:
            return Answer(Outcome.NOT_HELD, "", f"not so: {_some(bad)}")
        return Answer(Outcome.HELD, layer, ", ".join(held))

    return check


def output_capped(stream: str) -> Check:
    """`stream` was cut at the limit, and the command still came to its end or its time."""

    def check(seen: Seen) -> Answer:
        fault = _unsound(seen)
        if fault:
            return fault
        kept = len(getattr(seen.ended, stream))
        if not getattr(seen.ended, f"{stream}_truncated") or kept > seen.limits.output_bytes:
            return Answer(Outcome.NOT_HELD, "", f"{kept} bytes of {stream} were kept")
        return Answer(Outcome.HELD, "capped reader", f"{kept} bytes were kept")

    return check


def _unsound(seen: Seen) -> Answer | None:
    """A leak is always a breach; a box that broke proves nothing."""
    if seen.leaks:
        return Answer(Outcome.NOT_HELD, "", _some(seen.leaks))
    if not is_sound(seen.ended):
        return Answer(Outcome.UNPROVEN, "", seen.ended.health_reason or str(seen.ended.health))
    return None


def _silence(seen: Seen) -> str:
    said = seen.ended.stderr.decode(errors="replace").strip().splitlines()
    how = f"code {seen.ended.code}, signal {seen.ended.signal}"
    return f"{how}: {said[-1][:160]}" if said else how


def _some(names: object) -> str:
    rows = [str(name) for name in names] if hasattr(names, "__iter__") else [str(names)]
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return ", ".join(rows[:SHOWN]) + more
