"""A price in whole nano-dollars for a million tokens, and the exact cost of a usage by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from buildwright.core.errors import SettingsError
from buildwright.core.ledger import TokenUsage, nano_of

if TYPE_CHECKING:
    from buildwright.core.gateway_settings import ModelSettings

MTOK = 1_000_000
AMOUNTS = (
    "input_usd_per_mtok",
    "output_usd_per_mtok",
    "cache_read_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "ceiling_usd",
)


class Rates(NamedTuple):
    """Nano-dollars for a million tokens of each kind."""

    input: int
    cache_read: int
    cache_write: int
    cache_write_1h: int
    output: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class Price:
    """Rates by length of the input: `steps` are (tokens, rates of inputs longer than that).

    A step's rates hold for all tokens of the call, not only for those beyond. With `ceiling_nano`
    the price is unknown, and every call counts as that much. `version` goes into the ledger.
    """

    rates: Rates
    version: str
    steps: tuple[tuple[int, Rates], ...] = ()
    ceiling_nano: int | None = None

    def cost_nano(self, usage: TokenUsage) -> int:
        """Return the cost in nano-dollars: exact sums, rounded up once at the end."""
        if self.ceiling_nano is not None:
            return self.ceiling_nano
        rates = self.rates
        for start, stepped in self.steps:
            if usage.input > start:
                rates = stepped
        short_writes = usage.cache_write - usage.cache_write_1h
        total = (
            usage.fresh_input * rates.input
            + usage.cache_read * rates.cache_read
            + short_writes * rates.cache_write
            + usage.cache_write_1h * rates.cache_write_1h
            + usage.output * rates.output
            + usage.reasoning * rates.reasoning
        )
        return -(-total // MTOK)

    def bound_nano(self, input_tokens: int, max_output: int) -> int:
        """Return the most that so many tokens can cost, however the input is cached."""
        if self.ceiling_nano is not None:
            return self.ceiling_nano
        total = _most(self.rates, input_tokens, max_output)
        for start, rates in self.steps:
            if input_tokens > start:
                total = max(total, _most(rates, input_tokens, max_output))
        return -(-total // MTOK)


def _most(rates: Rates, input_tokens: int, output_tokens: int) -> int:
    dearest_input, dearest_output = max(rates[:4]), max(rates[4:])
    return input_tokens * dearest_input + output_tokens * dearest_output


FREE = Price(Rates(0, 0, 0, 0, 0, 0), "free")
"""The price of what runs on the user's own machine."""


def rates_of(
    input_nano: int,
    output_nano: int,
    cache_read: int | None = None,
    cache_write: int | None = None,
    cache_write_1h: int | None = None,
    reasoning: int | None = None,
) -> Rates:
    """Return full rates: a kind without a price of its own costs what it is a kind of."""
    write = input_nano if cache_write is None else cache_write
    return Rates(
        input_nano,
        input_nano if cache_read is None else cache_read,
        write,
        write if cache_write_1h is None else cache_write_1h,
        output_nano,
        output_nano if reasoning is None else reasoning,
    )


def configured_price(name: str, given: ModelSettings, *, free: bool = False) -> Price | None:
    """Return the price the user gave a model, in dollars for a million tokens; None for none.

    Raises SettingsError for a price that is no amount of zero or more, and for one of input or of
    a cache without the others that a call needs.
    """
    nano = _amounts(name, given)
    if free or given.free:
        return FREE
    ceiling = nano.pop("ceiling_usd", None)
    if not nano:
        return None if ceiling is None else Price(FREE.rates, "ceiling", (), ceiling)
    for field in ("input_usd_per_mtok", "output_usd_per_mtok"):
        if field not in nano:
            raise SettingsError(
                f"models.{name}.{field} is missing beside {', '.join(sorted(nano))}",
                next_step=f"set models.{name}.{field}, 0 if it costs nothing",
            )
    rates = rates_of(
        nano["input_usd_per_mtok"],
        nano["output_usd_per_mtok"],
        nano.get("cache_read_usd_per_mtok"),
        nano.get("cache_write_usd_per_mtok"),
    )
    return Price(rates, "settings")


def _amounts(name: str, given: ModelSettings) -> dict[str, int]:
    amounts = {}
    for field in AMOUNTS:
        usd: Any = getattr(given, field)
        if usd is None:
            continue
        try:
            amounts[field] = nano_of("true" if isinstance(usd, bool) else usd)
        except ValueError as error:
            raise SettingsError(
                f"models.{name}.{field} is {usd!r}; expected US dollars of zero or more",
                next_step="give a number like 2.5",
            ) from error
    return amounts
