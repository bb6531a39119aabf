# Sourced by examples/quickstart.sh and tests/run.sh: a virtual environment in this checkout, with FastTrack in it.

# The first Python that is new enough: $PYTHON, or what PATH has. Empty if there is none.
find_python() {
    [ -z "${PYTHON:-}" ] || set -- "$PYTHON"
    [ -n "${PYTHON:-}" ] || set -- python3 python3.13 python3.12 python3.11 python3.14 python
    for candidate; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
}

# Whether Python "$1" can make a virtual environment with pip in it (Debian splits that off).
has_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

complain() {
    printf '%s\n' "$@" >&2
    return 1
}

# make_environment ROOT EXTRAS: ROOT/.venv with the checkout installed in it. Does nothing when it
# is there already and neither pyproject.toml nor the JupyterLab extension has changed since. EXTRAS is "" or,
# say, "test".
make_environment() {
    venv=$1/.venv
    stamp=$venv/installed-for
    python=$(find_python)
    [ -n "$python" ] || complain "FastTrack needs Python 3.11 or later, and none was found." \
        "Install one (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python)," \
        "or say where it is: PYTHON=/path/to/python3.12 sh $0" || return
    wanted=$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:16])' \
        "$1/pyproject.toml")-$("$python" "$1/labextension/sources.py")
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        case $(cat "$stamp" 2>/dev/null) in
            "$wanted [$2] $1" | "$wanted [test] $1") return 0 ;;
            *" $1") ;;
            *) new_environment "$python" "$venv" || return ;; # half made, or made elsewhere and moved here
        esac
    else
        new_environment "$python" "$venv" || return
    fi
    printf 'Installing FastTrack into %s (this takes two minutes the first time) …\n' "$venv"
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --retries 5 \
        --editable "$1${2:+[$2]}" </dev/null >"$venv/install.log" 2>&1; then
        cat "$venv/install.log" >&2
        complain "pip could not install FastTrack: see above. The same command tries again."
        return
    fi
    printf '%s [%s] %s\n' "$wanted" "$2" "$1" >"$stamp"
}

new_environment() {
    has_venv "$1" || complain "$1 cannot make a virtual environment: its modules venv and ensurepip (pip) are missing." \
        "Install them (Debian, Ubuntu: apt install python3-venv), or choose another: PYTHON=/path/to/python3.12 sh $0" || return
    rm -rf "$2"
    "$1" -m venv "$2" || complain "$1 could not make a virtual environment in $2."
}
