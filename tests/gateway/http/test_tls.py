"""The same client over TLS, against certificates that are good, foreign, for others, or old."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from tests.gateway.http.authority import Authority, make_authority
from tests.gateway.http.pools import pool_to
from tests.gateway.http.scripted_server import Peer, answering, closing, plain, serving

from buildwright.gateway.http import HttpError, HttpPool, Timeouts, parse_origin

LIMIT = 50_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


async def refused(url: str, context: ssl.SSLContext | None) -> HttpError:
    async with pool_to(url, ssl_context=context) as pool:
        with pytest.raises(HttpError) as raised:
            await pool.send("POST", "/", [], b"{}")
        return raised.value


async def test_requests_go_over_one_verified_connection(authority: Authority) -> None:
    names: list[str | None] = []
    context = authority.server("DNS:localhost")
    context.sni_callback = lambda _, name, __: names.append(name)
    async with serving(answering(plain(b"ok")), context=context) as server:
        url = f"https://localhost:{server.port}"
        async with pool_to(url, ssl_context=authority.client()) as pool:
            for _ in range(3):
                assert await (await pool.send("POST", "/", [], b"{}")).read(LIMIT) == b"ok"
            assert (server.accepted, pool.reused_total) == (1, 2)
    assert names == ["localhost"]


async def test_large_bodies_pass_both_ways(authority: Authority) -> None:
    async def handler(peer: Peer) -> None:
        request = await peer.request()
        await peer.send(plain(request.body))
        await peer.gone()

    body = bytes(range(256)) * 20_000
    async with serving(handler, context=authority.server("IP:127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}"
        async with pool_to(url, ssl_context=authority.client()) as pool:
            assert await (await pool.send("POST", "/", [], body)).read(LIMIT) == body
            assert pool.idle == 1


async def test_a_certificate_of_a_foreign_authority_is_refused(authority: Authority) -> None:
    async with serving(answering(), context=authority.server("IP:127.0.0.1")) as server:
        error = await refused(f"https://127.0.0.1:{server.port}", None)
        assert (error.kind, error.sent) == ("tls", False)
        assert "certificate was not accepted" in str(error)


async def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    async with serving(answering(), context=authority.server("DNS:other.example")) as server:
        error = await refused(f"https://127.0.0.1:{server.port}", authority.client())
        assert (error.kind, error.sent) == ("tls", False)
        assert "127.0.0.1" in str(error)


async def test_an_expired_certificate_is_refused(authority: Authority) -> None:
    context = authority.server("IP:127.0.0.1", extra=("-days", "-1"))
    async with serving(answering(), context=context) as server:
        error = await refused(f"https://127.0.0.1:{server.port}", authority.client())
        assert (error.kind, error.sent) == ("tls", False)
        assert "expired" in str(error)


async def test_a_server_without_tls_is_told_apart(authority: Authority) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.read(1)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.gone()

    async with serving(handler) as server:
        error = await refused(f"https://127.0.0.1:{server.port}", authority.client())
        assert (error.kind, error.sent) == ("tls", False)


async def test_a_server_that_hangs_up_in_the_handshake_is_a_tls_error(
    authority: Authority,
) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.read(1)
        peer.reset()

    async with serving(handler) as server:
        error = await refused(f"https://127.0.0.1:{server.port}", authority.client())
        assert (error.kind, error.sent) == ("tls", False)


async def test_a_handshake_that_stalls_is_a_connect_timeout(authority: Authority) -> None:
    async def handler(peer: Peer) -> None:
        await peer.gone()

    async with serving(handler) as server:
        url = f"https://127.0.0.1:{server.port}"
        patience = Timeouts(connect_s=0.05)
        async with pool_to(url, ssl_context=authority.client(), timeouts=patience) as pool:
            with pytest.raises(HttpError) as raised:
                await pool.send("POST", "/", [], b"{}")
            assert (raised.value.kind, raised.value.sent) == ("connect_timeout", False)


async def test_a_cut_over_tls_is_a_cut(authority: Authority) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"
    async with serving(closing(head), context=authority.server("IP:127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}"
        async with pool_to(url, ssl_context=authority.client()) as pool:
            answer = await pool.send("POST", "/", [], b"{}")
            with pytest.raises(HttpError) as raised:
                await answer.read(LIMIT)
            assert (raised.value.kind, raised.value.sent) == ("cut", True)


async def test_cancelled_handshakes_leak_nothing(authority: Authority) -> None:
    context = authority.server("IP:127.0.0.1")
    async with serving(answering(plain(b"ok")), context=context) as server:
        url = f"https://127.0.0.1:{server.port}"
        async with pool_to(url, ssl_context=authority.client()) as pool:
            for turns in range(40):
                task = asyncio.create_task(pool.send("POST", "/", [], b"{}"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            assert await (await pool.send("POST", "/", [], b"{}")).read(LIMIT) == b"ok"


def test_a_pool_is_made_without_reading_the_trust_store() -> None:
    assert HttpPool(parse_origin("https://a.example"))._context is None
