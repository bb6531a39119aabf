import { describe, expect, it } from 'vitest';

import { ApiError } from '../api';
import type { PlanView } from '../generated';
import type { Graph } from './graph';
import { offsetOf, planProblems, problemsOf } from './run_findings';

const text = 'name: p\ntasks:\n- name: 😀a\n  command: x\n- name: b\n';
const start = (word: string) => text.indexOf(word);
const task = (name: string, from: number, to: number) => ({ name, from, to }) as Graph['tasks'][number];
const graph: Graph = {
  name: 'p',
  description: '',
  remarks: [],
  tasks: [task('a', start('- name: 😀a'), start('- name: b')), task('b', start('- name: b'), text.length)]
};

describe('offsetOf', () => {
  it('counts lines and columns from 1, and columns in characters as people see them', () => {
    expect(offsetOf(text, 1, 1)).toBe(0);
    expect(offsetOf(text, 3, 10)).toBe(start('😀') + 2);
    expect(offsetOf(text, 4, 3)).toBe(start('command'));
  });

  it('stays within the text whatever it is asked', () => {
    expect(offsetOf(text, 0, 0)).toBe(0);
    expect(offsetOf(text, 99, 9)).toBe(text.length);
    expect(offsetOf(text, 1, 99)).toBe(7);
  });
});

it('puts the reasons of refused tasks onto their cards', () => {
  const error = new ApiError(422, 'refused', 'no', 'do this', { tasks: { b: 'needs 900 cpu', gone: 'x' } });
  const found = problemsOf(error, text, graph);
  expect(found[0]).toMatchObject({ task: 'b', line: 5, severity: 'error', message: 'needs 900 cpu' });
  expect(found[1]).toMatchObject({ task: undefined, message: 'gone: x' });
});

it('places what an invalid pipeline carries', () => {
  const problems = [
    { code: 'x', message: 'm', path: [], line: 4, column: 3, value: 1, hint: '', severity: 'error' }
  ];
  const found = problemsOf(new ApiError(422, 'invalid_pipeline', 'no', '', { problems }), text, graph);
  expect(found[0]).toMatchObject({ task: 'a', from: start('command') });
});

it('finds no place in errors that are about none', () => {
  expect(problemsOf(new ApiError(0, 'unreachable', 'no'), text, graph)).toEqual([]);
  expect(problemsOf(new Error('no'), text, graph)).toEqual([]);
});

it('lists refusals of a plan before its notices', () => {
  const plan = {
    tasks: [
      { task: 'a', decision: 'will run', reason: '' },
      { task: 'b', decision: 'refused', reason: 'no image' }
    ],
    problems: [{ code: 'n', message: 'm', path: [], line: 0, column: 0, hint: '', severity: 'notice' }]
  } as unknown as PlanView;
  expect(planProblems(plan, text, graph).map(each => each.severity)).toEqual(['error', 'notice']);
});
