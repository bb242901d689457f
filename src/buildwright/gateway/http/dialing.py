"""Opening a connection: name, TCP, TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import cache

from buildwright.gateway.http.connection import Connection
from buildwright.gateway.http.errors import HttpError, Kind
from buildwright.gateway.http.origin import Origin


@cache
def default_context() -> ssl.SSLContext:
    """The system's trust store, host names checked; made once, for it costs about 10 ms."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(origin: Origin, connection: Connection, context: ssl.SSLContext | None) -> None:
    """Connect `connection`; raises HttpError (dns, connect or tls) with `sent` False."""
    secure = origin.scheme == "https"
    if secure and context is None:
        context = await asyncio.to_thread(default_context)
    try:
        await asyncio.get_running_loop().create_connection(
            lambda: connection,
            origin.host,
            origin.port,
            ssl=context if secure else None,
            server_hostname=origin.host if secure else None,
        )
    except OSError as error:
        kind = _kind(error, secure=secure)
        raise HttpError(kind, f"{origin}: {_reason(error)}", sent=False) from error


def _kind(error: OSError, *, secure: bool) -> Kind:
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, (ssl.SSLError, ssl.CertificateError)):
        return "tls"
    # Refused comes from TCP; a peer that hangs up after accepting does so within the handshake.
    if secure and isinstance(error, (ConnectionResetError, ConnectionAbortedError)):
        return "tls"
    return "connect"


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate was not accepted: {error.verify_message or error.reason}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or type(error).__name__}"
    if isinstance(error, socket.gaierror):
        return "its name could not be resolved"
    return error.strerror or str(error) or type(error).__name__
