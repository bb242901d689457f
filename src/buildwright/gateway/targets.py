"""From a model's name to where it is, what it costs, and what stands behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from buildwright.core.environment import secret
from buildwright.core.errors import SettingsError, UnknownNameError, UsageError
from buildwright.core.gateway_settings import (
    GatewayTree,
    ModelSettings,
    ProviderSettings,
    RouteSettings,
)
from buildwright.gateway.pricing import FREE, Price, configured_price, price_table

Speech = Literal["openai", "anthropic", "ollama", "scripted", "replay"]

NETWORKED = ("openai", "anthropic", "ollama")
"""Wires whose address is a URL; that of a replay is a folder."""


@dataclass(frozen=True, slots=True)
class Target:
    """A model ready to be called. `upstream` names what shares connections and a breaker: provider
    and address, the same for all models behind one endpoint.

    `price` is the dearest; `price_list` names the list it is from ("" = given by the user or free),
    and `by_hour` tells that it changes with the hour of the call.
    """

    name: str
    provider: str
    model: str
    speech: Speech
    price: Price
    url: str = ""
    api_key: str = field(default="", repr=False)
    tools: bool = True
    context_tokens: int | None = None
    script: str = ""
    reference: Path | None = None
    max_concurrent: int | None = None
    price_list: str = ""
    by_hour: bool = False
    upstream: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "upstream", f"{self.provider} {self.url or self.script}")

    def price_at(self, at: float, service_tier: str | None) -> Price | None:
        """Return the price of a call made at `at` (seconds since the epoch), None if unknown."""
        if not self.price_list or not (service_tier or self.by_hour):
            return self.price
        return price_table().price_of(
            self.price_list, self.model, at=at, service_tier=service_tier or ""
        )


@cache
def provider_rows() -> dict[str, ProviderSettings]:
    """Return the providers that ship with the package."""
    import tomllib

    path = Path(__file__).with_name("providers.toml")
    rows: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: ProviderSettings(**row) for name, row in rows.items()}


class Directory:
    """The models of the settings, their routes and aliases, and those of known providers."""

    def __init__(self, tree: GatewayTree, random: Callable[[], float]) -> None:
        self._models, self._random = tree.models, random
        self._aliases, self._routes = tree.gateway.aliases, tree.gateway.routes
        self._own = tree.providers
        self.providers: Mapping[str, ProviderSettings] = {**provider_rows(), **tree.providers}
        self._targets: dict[str, Target] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names that the settings give, for lists and suggestions."""
        return (*self._routes, *self._aliases, *self._models)

    def known(self) -> tuple[str, ...]:
        """Return names to suggest: configured ones, and `provider/...`."""
        return (*self.names(), *(f"{name}/MODEL" for name in self.providers))

    def check(self) -> None:
        """Raise SettingsError for an address that is none, and for a route or alias that leads
        nowhere or round in a circle.
        """
        rows = {name: row for name, row in self._own.items() if row.wire in NETWORKED}
        for name, row in rows.items():
            _check_url(f"providers.{name}.url", row.url)
        for name, model in self._models.items():
            url = _url_of(name, model, self.providers)
            played = model.model.partition("/")[0] in self._own.keys() - rows.keys()
            if not played and (url or not model.script):
                _check_url(f"models.{name}.url", url)
        for name in (*self._routes, *self._aliases):
            for _ in self._leaves(name, ()):
                pass

    def plan(self, name: str, sticky: str = "") -> tuple[Target, ...]:
        """Return whom to ask, in order; raises UnknownNameError or SettingsError.

        `sticky` keeps the pick of a weighted route the same for equal texts.
        """
        name = self._aliases.get(name, name)
        route = self._routes.get(name)
        if route is None:
            return (self.resolve(name),)
        picked = self._pick(name, route, sticky)
        rest = (leaf for other in route.fallbacks for leaf in self.plan(other, sticky))
        plan = dict.fromkeys((*self.plan(picked, sticky), *rest))
        return tuple(plan)

    def sticky_by(self, name: str) -> str:
        """Return what keeps a route's pick: none, key or user."""
        route = self._routes.get(self._aliases.get(name, name))
        return route.sticky if route else "none"

    def resolve(self, name: str) -> Target:
        """Return one model by name; raises UnknownNameError or SettingsError with what to add."""
        target = self._targets.get(name)
        if target is None:
            if name in self._models:
                target = _configured(name, self._models[name], self.providers)
            else:
                target = self._of_provider(name)
            if len(self._targets) < 10_000:
                self._targets[name] = target
        return target

    def _of_provider(self, name: str) -> Target:
        provider, slash, model = name.partition("/")
        row = self.providers.get(provider)
        if not (row and slash and model):
            raise self._unknown(name)
        price = _listed_price(provider, row, model)
        if price is None:
            raise SettingsError(
                f"no price is known for model {name!r}, so no cap could hold"
                f"{_nearest(model, price_table().models(row.prices_of or provider))}",
                next_step=f"add to the settings: models: {{{provider}: {{model: {name}, "
                "input_usd_per_mtok: 1.0, output_usd_per_mtok: 4.0}}",
            )
        return Target(
            name,
            provider,
            model,
            row.wire,
            price,
            row.url,
            secret(row.key_variable),
            max_concurrent=row.max_concurrent,
            **_list_of(provider, row, model),
        )

    def _unknown(self, name: str) -> UnknownNameError:
        provider, _, model = name.partition("/")
        near = _close(provider.lower(), self.providers) if model else ""
        known = (*self.names(), f"{near}/{model}") if near else self.known()
        return UnknownNameError("model", name, known, next_step="see `buildwright config models`")

    def _pick(self, name: str, route: RouteSettings, sticky: str) -> str:
        total = sum(target.weight for target in route.targets)
        point = (_share_of(f"{name}\n{sticky}") if sticky else self._random()) * total
        for target in route.targets:
            point -= target.weight
            if point < 0:
                return target.model
        return route.targets[-1].model

    def _leaves(self, name: str, above: tuple[str, ...]) -> Iterator[Target]:
        if name in above:
            circle = " -> ".join((*above, name))
            raise SettingsError(
                f"gateway.routes: {circle} goes round in a circle",
                next_step="take one of them out of fallbacks, targets or aliases",
            )
        inner = [self._aliases[name]] if name in self._aliases else []
        if name in self._routes:
            route = self._routes[name]
            if not any(target.weight > 0 for target in route.targets):
                raise SettingsError(
                    f"gateway.routes.{name}.targets has no target with a weight above 0",
                    next_step="add one: targets: [{model: provider/model}]",
                )
            inner = [*(target.model for target in route.targets), *route.fallbacks]
        for other in inner:
            yield from self._leaves(other, (*above, name))
        if not inner:
            yield self._leaf(name, above)

    def _leaf(self, name: str, above: tuple[str, ...]) -> Target:
        try:
            return self.resolve(name)
        except UsageError as error:
            kind = "aliases" if above[-1] in self._aliases else "routes"
            raise SettingsError(
                f"gateway.{kind}.{above[-1]} leads nowhere: {error.message}",
                next_step=error.next_step,
            ) from error


def _check_url(where: str, url: str) -> None:
    scheme, _, rest = url.partition("://")
    if scheme not in ("http", "https") or not rest.strip("/"):
        raise SettingsError(
            f"{where} is {url!r}; expected an address, e.g. http://127.0.0.1:8000/v1",
            next_step="add or correct it",
        )


def _url_of(name: str, given: ModelSettings, providers: Mapping[str, ProviderSettings]) -> str:
    provider, slash, model = given.model.partition("/")
    row = providers.get(provider)
    if given.url or row or given.script:
        return given.url or (row.url if row else "")
    near = _close(provider.lower(), providers) if slash else ""
    hint = f"; did you mean {f'{near}/{model}'!r}?" if near else ""
    raise SettingsError(
        f"models.{name}.url is missing and {given.model!r} names no known provider{hint}",
        next_step="add the url of an OpenAI-compatible endpoint",
    )


def _nearest(name: str, known: tuple[str, ...]) -> str:
    close = _close(name, known)
    return f"; did you mean {close!r}?" if close else ""


def _close(name: str, known: Iterable[str]) -> str:
    import difflib

    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.6)), "")


def _list_of(provider: str, row: ProviderSettings, model: str) -> dict[str, Any]:
    if row.free:
        return {}
    name = row.prices_of or provider
    prices = {price_table().price_of(name, model, at=hour * 3600.0) for hour in range(24)}
    return {"price_list": name, "by_hour": len(prices) > 1}


def _share_of(text: str) -> float:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") / 2**64


def _listed_price(provider: str, row: ProviderSettings, model: str) -> Price | None:
    return FREE if row.free else price_table().price_of(row.prices_of or provider, model)


def _configured(
    name: str, given: ModelSettings, providers: Mapping[str, ProviderSettings]
) -> Target:
    provider, _, model = given.model.partition("/")
    row = providers.get(provider)
    url = _url_of(name, given, providers)
    price, listed = configured_price(name, given), {}
    if price is None and given.script:
        price = FREE
    if price is None and row is not None:
        price, listed = _listed_price(provider, row, model), _list_of(provider, row, model)
    if price is None:
        raise SettingsError(
            f"models.{name} has no price, so no cap could hold",
            next_step="set input_usd_per_mtok and output_usd_per_mtok, ceiling_usd, or free: true",
        )
    speech: Speech = "scripted" if given.script else row.wire if row else "openai"
    variable = given.key_variable or (row.key_variable if row else "")
    return Target(
        name,
        provider if row else name,
        given.script or (model if row else given.model),
        speech,
        price,
        url,
        secret(variable),
        given.tools,
        given.context_tokens,
        given.script,
        given.reference,
        row.max_concurrent if row else None,
        **listed,
    )
