"""Which models there are, as people and scripts want to see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from buildwright.core.environment import secret
from buildwright.core.ledger import usd
from buildwright.core.settings import Settings, gateway_tree
from buildwright.gateway.limits import Rules
from buildwright.gateway.pricing import Price, price_table
from buildwright.gateway.targets import Directory, Target


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A name that may be asked for; `price` is for a million tokens, input and output."""

    name: str
    kind: str
    price: str
    note: str


def model_rows(settings: Settings) -> tuple[ModelRow, ...]:
    """Return models, routes, aliases and providers; raises SettingsError for one that is wrong."""
    directory = Directory(gateway_tree(settings), lambda: 0.0)
    directory.check()
    return (*_named(settings, directory), *_providers(directory))


def check_models(settings: Settings) -> None:
    """Raise SettingsError or UnknownNameError for what no model could be reached by."""
    model_rows(settings)
    Rules(settings.gateway.limits)
    if settings.model != "none":
        Directory(gateway_tree(settings), lambda: 0.0).plan(settings.model)


def _named(settings: Settings, directory: Directory) -> Iterator[ModelRow]:
    for name in settings.models:
        target = directory.resolve(name)
        where = (target.script and f"script {target.script}") or target.url
        yield ModelRow(
            name, "model", _price(target.price), f"{target.model} at {where}{_key(target)}"
        )
    for name in settings.gateway.routes:
        leaves = ", ".join(target.name for target in directory.plan(name))
        yield ModelRow(name, "route", "", f"now: {leaves}")
    for name, to in settings.gateway.aliases.items():
        yield ModelRow(name, "alias", "", f"for {to}")


def _providers(directory: Directory) -> Iterator[ModelRow]:
    for name, row in sorted(directory.providers.items()):
        known = len(price_table().models(row.prices_of or name))
        price = "free" if row.free else f"{known} models with a price"
        missing = bool(row.key_variable) and not secret(row.key_variable)
        note = f"set {row.key_variable}" if missing else ""
        yield ModelRow(f"{name}/MODEL", "provider", price, f"{row.url} {note}".strip())


def _price(price: Price) -> str:
    if price.ceiling_nano is not None:
        return f"unknown, at most {usd(price.ceiling_nano)} USD a call"
    rates = price.rates
    if not (rates.input or rates.output):
        return "free"
    return f"{usd(rates.input)} / {usd(rates.output)} USD"


def _key(target: Target) -> str:
    return "" if target.api_key or target.speech == "scripted" else ", no key"
