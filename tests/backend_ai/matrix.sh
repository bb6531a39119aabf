#!/bin/sh
# The tests that use a Backend.AI cluster, on one release after the other, and a table of what came of it:
#
#   sh tests/backend_ai/matrix.sh                        the five releases; half an hour or more
#   sh tests/backend_ai/matrix.sh 25.15.12 26.9.6 -- -k mounts
#   sh tests/backend_ai/matrix.sh 26.9.6 -- --backend-ai-faults --backend-ai-services      also what takes minutes each
#
# Needs what one cluster needs (see cluster/up.sh), and Python 3.11, 3.12 and 3.13. What each run said is kept.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
python=${PYTHON:-$root/.venv/bin/python}

releases=
while [ $# -gt 0 ] && [ "$1" != -- ]; do releases="$releases $1"; shift; done
[ $# -eq 0 ] || shift
: "${releases:=23.9.10 24.9.6 25.15.12 26.4.16 26.9.6}"

said=$(mktemp -d "${TMPDIR:-/tmp}/ftmatrix.XXXXXX")
failed=0
cd "$root"
for release in $releases; do
    printf '%s …\n' "$release"
    "$python" -m pytest -q -rs -m backend_ai --backend-ai "$release" "$@" tests/backend_ai </dev/null >"$said/$release.log" 2>&1 ||
        failed=1
done
printf '\n%-10s  %s\n' release 'what came of it'
for release in $releases; do printf '%-10s  %s\n' "$release" "$(tail -n 1 "$said/$release.log")"; done
printf '\n(all of it: %s)\n' "$said"
exit "$failed"
