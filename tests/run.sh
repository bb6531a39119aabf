#!/bin/sh
# Sets up a virtual environment in this checkout and passes all tests.
#
#   sh tests/run.sh                      everything, as CI does
#   sh tests/run.sh tests/model -k graph what follows goes to pytest
#
# From any directory; quick the second time. Needs Python 3.11 or later and git. As root on a
# machine with apt, what is missing is installed; without, tests that need it are skipped, and say so.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
. "$root/examples/environment.sh"
cd "$root"

# apt_install PACKAGE…: best effort, only as root, only where there is apt.
apt_install() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 0
    printf 'Installing %s …\n' "$*"
    [ -n "${apt_updated:-}" ] || apt-get update -qq </dev/null >/dev/null 2>&1 || true
    apt_updated=yes
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" </dev/null >/dev/null 2>&1 ||
        printf 'apt-get could not install %s: tests that need it are skipped\n' "$*" >&2
}

has() { command -v "$1" >/dev/null 2>&1; }

python=$(find_python)
if [ -z "$python" ] || ! has_venv "$python"; then apt_install python3 python3-venv; fi
has git || apt_install git
has chromium || has chromium-browser || has google-chrome || apt_install chromium # the tests in a browser
has podman && has busybox || apt_install podman crun runc catatonit busybox-static # sessions in containers

make_environment "$root" test

# All that the tests leave behind goes with this folder. Its name is short: paths of unix sockets may
# have 107 characters.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/ft.XXXXXX")
chmod 711 "$scratch" # some tests are an ordinary user for a while
clean_up() { chmod -R u+rwX "$scratch" 2>/dev/null || true; rm -rf "$scratch"; }
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export TMPDIR="$scratch"
unset PYTHONDONTWRITEBYTECODE # the tests start many interpreters

# pytest SELECTION OPTIONS…: those tests that the marker expression selects, of those that were asked for. pytest's 5
# is "nothing selected", no failure of one part as long as another has something.
check() {
    selection=$1 base=$2
    shift 2
    code=0
    "$root/.venv/bin/python" -m pytest -q -m "$selection" --basetemp "$scratch/$base" "$@" </dev/null || code=$?
    [ "$code" -eq 5 ] || return "$code"
}

# First what measures time or needs the machine for itself. Then two at once, as much of the second is waiting for
# containers: all else, and what needs a real Backend.AI cluster (one test after the other; skipped, with the reason,
# where no cluster can be).
alone=0 together=0 clusters=0
check "serial and not backend_ai" a "$@" || alone=$?
(check "backend_ai" c -rs "$@") >"$scratch/clusters.log" 2>&1 &
on_clusters=$!
check "not serial and not backend_ai" b -n 2 --dist loadfile "$@" || together=$?
wait "$on_clusters" || clusters=$?
printf '\nWith Backend.AI clusters:\n'
cat "$scratch/clusters.log"
for part in "alone:$alone" "at the same time as others:$together" "on Backend.AI clusters:$clusters"; do
    [ "${part##*:}" -eq 0 ] || printf 'Tests that run %s failed, further up.\n' "${part%:*}" >&2
done
exit $((alone ? alone : together ? together : clusters))
