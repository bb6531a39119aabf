"""Wrong conditions, rules, final tasks and inputs of several: told once, at their place, with the remedy."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.model.reading import read_pipeline

CASES = [
    ("{name: a, command: '${{ ‸tasks.prep.result }}'}", "result-not-here", "run_if"),
    ("{name: a, command: '${{ tasks.prep.result == ‸\"FAILED\" }}', run_if: all_done}", "never-so", "FAILURE"),
    ("{name: a, command: '${{ tasks.prep.result in [\"FAILURE\", ‸\"DONE\"] }}', final: true}", "never-so", "SKIPPED"),
    ("{name: a, command: '${{ ‸job.status }}'}", "job-not-ended", "final: true"),
    ("{name: a, command: x, when: ‸'tasks.prep.outputs.n > 1'}", "bad-condition", "${{ tasks.prep.outputs.n > 1 }}"),
    ("{name: a, command: x, when: ‸''}", "bad-condition", "empty"),
    ("{name: a, command: x, when: ‸true}", "bad-condition", "${{ true }}"),
    ("{name: a, command: x, when: ‸'x ${{ true }}'}", "bad-condition", "leave only ${{ true }}"),
    ("{name: a, command: x, when: '${{ true }} && ‸${{ 1 < 2 }}'}", "bad-condition", "${{ true && 1 < 2 }}"),
    ("{name: a, command: x, when: ‸'${{ tasks.prep.outputs.n }}'}", "bad-condition", "a whole number"),
    ("{name: a, command: x, when: '${{ tasks.prep.outputs.clean ‸> 1 }}'}", "bad-condition", "--value"),
    ("{name: a, command: x, when: '${{ tasks.prep.outputs.n ‸< \"1\" }}'}", "bad-condition", "a text"),
    ("{name: a, command: x, when: ‸'${{ tasks.prep.outputs.clean }}'}", "bad-condition", "path of an artifact"),
    ("{name: a, command: x, when: ‸'${{ job.name || job.id }}'}", "bad-condition", "a text"),
    ("{name: a, command: x, when: '${{ 1 + ‸}}'}", "bad-expression", ""),
    ("{name: a, command: x, when: '${{ ‸secrets.HUB == \"x\" }}'}", "secret-in-condition", "output"),
    ("{name: a, command: x, when: '${{ ‸tasks.perp.outputs.n > 1 }}'}", "unknown-task", "'prep'"),
    ("{name: a, command: x, outputs: {n: int}, when: '${{ ‸tasks.a.outputs.n > 1 }}'}", "self-dependency", ""),
    ("{name: a, command: x, run_if: ‸all_don}", "bad-value", "'all_done'"),
    ("{name: a, command: x, run_if: ‸any_failed}", "run-if-alone", "never runs"),
    ("{name: a, command: x, final: ‸maybe}", "wrong-type", "true or false"),
    ("{name: a, command: x, cache: ‸sometimes}", "wrong-type", "true or false"),
    ("{name: a, command: x, inputs: {i: prep.clean | ‸prep.n}}", "wrong-input-type", "do not go together"),
    ("{name: a, command: x, inputs: {i: prep.n | ‸prep}}", "wrong-input-type", "whole output folder"),
    ("{name: a, command: x, inputs: {i: prep.n | ‸prep.n}}", "duplicate-dependency", ""),
    ("{name: a, command: x, inputs: {i: prep.n | ‸perp.n}}", "unknown-task", "'prep'"),
    ("{name: a, command: x, inputs: {i: prep.n |‸}}", "bad-input", "prep.clean"),
    ("{name: a, command: x, inputs: {i: {from: prep.clean, type: ‸Model}}}", "wrong-input-type", "type: File"),
    ("{name: a, command: x, inputs: {i: {from: prep.n, type: ‸File}}}", "wrong-input-type", "type: int"),
    ("{name: a, command: x, inputs: {i: {from: ‸prep.claen, type: Model}}}", "unknown-output", "'clean'"),
    ("{name: a, command: x, inputs: {i: ‸{type: Model}}}", "missing-key", "add from"),
    ("{name: a, command: x, inputs: {i: ‸[prep.clean]}}", "bad-value", "prep.clean"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "code", "hint"), CASES, ids=[case[0][:70] for case in CASES])
def test_one_wrong_thing_is_one_error_at_its_place(task: str, code: str, hint: str) -> None:
    """No more and no less, at the mark ``‸``, beside a task ``prep`` with outputs; the hint says what to do."""
    head = "name: p\ntasks:\n- {name: prep, command: x, outputs: {clean: File, n: int}}\n"
    problems = read_pipeline(f"{head}- {task.replace('‸', '')}\n").problems
    assert len(problems) == 1, problems
    problem = problems[0]
    assert (problem.code, problem.line, problem.column) == (code, 4, 3 + task.index("‸")), problem
    assert problem.severity is Severity.ERROR
    assert hint in problem.message + problem.hint
