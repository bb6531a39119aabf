"""``python -m fasttrack_jupyter.cli``."""

from fasttrack_jupyter.cli import main

main()
