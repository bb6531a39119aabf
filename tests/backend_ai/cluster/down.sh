#!/bin/sh
# Ends the cluster that up.sh started in DIR, by its recorded process ids only:
#
#   sh tests/backend_ai/cluster/down.sh --dir DIR [--purge | --wipe]
#
# --purge also deletes its state (databases, volumes, containers) and keeps its programs; --wipe deletes DIR.
set -eu
tests=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
PYTHONPATH=$tests exec "${PYTHON:-$tests/../.venv/bin/python}" -m backend_ai.cluster.down "$@"
