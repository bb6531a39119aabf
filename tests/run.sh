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
cluster_tests=
clean_up() {
    [ -z "$cluster_tests" ] || { kill "$cluster_tests" && wait "$cluster_tests"; } 2>/dev/null || true # takes them down
    chmod -R u+rwX "$scratch" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export TMPDIR="$scratch"
unset PYTHONDONTWRITEBYTECODE # the tests start many interpreters

# Browsers first: while containers come and go the machine's network changes, and Chromium then breaks off whatever it
# is fetching. Then two things at once, as much of the second is waiting for containers: all other tests, and those
# that need a real Backend.AI cluster (two at once, as they wait most of the time; skipped, with the reason, where no
# cluster can be). What is asked for by arguments runs in one part, its clusters afterwards.
run_two() {
    "$root/.venv/bin/python" -m pytest -q -m "not backend_ai" -n 2 --dist loadfile --no-loadscope-reorder "$@" </dev/null
}
# In the background only: what is ended there must be pytest itself, which takes its clusters down.
run_clusters() {
    exec "$root/.venv/bin/python" -m pytest -q -rs -m backend_ai -n 2 --dist loadgroup \
        --no-loadscope-reorder --basetemp "$scratch/c" "$@" \
        </dev/null >"$scratch/clusters.log" 2>&1
}

browsers=0 together=0 clusters=0
if [ $# -eq 0 ]; then
    run_two --basetemp "$scratch/a" tests/ui tests/examples || browsers=$?
    run_clusters tests/backend_ai &
    cluster_tests=$!
    run_two --basetemp "$scratch/b" --ignore=tests/ui --ignore=tests/examples || together=$?
else
    browsers=5
    run_two --basetemp "$scratch/b" "$@" || together=$?
    run_clusters "$@" &
    cluster_tests=$!
fi
wait "$cluster_tests" || clusters=$?
cluster_tests=
printf '\nWith real Backend.AI clusters:\n'
cat "$scratch/clusters.log"

# pytest's 5 is "nothing selected": no failure of one part as long as another has something.
status=0
for part in "$browsers in browsers" "$together here" "$clusters on clusters"; do
    case $part in
        "0 "* | "5 "*) ;;
        *) printf 'Tests that run %s failed, further up.\n' "${part#* }" >&2; status=1 ;;
    esac
done
[ "$browsers$together$clusters" != 555 ] || status=5
exit "$status"
