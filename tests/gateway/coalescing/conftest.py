"""A gateway for clients of one stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.gateway.coalescing.joining import Shared, opened


@pytest.fixture(params=[False, True], ids=["cancelled", "let go"])
async def it(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shared]:
    """For clients that may be cancelled at any moment, and for those of a door."""
    async with opened(tmp_path, lets_go=request.param) as shared:
        yield shared
