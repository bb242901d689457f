"""Which secrets this process holds, and the kit of a build that lets none of them through."""

from __future__ import annotations

from dataclasses import replace

from buildwright.core.environment import variables
from buildwright.core.redact import Redactor, known_secrets
from buildwright.core.settings import Settings
from buildwright.services.request import Wish
from buildwright.workflow.kit import Kit
from buildwright.workflow.redacting import RedactedGateway


def redactor_of(settings: Settings) -> Redactor:
    """Return what takes out the keys of the configured models and secrets of the environment."""
    named = {row.key_variable for row in settings.models.values()}
    named |= {row.key_variable for row in settings.providers.values()}
    return Redactor(known_secrets(variables(), named))


def redacted_wish(wish: Wish, redact: Redactor) -> Wish:
    """Return the wish without secrets: its text is stored, shown and sent to models."""
    return replace(wish, text=redact(wish.text), answers=redact.data(dict(wish.answers)))


def redacted_kit(kit: Kit, redact: Redactor) -> Kit:
    """Return the kit whose foreign texts and whose way to a model are redacted."""
    gateway = None if kit.gateway is None else RedactedGateway(kit.gateway, redact)
    return replace(kit, redact=redact, gateway=gateway)
