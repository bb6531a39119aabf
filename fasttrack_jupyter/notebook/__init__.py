"""Cells become tasks: what a notebook says (cells, marks), which names cross tasks (flow), what is sent (build)."""
