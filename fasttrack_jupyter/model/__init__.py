"""What things are: values and pure functions. Nothing here does I/O."""
