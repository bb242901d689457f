"""The gateway: one list of policies, the same for every door."""

from __future__ import annotations

from buildwright.core.errors import SettingsError, UnknownNameError
from buildwright.core.gateway_settings import GatewayTree
from buildwright.core.ledger import Ledger
from buildwright.gateway.call import Answer, Call
from buildwright.gateway.errors import GatewayError, model_not_found
from buildwright.gateway.limits import Rules
from buildwright.gateway.policies import Handler, Sender
from buildwright.gateway.policies.breaking import Breakers, make_breaking
from buildwright.gateway.policies.caching import Caching
from buildwright.gateway.policies.coalescing import Coalescing
from buildwright.gateway.policies.embedding import Embedding
from buildwright.gateway.policies.limiting import Limiting
from buildwright.gateway.policies.metering import OnDone, make_metering
from buildwright.gateway.policies.queueing import Concurrency, make_queueing
from buildwright.gateway.policies.repeating import Repeating
from buildwright.gateway.policies.retrying import Retrying
from buildwright.gateway.policies.routing import make_routing
from buildwright.gateway.policies.spending import Money, Spending
from buildwright.gateway.providers.registry import Providers
from buildwright.gateway.stores import Stores, memory_stores
from buildwright.gateway.surroundings import Surroundings
from buildwright.gateway.targets import Directory, Target


class Gateway:
    """Answers calls. Open it with `open_gateway`, which closes what it opened."""

    def __init__(
        self,
        tree: GatewayTree,
        ledger: Ledger,
        providers: Providers,
        around: Surroundings,
        on_done: OnDone,
        stores: Stores | None = None,
    ) -> None:
        self.tree, self.ledger, self.providers, self.around = tree, ledger, providers, around
        self.directory = Directory(tree, around.random)
        self.directory.check()
        self.breakers = Breakers(tree.gateway.breaker, around.tick)
        self.concurrency = Concurrency(tree.gateway.concurrency, around.tick)
        self.rules = Rules(tree.gateway.limits)
        self.stores = stores or memory_stores(tree, around)
        self.buckets, self.cache = self.stores.buckets, self.stores.cache
        self.redis = self.stores.redis
        self._handler = self._policies(on_done)

    async def handle(self, call: Call) -> Answer:
        """Answer one call of any wire; raises GatewayError."""
        call.plan = self._plan(call)
        total = self.tree.gateway.timeouts.total_s
        call.deadline = min(call.deadline, call.tick + total)
        answer = await self._handler(call)
        if call.cache_status.startswith("hit"):
            await self._limiting.told(call)
        return answer

    def find(self, name: str) -> None:
        """Raise GatewayError 404 for a name that no call could be made to."""
        try:
            self.directory.plan(name)
        except (UnknownNameError, SettingsError) as error:
            raise model_not_found(error.message) from error

    async def close(self) -> None:
        """End what still streams; all calls are settled after this."""
        await self._coalescing.close()

    def _policies(self, on_done: OnDone) -> Handler:
        """Fold the policies; a call passes them from the last line of each list to the first."""
        settings, around = self.tree.gateway, self.around
        # For each target.
        sender: Sender = self.providers.send
        sender = Embedding(sender).send
        sender = make_queueing(sender, self.concurrency, self.ledger, around.tick)
        sender = make_breaking(sender, self.breakers)
        sender = Retrying(sender, settings.retries, self.ledger, around).send
        # For each call.
        handler: Handler = make_routing(sender)
        spending = Spending(handler, self._money())
        handler = spending.handle
        self._limiting = Limiting(handler, self.rules, self.buckets, settings.default_max_tokens)
        handler = self._limiting.handle
        self._coalescing = Coalescing(handler)
        handler = self._coalescing.handle
        # The semantic cache belongs here: behind the exact one, before anything is paid.
        handler = Caching(
            handler, self.cache, settings.cache, spending.record_free, around.now
        ).handle
        handler = Repeating(handler, self._repeats_doubtful).handle
        return make_metering(handler, on_done, around.tick)

    def _money(self) -> Money:
        default = self.tree.gateway.default_max_tokens
        return Money(self.ledger, self.around.now, self._keeps, self._may_leave, default)

    def _keeps(self, call: Call) -> bool:
        kept = self.tree.gateway.keep_bodies
        return kept == "all" or (kept == "keyed" and bool(call.key))

    def _may_leave(self, call: Call) -> bool:
        return self.concurrency.of(call.plan[0]).free()

    def _repeats_doubtful(self, call: Call) -> bool:
        return call.repeats and self.tree.gateway.in_doubt == "retry_once"

    def _plan(self, call: Call) -> tuple[Target, ...]:
        by, sticky = self.directory.sticky_by(call.asked), ""
        if by != "none":
            sticky = call.caller.tenant if by == "key" else _user_of(call)
        try:
            return self.directory.plan(call.asked, sticky)
        except (UnknownNameError, SettingsError) as error:
            raise model_not_found(error.message) from error


def refused_by(error: GatewayError) -> str:
    """Return one line for logs: status, code and message, never a body."""
    return f"{error.status} {error.error_code or error.kind}: {error.message}"


def _user_of(call: Call) -> str:
    """Return whom a request is for, where its wire says so."""
    metadata = call.body.get("metadata")
    named = metadata.get("user_id") if isinstance(metadata, dict) else None
    return str(call.body.get("user") or named or "")
