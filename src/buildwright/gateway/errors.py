"""One error for everything that ends a call, with what a client of either wire needs to see.

Types, codes and which of them may be tried again: shared names of the OpenAI and Anthropic wires.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from buildwright.core.errors import MachineError
from buildwright.core.ledger import BudgetSpentError, TokenUsage

Billed = Literal["no", "unknown"]


class GatewayError(MachineError):
    """A call that ended without an answer.

    `status` is HTTP's; `kind` and `error_code` fill the envelope's `type` and `code`. `upstream`:
    the upstream's fault, so it counts for its breaker and may be tried elsewhere. `again`: the same
    request may succeed later. `billed` is "unknown" when the provider may charge for what was sent;
    `usage` is what it says it charges for an answer that cannot be used.
    """

    code = "gateway"

    def __init__(  # noqa: PLR0913 - each says one thing about a refusal
        self,
        status: int,
        kind: str,
        error_code: str | None,
        message: str,
        *,
        param: str | None = None,
        next_step: str = "",
        again: bool = False,
        upstream: bool = False,
        billed: Billed = "no",
        retry_after_s: float | None = None,
        headers: Mapping[str, str] | None = None,
        usage: TokenUsage | None = None,
    ) -> None:
        super().__init__(message, next_step=next_step)
        self.status, self.kind, self.error_code, self.param = status, kind, error_code, param
        self.again, self.upstream, self.billed = again, upstream, billed
        self.retry_after_s, self.headers = retry_after_s, dict(headers or {})
        self.usage = usage


def invalid(message: str, param: str | None = None, *, code: str | None = None) -> GatewayError:
    """400: the request cannot be used; nothing was sent."""
    return GatewayError(400, "invalid_request_error", code, message, param=param)


def model_not_found(message: str) -> GatewayError:
    """404: nobody knows this model."""
    return GatewayError(404, "invalid_request_error", "model_not_found", message, param="model")


def too_long(message: str) -> GatewayError:
    """400: input and answer do not fit into the model; told before anything is sent."""
    return invalid(message, "messages", code="context_length_exceeded")


def over_budget(error: BudgetSpentError) -> GatewayError:
    """429: the money is spent; trying again does not help."""
    return GatewayError(
        429, "insufficient_quota", "insufficient_quota", error.message, next_step=error.next_step
    )


def unreachable(message: str, *, status: int = 502, billed: Billed = "no") -> GatewayError:
    """502, 503 or 504: the upstream did not answer, or with something that is no answer."""
    return GatewayError(
        status,
        "api_error",
        {503: "upstream_unavailable", 504: "upstream_timeout"}.get(status, "upstream_error"),
        message,
        again=True,
        upstream=True,
        billed=billed,
    )


def busy(message: str, *, retry_after_s: float = 1.0) -> GatewayError:
    """503: we or the upstream are overloaded; nothing was sent."""
    return GatewayError(
        503, "api_error", "overloaded", message, again=True, retry_after_s=retry_after_s
    )
