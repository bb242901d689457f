"""From a model's name to where it is, what it costs, and how it is spoken to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

from buildwright.core.errors import SettingsError, UnknownNameError
from buildwright.core.settings import ModelSettings, secret


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model ready to be called; prices are US dollars for a million tokens.

    `wire` is "openai" (HTTP) or "scripted" (in this process, for tests and benchmarks).
    """

    name: str
    wire: Literal["openai", "scripted"]
    model: str
    url: str = ""
    api_key: str = ""
    input_usd_per_mtok: float = 0.0
    output_usd_per_mtok: float = 0.0
    tools: bool = True
    script: str = ""
    reference: Path | None = None

    def cost_usd(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of so many tokens."""
        spent = input_tokens * self.input_usd_per_mtok + output_tokens * self.output_usd_per_mtok
        return spent / 1_000_000

    def __repr__(self) -> str:
        """Name the model without its key."""
        return f"ResolvedModel({self.name!r}, {self.url!r})"


@dataclass(frozen=True, slots=True)
class Models:
    """The models of the settings and those of known providers."""

    configured: Mapping[str, ModelSettings]

    def known(self) -> tuple[str, ...]:
        """Return names to suggest: "none", configured ones, and `provider/...`."""
        return ("none", *self.configured, *(f"{name}/MODEL" for name in provider_rows()))

    def resolve(self, name: str) -> ResolvedModel:
        """Return a model by name; raises UnknownNameError or SettingsError with the line to add."""
        if name in self.configured:
            return _configured(name, self.configured[name])
        provider, slash, model = name.partition("/")
        row = provider_rows().get(provider)
        if not (row and slash and model):
            raise UnknownNameError(
                "model", name, self.known(), next_step="--model none builds by rules"
            )
        if not row.get("free"):
            raise SettingsError(
                f"no price is known for model {name!r}, so no cap could hold",
                next_step=f"add to the settings: models: {{{provider}: {{model: {name}, "
                "input_usd_per_mtok: 1.0, output_usd_per_mtok: 4.0}}",
            )
        key = secret(row.get("key_variable", ""))
        return ResolvedModel(name, "openai", model, row["url"], key)


@cache
def provider_rows() -> dict[str, dict[str, Any]]:
    """Return provider -> url, key_variable, free."""
    path = Path(__file__).with_name("providers.yaml")
    rows: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rows


def _configured(name: str, given: ModelSettings) -> ResolvedModel:
    if given.script:
        return ResolvedModel(
            name,
            "scripted",
            given.script,
            input_usd_per_mtok=given.input_usd_per_mtok or 0.0,
            output_usd_per_mtok=given.output_usd_per_mtok or 0.0,
            tools=given.tools,
            script=given.script,
            reference=given.reference,
        )
    provider, _, model = given.model.partition("/")
    row = provider_rows().get(provider, {})
    url = given.url or row.get("url", "")
    if not url:
        raise SettingsError(
            f"models.{name}.url is missing and {given.model!r} names no known provider",
            next_step="add the url of an OpenAI-compatible endpoint",
        )
    priced = given.input_usd_per_mtok is not None and given.output_usd_per_mtok is not None
    if not (priced or given.free or row.get("free")):
        raise SettingsError(
            f"models.{name} has no price, so no cap could hold",
            next_step="set input_usd_per_mtok and output_usd_per_mtok, or free: true",
        )
    return ResolvedModel(
        name,
        "openai",
        model if row else given.model,
        url,
        secret(given.key_variable or row.get("key_variable", "")),
        given.input_usd_per_mtok or 0.0,
        given.output_usd_per_mtok or 0.0,
        given.tools,
    )
