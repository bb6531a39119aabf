"""Serving a model: how a service is, and Backend.AI's model definition."""

from __future__ import annotations

from enum import StrEnum


class ServiceStatus(StrEnum):
    """Where a service is."""

    PROVISIONING = "PROVISIONING"
    """No replica was ever healthy, or it has none (scaled to 0)."""
    HEALTHY = "HEALTHY"
    """As many replicas as wanted are healthy."""
    DEGRADED = "DEGRADED"
    """Some are."""
    UNHEALTHY = "UNHEALTHY"
    """None is any more."""
    DESTROYING = "DESTROYING"
    DESTROYED = "DESTROYED"


ENDPOINT = "endpoint"
"""The output that every deployment task has without declaring it: the service's URL."""
DEFAULT_MOUNT = "/models"
"""Where a service sees its model folder."""
DEFAULT_DEFINITION = "model-definition.yaml"
"""The model definition in the model folder."""
