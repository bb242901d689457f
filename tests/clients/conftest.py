"""One model server and one served gateway for each test of a real client."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.clients.gateway import capped, tree
from tests.clients.model_server import serving_model
from tests.clients.node_programs import installed
from tests.clients.serving import Front
from tests.web.conftest import serving_gateway

from buildwright.core.gateway_settings import RetrySettings
from buildwright.gateway.surroundings import Surroundings


@pytest.fixture(scope="session")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the locked packages for Node."""
    return installed(tmp_path_factory.mktemp("node"))


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    """A gateway whose only retries are those of its clients, with a budget."""
    ahead = [0.0]
    around = Surroundings(tick=lambda: time.monotonic() + ahead[0])
    once = RetrySettings(times=0)
    async with (
        serving_model() as model,
        serving_gateway(tree(tmp_path, model.url, retries=once), around) as served,
    ):
        url, service = served
        await capped(service)
        yield Front(model, service, f"{url}/v1", tmp_path / "home" / "buildwright.db", ahead)
