"""The one HTTP API of the engine process."""
