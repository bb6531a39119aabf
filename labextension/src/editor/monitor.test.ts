import { describe, expect, it } from 'vitest';

import type { JobView, PlanView, TaskInstanceView } from '../generated';
import {
  causesOf,
  firstFailure,
  instanceOf,
  isUnfinished,
  nodeStates,
  plannedStates,
  progressOf,
  tally
} from './monitor';

function instance(task: string, more: Partial<TaskInstanceView> = {}): TaskInstanceView {
  return {
    path: task,
    task,
    status: 'WAITING',
    result: 'UNDEFINED',
    reason: '',
    attempts: 0,
    exit_code: null,
    started_at: null,
    ended_at: null,
    outputs: {},
    outputs_dir: null,
    resources: {},
    mode: null,
    backend: 'local',
    notes: [],
    dependencies: [],
    expected_seconds: null,
    progress: null,
    kind: 'task',
    parent: null,
    item: null,
    ...more
  };
}

function job(...tasks: TaskInstanceView[]): JobView {
  return {
    id: 'j',
    index: 1,
    pipeline: 'p',
    status: 'RUNNING',
    result: 'UNDEFINED',
    reason: '',
    created_at: '2026-01-01T00:00:00Z',
    tasks
  } as unknown as JobView;
}

const failed = { status: 'TERMINATED', result: 'FAILURE', reason: 'exit 3' } as const;
const start = '2026-01-01T00:00:00Z';
const now = Date.parse(start) + 5_000;

describe('nodeStates', () => {
  it('tells of a loop how far it is, and nothing of its iterations by themselves', () => {
    const ended = { status: 'TERMINATED', result: 'SUCCESS' } as const;
    const inside = { task: 'train[]', parent: 'train' };
    const says = job(
      instance('train', { kind: 'loop', status: 'RUNNING' }),
      instance('train[0]', { ...inside, ...ended }),
      instance('train[1]', { ...inside, ...failed }),
      instance('train[2]', { ...inside, status: 'RUNNING' }),
      instance('train[3]', inside)
    );
    const states = nodeStates(says, now);
    expect([...states.keys()]).toEqual(['train']);
    expect(states.get('train')).toMatchObject({ state: 'running', progress: 0.5, doing: '2/4 · 1 ✕' });
    expect(firstFailure(says)).toBeUndefined();
  });

  it('tells state, status, reason and attempts of each task', () => {
    const states = nodeStates(job(instance('a', { ...failed, attempts: 2 }), instance('b')), now);
    expect(states.get('a')).toMatchObject({
      state: 'failure',
      status: 'TERMINATED',
      reason: 'exit 3',
      attempts: 2
    });
    expect(states.get('b')?.state).toBe('waiting');
  });

  it('lets a card show the loudest of its instances', () => {
    const many = job(
      instance('a', { path: 'a[0]', status: 'TERMINATED', result: 'SUCCESS' }),
      instance('a', { path: 'a[1]', ...failed })
    );
    expect(nodeStates(many, now).get('a')?.state).toBe('failure');
    expect(instanceOf(many, 'a')?.path).toBe('a[1]');
  });

  it('counts cards by state', () => {
    const counts = tally(nodeStates(job(instance('a'), instance('b'), instance('c', failed)), now));
    expect([counts.get('waiting'), counts.get('failure'), counts.get('running')]).toEqual([2, 1, undefined]);
  });
});

describe('the cause of a cascade', () => {
  const cascade = job(
    instance('ok', { status: 'TERMINATED', result: 'SUCCESS' }),
    instance('bad', { ...failed, dependencies: ['ok'] }),
    instance('victim', { status: 'CANCELLED', reason: 'dependency bad failed', dependencies: ['bad'] }),
    instance('later', { status: 'CANCELLED', reason: 'dependency bad failed', dependencies: ['victim'] }),
    instance('alone', failed)
  );

  it('is the failed task that others were cancelled for, not a failure that cost nobody anything', () => {
    expect([...causesOf(cascade)]).toEqual(['bad']);
    expect(nodeStates(cascade, now).get('victim')).toMatchObject({ state: 'cancelled', isCause: false });
  });

  it('comes first when the eye is led to a failure', () => {
    expect(firstFailure(cascade)?.task).toBe('bad');
    expect(firstFailure(job(instance('a')))).toBeUndefined();
  });

  it('is not a task that failed after one of its dependencies did', () => {
    const chain = job(
      instance('a', failed),
      instance('b', { ...failed, dependencies: ['a'] }),
      instance('c', { status: 'CANCELLED', dependencies: ['a', 'b'] })
    );
    expect([...causesOf(chain)]).toEqual(['a']);
  });
});

describe('progressOf', () => {
  const running = instance('a', { status: 'RUNNING', started_at: start, expected_seconds: 10 });

  it('is elapsed over expected, and never whole before the end', () => {
    expect(progressOf(running, now)).toBeCloseTo(0.5);
    expect(progressOf(running, now + 3_600_000)).toBe(0.99);
  });

  it('is what the task says itself, before any estimate', () => {
    const says = { ...running, progress: { fraction: 0.1, text: 'cell 1 of 10' } };
    expect(progressOf(says, now)).toBe(0.1);
    expect(progressOf({ ...says, progress: { fraction: 1, text: '' } }, now)).toBe(0.99);
    expect(progressOf({ ...says, progress: { fraction: null, text: 'loading' } }, now)).toBeCloseTo(0.5);
    expect(nodeStates(job(says), now).get('a')?.doing).toBe('10 % · cell 1 of 10');
  });

  it('is unknown where earlier jobs taught nothing, before the start and after the end', () => {
    expect(progressOf({ ...running, expected_seconds: null }, now)).toBeUndefined();
    expect(progressOf({ ...running, started_at: null }, now)).toBeUndefined();
    expect(progressOf({ ...running, ...failed }, now)).toBeUndefined();
  });
});

it('knows a job that can still change', () => {
  expect(isUnfinished({ status: 'PENDING' })).toBe(true);
  expect(isUnfinished({ status: 'CANCELLED' })).toBe(false);
});

describe('plannedStates', () => {
  it('shows each decision of a plan as the state it leads to, with its words', () => {
    const task = (name: string, decision: string, reason: string) => ({
      path: name,
      task: name,
      decision,
      reason
    });
    const plan = {
      tasks: [
        task('a', 'will run', 'changed'),
        task('b', 'reused', ''),
        task('c', 'skipped', ''),
        task('d', 'refused', '')
      ]
    } as unknown as PlanView;
    const words = { 'will run': 'will run', reused: 'reused', skipped: 'skipped', refused: 'refused' };
    const states = plannedStates(plan, words);
    expect([...states.values()].map(each => each.state)).toEqual(['waiting', 'reused', 'skipped', 'failure']);
    expect(states.get('a')?.reason).toBe('will run · changed');
    expect(states.get('b')?.reason).toBe('reused');
  });
});
