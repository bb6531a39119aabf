import { nullTranslator } from '@jupyterlab/translation';
import { expect, it } from 'vitest';

import type { JobComparison, JobSummary } from '../generated';
import { bestOf, csvOf, namesOf, nextGoal, sectionsOf, shownRows } from './compare_model';

const trans = nullTranslator.load('');
const job = (index: number, more: Partial<JobSummary> = {}): JobSummary =>
  ({
    id: `j${index}`,
    index,
    pipeline: 'digits',
    name: '',
    status: 'TERMINATED',
    result: 'SUCCESS',
    reason: '',
    tags: [],
    note: '',
    ...more
  }) as JobSummary;
const FOUND = {
  jobs: [job(1), job(2)],
  seconds: [3.25, null],
  parameters: [
    { name: 'lr', values: [0.1, 0.2], differs: true },
    { name: 'seed', values: [7, 7], differs: false }
  ],
  metrics: [
    {
      task: 'train',
      name: 'loss',
      source: 'metric',
      values: [0.5, 0.25],
      differs: true,
      goal: 'min',
      best: [1]
    },
    {
      task: 'train',
      name: 'odd',
      source: 'output',
      values: ['NaN', 'a "b", c'],
      differs: true,
      goal: null,
      best: []
    }
  ],
  tasks: [
    {
      path: 'train',
      cells: [
        { status: 'TERMINATED', result: 'SUCCESS', reason: '', seconds: 2, attempts: 2, peak_mem: 1 << 20 },
        null
      ]
    }
  ],
  classifications: [
    { task: 'train', output: 'q', slice: 'young', matrices: [], curves: [{ area: 0.75 }, null] }
  ],
  left_out: []
} as unknown as JobComparison;

it('rows that differ are shown, all where that is wanted, those with a word where one is looked for', () => {
  const sections = sectionsOf(FOUND, new Map(), trans);
  const names = (isAll: boolean, query = ''): string[] =>
    sections.flatMap(section => shownRows(section, isAll, query).map(({ name }) => name));
  expect(names(false)).toEqual(['Took', 'lr', 'loss', 'odd', 'train']);
  expect(names(true)).toContain('seed');
  expect(names(false, 'TRAIN lo')).toEqual(['loss']);
});

it('the best value is the server’s, unless a person says what is better', () => {
  const best = (goals: [string, 'max' | null][]): readonly number[] =>
    sectionsOf(FOUND, new Map(goals), trans)[2].rows[0].best;
  expect(best([])).toEqual([1]);
  expect(best([['metric train loss', 'max']])).toEqual([0]);
  expect(best([['metric train loss', null]])).toEqual([]);
  expect(bestOf([1, 1, 'NaN', null], 'max')).toEqual([]);
  expect([nextGoal(null), nextGoal('max'), nextGoal('min')]).toEqual(['max', 'min', null]);
});

it('CSV is as the command writes it', () => {
  expect(csvOf(FOUND).split('\n')).toEqual([
    'kind,task,name,digits#1,digits#2',
    'job,,result,SUCCESS,SUCCESS',
    'job,,seconds,3.25,',
    'parameter,,lr,0.1,0.2',
    'parameter,,seed,7,7',
    'metric,train,loss,0.5,0.25',
    'output,train,odd,NaN,"a ""b"", c"',
    'task,train,result,SUCCESS,',
    'task,train,seconds,2,',
    'task,train,attempts,2,',
    'task,train,peak_mem,1048576,',
    'roc area,train,q young,0.75,',
    ''
  ]);
});

it('jobs are called by their numbers, with the pipeline where there are several, and by their own names', () => {
  expect(namesOf([job(1), job(2, { name: 'deep' })])).toEqual(['#1', '#2 deep']);
  expect(namesOf([job(1), job(2, { pipeline: 'other' })])).toEqual(['digits#1', 'other#2']);
});
