"""The model calls of builds, as the ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from buildwright.core.chat import ChatReply, ChatRequest
from buildwright.core.errors import ModelError
from buildwright.core.ledger import (
    NANO,
    Budget,
    CallFilter,
    CallStatus,
    Ledger,
    LedgerRow,
    Spend,
    nano_of,
)
from buildwright.core.settings import Settings
from buildwright.gateway.call import Caller
from buildwright.gateway.chatform import Gathering, request_of
from buildwright.gateway.pipeline import Gateway
from buildwright.gateway.port import Port
from buildwright.services.ledger_rows import event_of
from buildwright.store.rows import Claim

EVERY_CALL = 100_000
ORGANISATION = "org:local"


@dataclass(frozen=True, slots=True)
class BuildCall:
    """A call of a build; `bound_usd` is what it still holds of its budgets."""

    key: str
    status: CallStatus
    request: ChatRequest
    reply: ChatReply | None
    error: str
    model: str
    bound_usd: float
    cost_usd: float
    started_at: float
    finished_at: float | None


class BuildCalls:
    """Reads the calls of builds."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def list(self, build_id: str) -> tuple[BuildCall, ...]:
        """Return the calls of a build, oldest first."""
        wanted = CallFilter(tenant=_tenant(build_id), limit=EVERY_CALL)
        return tuple(_call(row) for row in reversed(await self._ledger.calls(wanted)))

    async def spent_usd(self, build_id: str) -> float:
        """Return what the calls of a build cost, with the bound of each one in doubt."""
        return await self.spent_nano(build_id) / NANO

    async def spent_nano(self, build_id: str) -> int:
        """Return what counts against a build's cap, in nano-dollars."""
        wanted = CallFilter(tenant=_tenant(build_id), limit=EVERY_CALL)
        rows = await self._ledger.calls(wanted)
        return sum(row.reserved_nano + _spent_nano(row) for row in rows)


async def build_costs(ledger: Ledger) -> dict[str, Spend]:
    """Return what the calls of each build cost, by the build's id."""
    spends = await ledger.spend("scope", CallFilter())
    kind = "build:"
    return {one.group[len(kind) :]: one for one in spends if one.group.startswith(kind)}


class StagePorts:
    """A build's way to the gateway: each call counts against the stage that its key begins with."""

    def __init__(self, gateway: Gateway, claim: Claim, timeout_s: float) -> None:
        self._gateway, self._claim, self._timeout_s = gateway, claim, timeout_s
        self._ports: dict[str, Port] = {}

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the answer; raises BudgetError before anything is sent, else ModelError."""
        stage = request.key.partition(".")[0]
        if stage not in self._ports:
            self._ports[stage] = self._port(stage)
        return await self._ports[stage].complete(request)

    def _port(self, stage: str) -> Port:
        build = self._claim.build_id
        scopes = (ORGANISATION, f"build:{build}", f"stage:{build}/{stage}")
        return Port(
            self._gateway,
            Caller(tenant=_tenant(build), scopes=scopes if stage else scopes[:2]),
            fence=(build, self._claim.epoch),
            timeout_s=self._timeout_s,
        )


async def set_cap(ledger: Ledger, build_id: str, max_usd: float) -> None:
    """Let a build cost so many US dollars in all; what it has spent counts."""
    await ledger.set_budget(_tenant(build_id), nano_of(max_usd), "total")


async def caps_of(ledger: Ledger, build_id: str) -> tuple[Budget, ...]:
    """Return every cap that can stop a build: its organisation's, its own, those of its stages."""
    whole, stage = (ORGANISATION, _tenant(build_id)), f"stage:{build_id}/"
    budgets = await ledger.budgets()
    return tuple(one for one in budgets if one.scope in whole or one.scope.startswith(stage))


def is_own_total(cap: Budget, build_id: str) -> bool:
    """Tell whether a cap is what a build may cost in all."""
    return cap.scope == _tenant(build_id) and cap.period == "total"


async def port_of_build(gateway: Gateway, settings: Settings, claim: Claim) -> StagePorts:
    """Return a build's way to the gateway: its own budget, keys, and the fence of its claim."""
    caps = await caps_of(gateway.ledger, claim.build_id)
    if not any(is_own_total(cap, claim.build_id) for cap in caps):
        await set_cap(gateway.ledger, claim.build_id, settings.agent.max_usd)
    return StagePorts(gateway, claim, settings.agent.call_timeout_s)


def _tenant(build_id: str) -> str:
    return f"build:{build_id}"


def _spent_nano(row: LedgerRow) -> int:
    settled = row.settlement
    return settled.cost_nano + settled.uncertain_nano if settled else 0


def _call(row: LedgerRow) -> BuildCall:
    settled, intent = row.settlement, row.intent
    body = orjson.loads(intent.request) if intent.request else {"model": intent.asked_model}
    cost_usd = _spent_nano(row) / NANO
    reply = None
    if settled is not None and settled.answer is not None:
        reply = _reply(settled.answer, row, cost_usd)
    return BuildCall(
        intent.call_key,
        row.status,
        request_of(body, intent.call_key),
        reply,
        settled.error if settled else "",
        f"{intent.provider}/{intent.model}",
        row.reserved_nano / NANO,
        cost_usd,
        intent.at,
        settled.at if settled else None,
    )


def _reply(answer: bytes, row: LedgerRow, cost_usd: float) -> ChatReply | None:
    gathered = Gathering(model=row.intent.model)
    try:
        gathered.take(event_of(answer))
        usage = row.settlement.usage if row.settlement else None
        return gathered.reply(usage, cost_usd) if usage is not None else None
    except ModelError:
        return None
