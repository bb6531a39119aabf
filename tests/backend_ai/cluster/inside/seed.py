"""Runs the manager's own commands, one a line with tabs between words, in one interpreter: each start costs seconds.

In the cluster's virtual environment; the manager's configuration is in ``BACKEND_CONFIG_FILE``.
"""

import sys
import time

from ai.backend.manager.cli.__main__ import main

for line in sys.stdin.read().splitlines():
    started = time.monotonic()
    try:
        main(args=line.split("\t"), standalone_mode=False)
    except SystemExit as ended:
        if ended.code not in (0, None):
            raise
    print(f"{time.monotonic() - started:5.1f} s  {line!r}", flush=True)
