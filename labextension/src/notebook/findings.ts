/** What building, planning or a job said about a notebook, at its cells. Pure. */
import { ApiError } from '../api';
import type { NotebookPipeline, PlanView, Problem } from '../generated';

/** One thing found. */
export interface Finding {
  severity: 'error' | 'warning' | 'notice';
  message: string;
  hint: string;
  /** The cell's index among all cells of the notebook, from 0; null where it is about no cell. */
  cell: number | null;
  /** The line within the cell, from 1; null where it is about the whole cell. */
  line: number | null;
}

type Tasks = NotebookPipeline['tasks'];

const PLACE = /\bcell (\d+)(?:, line (\d+))?/;

/** A problem at the cell that its words name, else at the task that its path leads to. */
export function findingOf(problem: Problem, tasks: Tasks = []): Finding {
  const { severity, message, hint } = problem;
  const [head, index] = problem.path;
  const ofTask = head === 'tasks' && typeof index === 'number' ? tasks[index]?.cells[0] : undefined;
  return { severity, message, hint, ...placeOf(message, ofTask) };
}

/** What an error carries: the problems of a notebook, refused tasks, or else the error itself. */
export function findingsOf(error: unknown, tasks: Tasks = []): Finding[] {
  if (error instanceof ApiError) {
    const problems = error.details.problems;
    if (Array.isArray(problems) && problems.length > 0) {
      return (problems as Problem[]).map(each => findingOf(each, tasks));
    }
    if (error.code === 'refused') {
      return Object.entries((error.details.tasks ?? {}) as Record<string, string>).map(([name, reason]) =>
        refusal(name, reason, tasks)
      );
    }
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = error instanceof ApiError ? error.hint : '';
  return [{ severity: 'error', message, hint, ...placeOf(message) }];
}

/** What a plan says: its refused tasks, then its problems. */
export function planFindings(plan: PlanView, tasks: Tasks): Finding[] {
  const refused = plan.tasks.filter(each => each.decision === 'refused');
  return [
    ...refused.map(each => refusal(each.task, each.reason, tasks)),
    ...plan.problems.map(each => findingOf(each, tasks))
  ];
}

function refusal(name: string, reason: string, tasks: Tasks): Finding {
  const label = tasks.find(each => each.name === name)?.cells[0];
  return { severity: 'error', message: `${name}: ${reason}`, hint: '', ...placeOf('', label) };
}

function placeOf(message: string, label: string = ''): { cell: number | null; line: number | null } {
  const found = PLACE.exec(message) ?? PLACE.exec(label);
  return { cell: found ? Number(found[1]) - 1 : null, line: found?.[2] ? Number(found[2]) : null };
}
