"""Whole builds of the smallest project there is, on a home that the session shares."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests.conftest import IN_CI

from buildwright.app import App, open_app
from buildwright.core.errors import SandboxUnavailableError
from buildwright.core.events import Event, Listener
from buildwright.core.settings import load_settings

TEMPLATES = Path(__file__).parents[1] / "data" / "templates"
TEXT = "A command line tool that keeps books with title, author and year"
Open = Callable[..., AbstractAsyncContextManager[App]]


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.getbasetemp().parent / "buildwright-test-environments"


@pytest.fixture
def home(tmp_path: Path, environments: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    environments.mkdir(exist_ok=True)
    (home / "environments").symlink_to(environments)
    return home


@pytest.fixture
def opened(home: Path) -> Open:
    @asynccontextmanager
    async def opening(*listeners: Listener, **flags: object) -> AsyncIterator[App]:
        given = {"home": home, "templates": (TEMPLATES,), **flags}
        async with open_app(load_settings(given), listeners=listeners) as app:
            yield app

    return opening


@pytest.fixture
def seen() -> list[Event]:
    return []


@pytest.fixture(scope="session", autouse=True)
def _needs_a_sandbox() -> None:
    import asyncio

    from buildwright.sandbox import open_sandbox

    try:
        asyncio.run(open_sandbox())
    except SandboxUnavailableError as error:
        if IN_CI:
            pytest.fail(str(error))
        pytest.skip(str(error))
