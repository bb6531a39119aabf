"""The one seam to the system's process table: ``/proc`` and pidfds on Linux, psutil elsewhere.

Both sides have the same functions with the same contracts; which one it is does not change while a program runs.
``FASTTRACK_LOCAL_PROCESSES=psutil`` chooses psutil on Linux too, which is how the tests see what other systems get.

What psutil cannot do: a signal may reach a process that got the number within the same microseconds; the lock of a
process is known by its path only; a beginning is known to a hundredth of a second.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "linux" and os.environ.get("FASTTRACK_LOCAL_PROCESSES") != "psutil":
    from fasttrack_jupyter.backends.local.system_linux import (
        age_of,
        claims_of,
        end_of,
        image_of,
        is_leader,
        may_lead,
        process_table,
        read_process,
        send_signal,
        start_of,
    )
else:
    from fasttrack_jupyter.backends.local.system_psutil import (
        age_of,
        claims_of,
        end_of,
        image_of,
        is_leader,
        may_lead,
        process_table,
        read_process,
        send_signal,
        start_of,
    )

__all__ = [
    "age_of", "claims_of", "end_of", "image_of", "is_leader", "may_lead", "process_table", "read_process",
    "send_signal", "start_of",
]  # fmt: skip
