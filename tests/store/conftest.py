"""An empty ledger of each kind; the schema is made once and copied."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.store.ledger_samples import Now, ledger_of, made_database

from buildwright.core.ledger import Ledger


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_database(tmp_path_factory.mktemp("ledger") / "empty.db")


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(
    request: pytest.FixtureRequest, template: Path, tmp_path: Path, now: Now
) -> AsyncIterator[Ledger]:
    async with ledger_of(request.param, template, tmp_path, now) as ledger:
        yield ledger
