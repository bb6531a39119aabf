import { describe, expect, it } from 'vitest';

import { ApiError } from '../api';
import type { PlanView, Problem } from '../generated';
import { findingOf, findingsOf, planFindings } from './findings';

const TASKS = [
  { name: 'prepare', cells: ['cell 2'] },
  { name: 'train', cells: ['cell 5', 'cell 6'] }
];

function problem(message: string, path: (string | number)[] = []): Problem {
  return { code: 'x', message, path, line: 0, column: 0, value: null, hint: 'do this', severity: 'error' };
}

describe('a problem', () => {
  it('is at the cell and the line that its words name', () => {
    expect(findingOf(problem('cell 5, line 2: no'))).toMatchObject({ cell: 4, line: 2, hint: 'do this' });
    expect(findingOf(problem('cell 5: no'))).toMatchObject({ cell: 4, line: null });
  });

  it('is at the task’s first cell where its path leads to a task', () => {
    expect(findingOf(problem('too much', ['tasks', 1, 'resources']), TASKS)).toMatchObject({ cell: 4 });
  });

  it('may be about no cell', () => {
    expect(findingOf(problem('no', ['tasks', 9]), TASKS)).toMatchObject({ cell: null, line: null });
  });
});

describe('an error', () => {
  it('carries problems, refused tasks, or itself', () => {
    const invalid = new ApiError(422, 'invalid_notebook', 'm', '', { problems: [problem('cell 1: no')] });
    expect(findingsOf(invalid)).toMatchObject([{ cell: 0 }]);
    const refused = new ApiError(422, 'refused', 'm', '', { tasks: { train: 'too large' } });
    expect(findingsOf(refused, TASKS)).toMatchObject([{ message: 'train: too large', cell: 4 }]);
    expect(findingsOf(new ApiError(0, 'unreachable', 'gone', 'look'))).toMatchObject([
      { message: 'gone', hint: 'look', cell: null }
    ]);
    expect(findingsOf(new Error('odd'))).toMatchObject([{ message: 'odd', severity: 'error' }]);
  });
});

it('a plan tells refused tasks at their cells', () => {
  const plan = {
    tasks: [
      { task: 'prepare', decision: 'will run', reason: '' },
      { task: 'train', decision: 'refused', reason: 'no GPU' }
    ],
    problems: []
  } as unknown as PlanView;
  expect(planFindings(plan, TASKS)).toMatchObject([{ message: 'train: no GPU', cell: 4 }]);
});
