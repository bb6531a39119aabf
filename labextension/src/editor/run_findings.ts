/**
 * What the server said about a text or a plan, as problems at their places. Pure.
 */
import { ApiError } from '../api';
import type { PlanView, Problem as ServerProblem } from '../generated';
import type { Graph, Problem } from './graph';

/** A server's problem at its place in `text`. */
export function placed(problem: ServerProblem, text: string, graph: Graph): Problem {
  const from = offsetOf(text, problem.line, problem.column);
  return {
    code: problem.code,
    message: problem.message,
    hint: problem.hint,
    severity: problem.severity,
    from,
    to: endOfLine(text, from),
    line: problem.line,
    column: problem.column,
    task: taskAt(graph, from, problem.line),
    path: problem.path
  };
}

/** The problems that an error of `plan`, `jobs` or `rerun` carries; empty where it is about no place. */
export function problemsOf(error: unknown, text: string, graph: Graph): Problem[] {
  if (!(error instanceof ApiError)) {
    return [];
  }
  if (error.code === 'invalid_pipeline') {
    return ((error.details.problems ?? []) as ServerProblem[]).map(each => placed(each, text, graph));
  }
  if (error.code === 'refused') {
    const tasks = (error.details.tasks ?? {}) as Record<string, string>;
    return Object.entries(tasks).map(([name, reason]) => refusal(name, reason, text, graph));
  }
  return [];
}

/** The problems of a plan: its refused tasks, then its warnings and notices. */
export function planProblems(plan: PlanView, text: string, graph: Graph): Problem[] {
  const refused = plan.tasks.filter(each => each.decision === 'refused');
  return [
    ...refused.map(each => refusal(each.task, each.reason, text, graph)),
    ...plan.problems.map(each => placed(each, text, graph))
  ];
}

/** The offset of a line and column from 1 (columns in code points, as the server counts); 0 where unknown. */
export function offsetOf(text: string, line: number, column: number): number {
  if (line < 1) {
    return 0;
  }
  let start = 0;
  for (let number = 1; number < line; number++) {
    const end = text.indexOf('\n', start);
    if (end < 0) {
      return text.length;
    }
    start = end + 1;
  }
  const before = Array.from(text.slice(start, endOfLine(text, start))).slice(0, Math.max(0, column - 1));
  return start + before.join('').length;
}

function refusal(name: string, reason: string, text: string, graph: Graph): Problem {
  const task = graph.tasks.find(each => each.name === name);
  const from = task?.from ?? 0;
  return {
    code: 'refused',
    message: task ? reason : `${name}: ${reason}`,
    hint: '',
    severity: 'error',
    from,
    to: task ? endOfLine(text, from) : 0,
    line: task ? lineOf(text, from) : 0,
    column: 1,
    task: task?.name,
    path: []
  };
}

function taskAt(graph: Graph, offset: number, line: number): string | undefined {
  return line > 0 ? graph.tasks.find(each => each.from <= offset && offset < each.to)?.name : undefined;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end < 0 ? text.length : end;
}

function lineOf(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
  }
  return line;
}
