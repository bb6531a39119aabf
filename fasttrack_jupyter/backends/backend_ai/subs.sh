# What a container beside main1 does with its ranks: the cluster runs the command of a batch session on main1 alone, and
# this on each as it comes up. It must not be waited for: a container is ready only when this has ended.
session=/pipeline/.session
if [ "$1" != go ]; then
  if [ "$BACKENDAI_CLUSTER_ROLE" != main ]; then
    leader=
    ! command -v setsid >/dev/null || leader=setsid
    $leader /bin/sh "$0" go </dev/null >/dev/null 2>&1 &
  else
    rm -f /home/work/bootstrap.sh
  fi
  exit 0
fi
cd /home/work || exit
rm -f bootstrap.sh
mkdir "$session/begun.$BACKENDAI_CLUSTER_HOST" || exit
links ""
ft_executables
[ -z "$FASTTRACK_PYTHONPATH" ] || export PYTHONPATH="$FASTTRACK_PYTHONPATH${PYTHONPATH:+:$PYTHONPATH}"
waited=0
until [ -d "$session/begun" ]; do # main1 makes the inputs, which are the same folder, whole
  [ "$waited" -lt "$ft_within" ] || exit
  sleep 1
  waited=$((waited + 1))
done
eval "$ft_command"
