#!/bin/sh
# Brings up one real, throw-away Backend.AI cluster on the loopback of this machine, for tests:
#
#   sh tests/backend_ai/cluster/up.sh --version 26.9.6 [--dir DIR] [--port-base N] [--python PYTHON]
#       [--accelerator SLOT,…] [--app-proxy] [--pipeline URL] [--cache DIR]       (--help says more)
#
# Needs root, Debian or Ubuntu, and the environment that `sh tests/run.sh` makes in this checkout (another's
# interpreter: PYTHON=…). While the cluster is up it changes nothing and prints the addresses again.
set -eu
tests=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
PYTHONPATH=$tests exec "${PYTHON:-$tests/../.venv/bin/python}" -m backend_ai.cluster.up "$@"
