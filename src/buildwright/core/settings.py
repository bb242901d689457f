"""One tree of settings: file, environment, flags; the only reader of the environment.

Precedence: flags, then `BUILDWRIGHT_*` variables (core/settings_variables.py), then the YAML file
(`--config`, `BUILDWRIGHT_CONFIG`, or `config.yaml` in the platform's configuration folder),
then the defaults. Unknown keys are refused with the nearest name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import platformdirs
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    YamlConfigSettingsSource,
)

from buildwright.core.environment import variables
from buildwright.core.errors import SettingsError
from buildwright.core.gateway_settings import (
    GatewaySettings,
    GatewayTree,
    ModelSettings,
    ProviderSettings,
)
from buildwright.core.settings_variables import (
    STEP,
    Given,
    as_tree,
    fields_of,
    given_by,
    kind_at,
    nearest,
)

SHOWN = 200
"""Characters of a value that an error shows."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SandboxSettings(_Section):
    """Limits of one run of foreign code, and which backend runs it."""

    backend: Literal["auto", "bubblewrap", "sandlock"] = Field(
        "auto", description="auto takes the first that proves itself on this machine"
    )
    wall_s: Annotated[float, Field(gt=0, le=3600)] = Field(120, description="wall seconds")
    memory_mib: Annotated[int, Field(ge=128, le=1_048_576)] = Field(1024, description="memory")
    processes: Annotated[int, Field(ge=8, le=4096)] = Field(128, description="processes")
    output_kib: Annotated[int, Field(ge=16, le=1_048_576)] = Field(1024, description="output kept")


class BuildSettings(_Section):
    """Defaults of a build."""

    max_requirement_kib: Annotated[int, Field(ge=1, le=1024)] = Field(
        256, description="largest requirement text taken"
    )
    license: Literal["MIT", "Apache-2.0", "BSD-3-Clause", "proprietary"] = Field(
        "MIT", description="licence of generated projects"
    )
    author: str = Field("", description="copyright holder in generated projects", max_length=200)


class AgentSettings(_Section):
    """Bounds of the work of a model within one build."""

    max_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="US dollars a build may cost"
    )
    max_attempts: Annotated[int, Field(ge=1, le=20)] = Field(
        5, description="times a tree is generated or repaired"
    )
    max_steps: Annotated[int, Field(ge=1, le=200)] = Field(
        12, description="model calls within one attempt"
    )
    max_minutes: Annotated[float, Field(gt=0, le=1440)] = Field(
        30, description="minutes a build's model work may take"
    )
    call_timeout_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        120, description="seconds one model call may take, retries included"
    )


class Settings(BaseSettings):
    """Everything that can be configured."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    home: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("buildwright", appauthor=False)),
        description="where the database, snapshots and dependency environments are kept",
    )
    model: str = Field("none", description="model for the stages; none builds by rules")
    templates: tuple[Path, ...] = Field((), description="more folders with templates")
    models: dict[str, ModelSettings] = Field({}, description="models by a name of your own")
    providers: dict[str, ProviderSettings] = Field({}, description="endpoints of your own")
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    agent: AgentSettings = Field(default_factory=AgentSettings)
    sandbox: SandboxSettings = Field(default_factory=SandboxSettings)
    build: BuildSettings = Field(default_factory=BuildSettings)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: flags, environment, file."""
        env = InitSettingsSource(settings_cls, as_tree(given_by(variables(), Settings)))
        path = cls.model_config.get("yaml_file")
        if path is None:
            return init_settings, env
        return init_settings, env, YamlConfigSettingsSource(settings_cls, path)


def load_settings(
    flags: Mapping[str, Any] | None = None, *, config: Path | None = None
) -> Settings:
    """Return the settings; raises SettingsError that names key, value and expectation."""
    from_env = given_by(variables(), Settings)
    path = _config_path(config, variables())
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    model = _with_file(path) if path else Settings
    try:
        return model(**given)
    except ValidationError as error:
        raise _translated(error, _Sources(given, from_env, path)) from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsError(
            f"settings file {path} cannot be read: {error}", next_step="correct the YAML file"
        ) from error


def _with_file(path: Path) -> type[Settings]:
    class FromFile(Settings):
        model_config = SettingsConfigDict(yaml_file=path)

    return FromFile


def _config_path(config: Path | None, env: Mapping[str, str]) -> Path | None:
    named = config or (Path(env["BUILDWRIGHT_CONFIG"]) if env.get("BUILDWRIGHT_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise SettingsError(
                f"settings file {str(named)!r} does not exist", next_step="check the path"
            )
        return named
    usual = Path(platformdirs.user_config_dir("buildwright", appauthor=False)) / "config.yaml"
    return usual if usual.is_file() else None


def setting_names(model: Any = Settings, prefix: str = "") -> dict[str, str]:
    """Return dotted name -> description of every setting; NAME stands for one of the user's."""
    names: dict[str, str] = {}
    for name, (kind, text) in fields_of(model).items():
        inner = get_args(kind)[1] if get_origin(kind) is dict else kind
        if fields_of(inner):
            names |= setting_names(inner, f"{prefix}{name}.{'' if inner is kind else 'NAME.'}")
        else:
            names[f"{prefix}{name}"] = text
    return names


@dataclass(frozen=True, slots=True)
class _Sources:
    flags: Mapping[str, Any]
    env: tuple[Given, ...]
    path: Path | None

    def of(self, place: Sequence[str | int]) -> str:
        """Return where a setting came from, for people."""
        if Given("", (), self.flags).holds(place):
            return "flag"
        held = [one.variable for one in self.env if one.holds(place)]
        return f"environment variable {held[-1]}" if held else f"file {self.path}"


def _translated(error: ValidationError, sources: _Sources) -> SettingsError:
    first = error.errors()[0]
    place = tuple(part for part in first["loc"] if part != "[key]")
    where = ".".join(str(part) for part in place)
    source = f" ({sources.of(place)})"
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        within = where.rpartition(".")[0]
        beside = fields_of(kind_at(Settings, place[:-1]))
        known = [*(f"{within}.{name}".lstrip(".") for name in beside), *setting_names()]
        return SettingsError(
            f"unknown setting {where!r}{nearest(where, known)}{source}",
            next_step="see `buildwright config show`",
        )
    value = repr(first["input"])
    shown = value if len(value) <= SHOWN else f"{value[:SHOWN]}..."
    return SettingsError(
        f"setting {where!r} has value {shown}: {first['msg']}{source}", next_step=STEP
    )


def gateway_tree(settings: Settings) -> GatewayTree:
    """Return the part of the settings that the gateway works with."""
    return GatewayTree(settings.home, settings.models, settings.providers, settings.gateway)
