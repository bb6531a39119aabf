"""Random ``kill -9`` of the engine in the middle of loops, groups and conditions: every command runs exactly once.

Every command writes a line when it begins, so that a second run cannot hide; which ones begin at all is written down
here. The seed is printed; ``FASTTRACK_CAMPAIGN_SEED`` repeats one.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLS = 8
LINE = "echo $BACKENDAI_SESSION_ID >> $PIPELINE_VFROOT/lines; sleep 0.0$((RANDOM % 9))"
TEXT = f"""\
name: loops
resources: {{cpu: 0.5, mem: 16m}}
tasks:
- name: prep
  outputs: {{sizes: {{type: list}}}}
  command: |
    {LINE}
    echo '{{"sizes": [1, 2, 3, 4]}}' > "$PIPELINE_OUTPUTS/outputs.json"
- name: sweep
  for_each: {{item: "${{{{ tasks.prep.outputs.sizes }}}}", max_parallel: 2}}
  parameters: {{size: "${{{{ item }}}}"}}
  tasks:
  - name: train
    outputs: {{loss: {{type: int}}}}
    retry: {{max_attempts: 2, delay: 0}}
    command: |
      {LINE}
      test ${{{{ params.size }}}} = 2 && mkdir "$PIPELINE_VFROOT/once-$BACKENDAI_PIPELINE_JOB_ID" && exit 3
      echo '{{"loss": ${{{{ params.size }}}}0}}' > "$PIPELINE_OUTPUTS/outputs.json"
  - name: folds
    dependencies: [train]
    for_each: {{item: [a, b, c]}}
    continue_on_failure: true
    command: |
      {LINE}
      test ${{{{ item }}}} != b
  - name: good
    when: ${{{{ tasks.train.outputs.loss > 20 }}}}
    command: {LINE}
  - name: repair
    dependencies: [folds]
    run_if: any_failed
    command: {LINE}
  outputs: {{loss: {{type: int, from: train.loss}}}}
- name: total
  inputs: {{losses: sweep.loss}}
  command: |
    {LINE}
    test "$(echo ${{{{ inputs.losses }}}} | tr -d ' ')" = "[10,20,30,40]"
- name: nothing
  for_each: {{item: []}}
  command: {LINE}
- name: never
  dependencies: [nothing]
  run_if: any_failed
  tasks: [{{name: x, command: "{LINE}"}}]
- name: clean
  final: true
  tasks: [{{name: a, command: "{LINE}"}}, {{name: b, dependencies: [a], command: "{LINE}"}}]
"""


def right() -> dict[str, tuple[str, str, int]]:
    """``(status, result, attempts)`` of each task instance where nobody dies."""
    ran, failed = ("TERMINATED", "SUCCESS", 1), ("TERMINATED", "FAILURE", 1)
    around, skipped = ("TERMINATED", "SUCCESS", 0), ("SKIPPED", "SUCCESS", 0)
    found = {"prep": ran, "sweep": around, "total": ran, "nothing": around, "never": skipped}
    found |= {"clean": around, "clean/a": ran, "clean/b": ran}
    for i in range(4):
        each = f"sweep[{i}]"
        found |= {each: around, f"{each}/train": ("TERMINATED", "SUCCESS", 2 if i == 1 else 1)}
        found |= {f"{each}/folds": ("TERMINATED", "FAILURE", 0), f"{each}/repair": ran}
        found |= {f"{each}/folds[{fold}]": failed if fold == 1 else ran for fold in range(3)}
        found[f"{each}/good"] = ran if i > 1 else skipped
    return found


def under_fire(place: Any, job: str, dice: random.Random) -> tuple[dict[str, Any], int]:
    """The job once it has ended, and how often the engine died meanwhile."""
    deadline, kills = time.monotonic() + 120, 0
    while True:
        time.sleep(dice.uniform(0.0, 0.3))
        place.kill_engine()
        kills += 1
        if (view := place.client.job(job))["ended_at"]:
            return view, kills
        assert time.monotonic() < deadline, "the job does not end"


@pytest.mark.timeout(300)
def test_an_engine_may_die_in_the_middle_of_loops(new_place: Callable[..., Any]) -> None:
    """Each instance comes out as if nobody had died; each attempt's command has begun once, and no other."""
    seed = int(os.environ.get("FASTTRACK_CAMPAIGN_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"\nFASTTRACK_CAMPAIGN_SEED={seed}")
    place, dice, kills, jobs = new_place(), random.Random(seed), 0, 0
    while kills < KILLS:
        job, died = under_fire(place, place.client.run({"text": TEXT})["id"], dice)
        kills, jobs = kills + died, jobs + 1
        outcomes = {task["path"]: (task["status"], task["result"], task["attempts"]) for task in job["tasks"]}
        assert outcomes == right()
        assert (job["status"], job["result"]) == ("TERMINATED", "SUCCESS")
        lines = (Path(job["folder_path"]) / ".pipeline" / "lines").read_text().splitlines()
        assert Counter(line for line in lines if job["id"] in line) == {
            f"ft-{attempt['id']}": 1 for attempt in place.client.attempts(job["id"])
        }
        paths = [task["path"] for task in job["tasks"]]
        assert len(paths) == len(set(paths))
    print(f"{jobs} jobs, {len(right()) * jobs} task instances, {kills} kills")
