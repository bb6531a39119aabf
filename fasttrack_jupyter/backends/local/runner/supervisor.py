"""What leads a session: ``/bin/sh`` with one of these scripts, and where it finds its files."""

from __future__ import annotations

LOCK_FD = 100
"""Where every process of a session holds its lock: far above what scripts use."""
GATE_FD, PID_FD, STATUS_FD = 7, 8, 9

_LEARN_WHO = """\
IFS=' ' read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ft_start _ 2>/dev/null </proc/self/stat || _ft_start=0
"""
_WAIT_AT_GATE = """\
read -r _ <&7 || exit 125
exec 7<&-
"""
_SAY_WHO = """\
trap : 1 2 3 15
until echo "$$ $_ft_start $1 ." >&8; do sleep 1; done 2>/dev/null
"""
_RUN = """\
shift 2
"$@" 8>&- 9>&-
_ft_rc=$?
until echo "$_ft_rc ." >&9; do sleep 1; done 2>/dev/null
exit $_ft_rc
"""
SCRIPT = _LEARN_WHO + _SAY_WHO + _RUN
"""``$1`` is the boot, ``$2`` names the session in ``ps``, the rest is the command.

``trap :`` rather than ``trap ''``: the supervisor outlives the signals that end its command, and the
command's own signals stay as they are. A full disk makes it wait, not begin unsaid or lose the exit code."""
GATED = _LEARN_WHO + _WAIT_AT_GATE + _SAY_WHO + _RUN
"""The same, which waits for the word to begin."""
INIT = "trap : 1 2 3 15\n" + _RUN
"""The same as the first process of a pid namespace: who it is was written by the launcher's child, who knew it."""
