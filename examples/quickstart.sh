#!/bin/sh
# Installs FastTrack and JupyterLab into a virtual environment in this checkout and runs the digits example.
#
#   sh examples/quickstart.sh
#
# From any directory; again at any time (the second time it only runs the example).
# PYTHON=/path/to/python3.12 chooses the interpreter; FASTTRACK_HOME another place for jobs and their data.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
example="$root/examples/digits/digits.fasttrack.yaml"
. "$root/examples/environment.sh"

make_environment "$root" lab || exit
bin="$root/.venv/bin"

printf '\nRunning %s\n\n' "$example"
status=0
"$bin/fasttrack" run "$example" || status=$?
[ "$status" -eq 0 ] || { printf '\nThe job did not succeed (exit status %s). See: "%s" show last\n' "$status" "$bin/fasttrack" >&2; exit "$status"; }

"$bin/fasttrack" show last --json | "$bin/python" -c '
import json, sys
from pathlib import Path
job = json.load(sys.stdin)
outputs = {task["path"]: task["outputs"] for task in job["tasks"]}
report = Path(outputs["report"]["report"]["path"])
print(f"""
Job {job["pipeline"]}#{job["index"]} ended in {job["result"]}: {outputs["evaluate"]["best"]} read {outputs["evaluate"]["accuracy"]:.1%} of the digits right.

  The report   {report}
  Beside it    metrics.json and confusion.png
""")'
cat <<EOF
What next:
  "$bin/fasttrack" show last                 the job, task by task
  "$bin/fasttrack" logs last forest          what a task printed
  "$bin/fasttrack" rerun last --from-failed  again, reusing what succeeded
In JupyterLab, draw it, change it, run it and watch it on one canvas:
  "$bin/jupyter" lab "$example"
The same out of a notebook, whose cells are the tasks:
  "$bin/jupyter" lab "${example%.fasttrack.yaml}.ipynb"
EOF
