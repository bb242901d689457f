"""Every model call goes through here."""

from buildwright.gateway.models import Models, ResolvedModel
from buildwright.gateway.opening import open_gateway
from buildwright.gateway.policies import BoundedGateway

__all__ = ["BoundedGateway", "Models", "ResolvedModel", "open_gateway"]
