"""FastTrack for Jupyter: pipelines for people who live in notebooks."""

__version__ = "0.1.0"
