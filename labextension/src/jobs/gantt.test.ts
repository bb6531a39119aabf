import { describe, expect, it } from 'vitest';

import type { JobView, TaskInstanceView } from '../generated';
import { ganttOf } from './gantt';

const BEGIN = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number): string => new Date(BEGIN + seconds * 1000).toISOString();
const task = (path: string, from: number | null, to: number | null): TaskInstanceView =>
  ({
    path,
    status: to !== null ? 'TERMINATED' : from !== null ? 'RUNNING' : 'WAITING',
    result: to !== null ? 'SUCCESS' : 'UNDEFINED',
    reason: '',
    dependencies: path === 'late' ? ['a'] : [],
    started_at: from === null ? null : at(from),
    ended_at: to === null ? null : at(to)
  }) as TaskInstanceView;
const job = (tasks: TaskInstanceView[], end: number | null): JobView =>
  ({ created_at: at(0), started_at: at(0), ended_at: end === null ? null : at(end), tasks }) as JobView;

describe('a timeline', () => {
  it('gives each task its share', () => {
    const { rows, seconds } = ganttOf(job([task('a', 0, 5), task('b', 5, 10)], 10), BEGIN);
    expect(seconds).toBe(10);
    expect(rows.map(({ path, from, to }) => [path, from, to])).toEqual([
      ['a', 0, 0.5],
      ['b', 0.5, 1]
    ]);
  });

  it('goes on to this moment while the job runs', () => {
    const { rows, seconds } = ganttOf(job([task('a', 0, null)], null), BEGIN + 20_000);
    expect(seconds).toBe(20);
    expect(rows[0]).toMatchObject({ to: 1, seconds: 20, state: 'running' });
  });

  it('has those that wait at its foot', () => {
    const { rows } = ganttOf(job([task('w', null, null), task('a', 1, 2)], null), BEGIN + 3000);
    expect(rows.map(row => row.path)).toEqual(['a', 'w']);
    expect(rows[1].from).toBeNull();
  });

  it('shows since when a task waits for its turn, from the end of what it depends on', () => {
    const tasks = [task('a', 0, 4), task('late', 6, 8), task('w', null, null)];
    const { rows } = ganttOf(job(tasks, null), BEGIN + 10_000);
    expect(rows.map(({ path, ready }) => [path, ready])).toEqual([
      ['a', null],
      ['late', 0.4],
      ['w', 0]
    ]);
  });

  it.each([0.5, 7, 100, 4000, 90_000, 5_000_000])('of %s s has few and round marks', seconds => {
    const { ticks } = ganttOf(job([task('a', 0, seconds)], seconds), BEGIN);
    expect(ticks.length).toBeLessThanOrEqual(11);
    expect(ticks.length).toBeGreaterThanOrEqual(2);
    expect(ticks[0].at).toBe(0);
  });
});
