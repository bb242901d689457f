"""An HTTP/1.1 server for ASGI applications: what `/v1/*` needs and nothing else (ADR 0018)."""

from buildwright.web.http1.accepting import Accepting
from buildwright.web.http1.connection import Connection
from buildwright.web.http1.state import Patience, State

__all__ = ["Accepting", "Connection", "Patience", "State"]
