"""The gateway's part of the settings without loading what checks them, when they are unchanged.

The checked settings are remembered as JSON under a hash of everything they came from: this
version, the file, the variables, the flags. A change of any of them has them checked again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields, is_dataclass
from hashlib import blake2b
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from buildwright.core.environment import PREFIX, variables
from buildwright.core.gateway_settings import GatewayTree

T = TypeVar("T")
KEPT = 20


def load_gateway_tree(
    flags: Mapping[str, Any], *, config: Path | None, version: str
) -> GatewayTree:
    """Return the gateway's settings; raises SettingsError as `load_settings` does."""
    remembered = _place(flags, config, version)
    try:
        loaded: GatewayTree = from_plain(GatewayTree, json.loads(remembered.read_bytes()))
        return loaded
    except (OSError, ValueError, TypeError, KeyError):
        pass
    from buildwright.core.settings import gateway_tree, load_settings

    settings = load_settings(flags, config=config)
    tree = gateway_tree(settings)
    with suppress(OSError):
        _remember(remembered, json.dumps(asdict(tree), default=str))
    return tree


def from_plain(kind: Any, value: Any) -> Any:
    """Return a value of a type from what JSON made of it; it was checked before it was written."""
    origin = get_origin(kind)
    if origin is Annotated:
        return from_plain(get_args(kind)[0], value)
    if origin in (Union, UnionType):
        inner = [arm for arm in get_args(kind) if arm is not type(None)]
        return None if value is None else from_plain(inner[0], value)
    if origin is tuple:
        return tuple(from_plain(get_args(kind)[0], item) for item in value)
    if origin is dict:
        return {key: from_plain(get_args(kind)[1], item) for key, item in value.items()}
    if origin is not Literal and isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        return kind(**{f.name: from_plain(hints[f.name], value[f.name]) for f in fields(kind)})
    return Path(value) if kind is Path else value


def _place(flags: Mapping[str, Any], config: Path | None, version: str) -> Path:
    env = variables()
    ours = sorted((k, v) for k, v in env.items() if k.startswith(PREFIX))
    home = str(Path("~").expanduser())
    usual = Path(env.get("XDG_CONFIG_HOME") or f"{home}/.config") / "buildwright/config.yaml"
    path = config or Path(env.get("BUILDWRIGHT_CONFIG") or usual)
    text = path.read_bytes() if path.is_file() else b"-"
    given = repr((version, home, env.get("XDG_DATA_HOME"), str(path), ours, sorted(flags.items())))
    name = blake2b(given.encode("utf-8", "replace") + text, digest_size=16).hexdigest()
    folder = Path(env.get("XDG_CACHE_HOME") or f"{home}/.cache") / "buildwright/settings"
    return folder / f"{name}.json"


def _remember(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    passing = path.with_suffix(".new")
    passing.write_text(text, encoding="utf-8")
    passing.replace(path)
    old = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
    for one in old[KEPT:]:
        one.unlink(missing_ok=True)
