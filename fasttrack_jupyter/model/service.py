"""What a deployment task serves, as its file says it; what a model definition says is in ``serving``."""

from __future__ import annotations

from pydantic import Field

from fasttrack_jupyter.model.base import Model, between
from fasttrack_jupyter.model.quantities import Count, Text

DEFAULT_MOUNT = "/models"
"""Where a service sees its model folder."""
DEFAULT_DEFINITION = "model-definition.yaml"
"""The model definition in the model folder."""


class Service(Model):
    """What a deployment task serves."""

    name: Text = Field(description="Unique in its resource group; 24 characters at most")
    model: Text = Field(
        description="Name of the model folder (a vfolder), or a version of a registered model: digits@latest",
        examples=["my-model-folder", "digits@latest", "digits@3", "digits@production"],
    )
    model_mount_destination: Text = Field(default="", description="Where the model folder is mounted; /models if empty")
    model_definition_path: Text | None = Field(
        default=None, description="The model definition, relative to the mount", examples=["model-definition.yaml"]
    )
    runtime_variant: Text = Field(default="custom", description="Kind of model server", examples=["custom", "vllm"])
    replicas: Count = Field(default=1, **between(0, 1_000_000), description="How many sessions serve it")
    open_to_public: bool = Field(default=False, description="Whether it answers without a token")
    ephemeral: bool = Field(default=False, description="Whether it ends with the pipeline job")
    max_surge: Count | None = Field(
        default=None, **between(0, 1_000_000), description="Extra sessions while a new version rolls out"
    )
    max_unavailable: Count | None = Field(
        default=None, **between(0, 1_000_000), description="Sessions that may be missing meanwhile"
    )
