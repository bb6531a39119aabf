"""What runs beside the engine with the bare standard library: the launcher and what it starts."""
