refuse() { echo "fasttrack: $2"; exit "$1"; }

# What is mounted must be what was asked for: a cluster that gets it wrong says nothing.
mounted=
while read -r _ _ _ root point options _; do
  mounted="$mounted
$point $root $options"
done </proc/self/mountinfo

bound() { # target, end of what is behind it, ro or rw or any
  after=${mounted##*"
$1 "}
  [ "$after" != "$mounted" ] || refuse 97 "refused: nothing is mounted at $1"
  root=${after%% *} after=${after#* }
  case $root in *"$2") ;; *) refuse 97 "refused: at $1 is $root, and not …$2" ;; esac
  case ,${after%%[!a-z0-9,=_-]*}, in *,ro,*) is=ro ;; *) is=rw ;; esac
  [ "$3" = any ] || [ "$3" = "$is" ] || refuse 97 "refused: $1 is $is, and should be $3"
}
ft_check

session=/pipeline/.session outputs=/pipeline/outputs
mkdir "$session/begun" 2>/dev/null || {
  [ ! -d "$session/begun" ] || refuse 98 "refused: this attempt has begun once already"
  refuse 97 "refused: $session cannot be written to"
}
[ ! -e "$session/killed" ] || refuse 97 "refused: it was to end before it began"
moment() { date +%s.%N 2>/dev/null || echo 0; }
began=$(moment)
[ -e /pipeline/output ] || ln -s outputs /pipeline/output 2>/dev/null

cd /home/work || refuse 97 "refused: there is no /home/work"
links ""
[ -z "$FASTTRACK_PYTHONPATH" ] || export PYTHONPATH="$FASTTRACK_PYTHONPATH${PYTHONPATH:+:$PYTHONPATH}"
value() { printf %s "$2" >"/pipeline/inputs/$1"; }
ft_place

# Both streams go to the session's own log and, as they come, to a file that outlives the container.
pipe=/tmp/.fasttrack.$$ copier=
if mkfifo "$pipe" 2>/dev/null && command -v tee >/dev/null; then
  tee "$session/log" <"$pipe" &
  copier=$!
  exec 3>"$pipe"
  rm -f "$pipe"
else
  exec 3>"$session/log"
fi

leader=
! command -v setsid >/dev/null || leader=setsid
$leader /bin/sh -c "$ft_command" >&3 2>&3 3>&- </dev/null &
child=$!
signal() {
  if [ -n "$leader" ]; then kill -s "$1" -- "-$child"; else kill -s "$1" "$child"; fi 2>/dev/null
}
trap 'signal TERM' TERM INT HUP
nap() { # seconds, in a process of its own; who ends that process leaves no sleep behind
  sleep "$1" &
  napping=$!
  trap 'kill "$napping"; exit' TERM
  wait "$napping"
}
watch=
if [ -n "$ft_timeout" ]; then
  (
    trap '' INT HUP
    nap "$ft_timeout"
    echo >"$session/timed-out"
    signal TERM
    nap 10
    signal KILL
  ) >/dev/null 2>&1 3>&- &
  watch=$!
fi
( # whoever cannot reach the session itself tells it so to end
  trap '' INT HUP
  until [ -e "$session/killed" ]; do nap 5; done
  signal TERM
  nap 10
  signal KILL
) >/dev/null 2>&1 3>&- &
ear=$!
while :; do
  wait "$child" 2>/dev/null
  code=$?
  kill -0 "$child" 2>/dev/null || break
done
if [ "$code" -gt 128 ]; then # of a signal to us, perhaps, upon which the command ended at once: ask for its own
  wait "$child" 2>/dev/null
  own=$?
  [ "$own" -eq 127 ] || code=$own # 127: it was told already
fi
ended=$(moment)
trap '' TERM INT HUP
kill "$ear" $watch 2>/dev/null
[ -z "$leader" ] || signal KILL
exec 3>&-
if [ -n "$copier" ]; then
  (
    nap 3
    kill "$copier"
  ) >/dev/null 2>&1 &
  guard=$!
  wait "$copier"
  kill "$guard" 2>/dev/null
fi

inside() { # whether it is there, and no link out of the outputs
  [ -e "$1" ] || return 1
  real=$(readlink -f "$1" 2>/dev/null) || { [ ! -L "$1" ]; return; }
  case $real in "$outputs" | "$outputs"/*) ;; *) return 1 ;; esac
}
tell() { # kind, name, path: a small file as it is, of a large one that it is there
  [ -f "$3" ] && inside "$3" || return 1
  size=$(($(wc -c <"$3")))
  [ "$size" -le 65536 ] || { echo "large $1 $2"; return 0; }
  echo "$1 $size $2"
  cat "$3"
  echo
}
wanted() { # name, path of a declared output
  case $2 in
  .values/*) tell value "$1" "$outputs/$2" || echo "missing $1" ;;
  *) inside "$outputs/$2" || echo "missing $1" ;;
  esac
}
{
  echo "fasttrack-end 1"
  echo "code $code"
  echo "began $began"
  echo "ended $ended"
  [ ! -e "$session/timed-out" ] || echo timeout
  if [ "$code" = 0 ]; then
    ft_wanted
    tell outputs - "$outputs/outputs.json"
    tell artifacts - "$outputs/.artifacts.json"
  else
    tell failure - "$outputs/.failure.json"
  fi
  [ ! -f "$outputs/.metrics.jsonl" ] || echo metrics
  if [ -f "$session/ranks/told" ]; then
    echo "ranks $(($(wc -c <"$session/ranks/told"))) -"
    cat "$session/ranks/told"
    echo
  fi
  echo whole
} >"$session/.end" && mv "$session/.end" "$session/end" || refuse 96 "its end could not be written: is the vfolder full?"
rm -f "$outputs/.progress.json" "$outputs/.failure.json"
exit "$code"
