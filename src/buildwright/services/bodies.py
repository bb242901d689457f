"""Checking the body of a model call that did not come through a door of ours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import orjson

from buildwright.core.ledger import Wire
from buildwright.gateway.checking import check_chat, check_common, check_input, unusable
from buildwright.gateway.errors import invalid


def check_body(body: Mapping[str, Any], wire: Wire) -> None:
    """Check a request as the doors do; raises GatewayError 400 that names the field."""
    heat = body.get("temperature")
    if isinstance(heat, float) and not math.isfinite(heat):
        raise unusable("temperature", heat, "a number")
    try:
        # As it will be sent: tuples are lists then, and only what is JSON is left.
        sent: dict[str, Any] = orjson.loads(orjson.dumps(body))
    except TypeError as error:
        raise invalid(f"the request is no JSON: {error}") from error
    check_common(sent)
    if wire == "embeddings":
        check_input(sent)
        if sent["input"] == "":
            raise unusable("input", "", "a text or a list of texts")
    else:
        check_chat(sent)
