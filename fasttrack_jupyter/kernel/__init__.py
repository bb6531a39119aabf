"""The notebook's face: magics, jobs in hand, results brought back. A client of the engine process, as every face."""
