"""The HTTP door. `/v1/*` is plain ASGI: parse, call the gateway, render."""
