#!/usr/bin/python3 -I
"""runc, with the limits that a container asks for lowered to those of this machine (see stores.py)."""

import json
import os
import resource
import sys
from pathlib import Path

arguments = sys.argv[1:]
if "create" in arguments and "--bundle" in arguments:
    path = Path(arguments[arguments.index("--bundle") + 1]) / "config.json"
    config = json.loads(path.read_text())
    for limit in config["process"].get("rlimits") or []:
        top = resource.getrlimit(getattr(resource, limit["type"]))[1]
        if top != resource.RLIM_INFINITY:
            limit["hard"], limit["soft"] = min(limit["hard"], top), min(limit["soft"], top)
    path.write_text(json.dumps(config))
os.execv("/usr/sbin/runc", ["runc", *arguments])
