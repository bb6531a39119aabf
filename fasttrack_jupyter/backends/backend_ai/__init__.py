"""Sessions and folders on a Backend.AI cluster, over its HTTP API."""
