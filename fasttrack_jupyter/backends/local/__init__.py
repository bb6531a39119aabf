"""Sessions on this machine."""
