"""What the programs of tasks import: files that travel with a pipeline's code and know nothing of the rest of us."""
