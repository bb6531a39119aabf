"""Face 1: the Jupyter server extension. It checks who calls, hands calls on to the engine, and keeps the engine up."""
