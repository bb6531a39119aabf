"""Adapters: where sessions run."""
