import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { EventView, JobView } from '../generated';
import { foldJob, foldSummary } from './reduce';
import { anEvent, aJob, aTask } from './fixtures/values';

interface Fixture {
  before: JobView;
  events: EventView[];
  after: JobView;
}

const FOLDER = join(import.meta.dirname, 'fixtures');
const FIXTURES = readdirSync(FOLDER).filter(name => name.endsWith('.json'));

function read(name: string): Fixture {
  return JSON.parse(readFileSync(join(FOLDER, name), 'utf-8')) as Fixture;
}

/** What JobView alone tells is no matter of events. */
function told(job: JobView): unknown {
  const tasks = job.tasks.map(task => {
    const isWaiting = task.status === 'WAITING' || task.status === 'PENDING';
    const reason = isWaiting ? '' : task.reason;
    return { ...task, reason, outputs: Object.keys(task.outputs), outputs_dir: null, expected_seconds: null };
  });
  return { ...job, tasks, outputs: Object.keys(job.outputs).sort(), expected_seconds: null, seq: 0 };
}

describe('events folded into a job', () => {
  it.each(FIXTURES)('give what the engine shows itself: %s', name => {
    const { before, events, after } = read(name);
    const folded = foldJob(before, events);
    expect(folded.isStale).toBe(false);
    expect(told(folded.job)).toEqual(told(after));
  });

  it('are passed over where the job shows them already, or where they are about another job', () => {
    const job = aJob({ seq: 5 });
    expect(foldJob(job, [anEvent({ seq: 5 }), anEvent({ seq: 6, job_id: 'other' })]).job).toBe(job);
  });

  it('change a task instance and leave the others the very same', () => {
    const job = aJob({ tasks: [aTask({ path: 'a' }), aTask({ path: 'b' })] });
    const folded = foldJob(job, [anEvent({ path: 'a', status: 'RUNNING', attempt: 1, started_at: 'T' })]).job;
    expect(folded.tasks[0]).toMatchObject({ status: 'RUNNING', attempts: 1, started_at: 'T' });
    expect(folded.tasks[1]).toBe(job.tasks[1]);
    expect(job.tasks[0].status).toBe('WAITING');
  });

  it('forget the reason and the exit code of the attempt before', () => {
    const job = aJob({ tasks: [aTask({ path: 'a', attempts: 1, reason: 'exit 3', exit_code: 3 })] });
    const folded = foldJob(job, [anEvent({ path: 'a', status: 'PENDING', attempt: 2 })]).job;
    expect(folded.tasks[0]).toMatchObject({ attempts: 2, reason: '', exit_code: null });
  });

  it('keep a reason within the same attempt, and take an empty one for one', () => {
    const job = aJob({ tasks: [aTask({ path: 'a', attempts: 1, reason: 'slow' })] });
    const kept = foldJob(job, [anEvent({ path: 'a', attempt: 1, reason: null })]).job;
    expect(kept.tasks[0].reason).toBe('slow');
    expect(foldJob(job, [anEvent({ path: 'a', attempt: 1, reason: '' })]).job.tasks[0].reason).toBe('');
  });

  it('bring outputs to the task and to the job, and add up notes once each', () => {
    const job = aJob({ tasks: [aTask({ path: 'a', notes: ['shrunk'] })] });
    const data = { outputs: { accuracy: 0.9 }, notes: ['shrunk', 'warm'] };
    const folded = foldJob(job, [anEvent({ path: 'a', status: 'TERMINATED', result: 'SUCCESS', data })]).job;
    expect(folded.tasks[0].notes).toEqual(['shrunk', 'warm']);
    expect(folded.outputs).toEqual({ a: { accuracy: 0.9 } });
  });

  it('tell how far a task is, as long as it runs', () => {
    const progress = { fraction: 0.4, text: 'cell 2 of 5' };
    const running = anEvent({ path: 'a', attempt: 1, status: 'RUNNING', data: { progress } });
    const job = foldJob(aJob({ tasks: [aTask({ path: 'a' })] }), [running]).job;
    expect(job.tasks[0].progress).toEqual(progress);
    const noted = foldJob(job, [anEvent({ seq: 2, path: 'a', attempt: 1, status: 'RUNNING' })]).job;
    expect(noted.tasks[0].progress).toEqual(progress);
    for (const status of ['WAITING', 'TERMINATED', 'TERMINATING', 'CANCELLED']) {
      const ended = foldJob(job, [anEvent({ seq: 2, path: 'a', attempt: 1, status })]).job;
      expect(ended.tasks[0].progress).toBeNull();
    }
  });

  it('are stale about a task instance that is not known', () => {
    expect(foldJob(aJob({}), [anEvent({ path: 'new[3]' })]).isStale).toBe(true);
  });

  it('are stale where iterations came to be, which the view cannot have', () => {
    const job = aJob({ tasks: [aTask({ path: 'sweep', kind: 'loop' })] });
    const added = anEvent({ path: 'sweep', type: 'TaskInstancesAdded', data: { iterations: 3 } });
    const folded = foldJob(job, [added]);
    expect(folded.isStale).toBe(true);
    expect(folded.job.tasks[0].status).toBe('RUNNING');
  });

  it('end a job once: what began and ended keeps its first times', () => {
    const ended = foldSummary(
      aJob({ started_at: 'first' }),
      anEvent({ status: 'TERMINATED', started_at: 'second', ended_at: 'end' })
    );
    expect(ended).toMatchObject({ started_at: 'first', ended_at: 'end', status: 'TERMINATED' });
  });

  it('change a priority without touching anything else', () => {
    expect(foldSummary(aJob({}), anEvent({ status: 'RUNNING', data: { priority: 7 } })).priority).toBe(7);
  });

  it('bring the name, tags and note that somebody gave the job, and leave those that he did not', () => {
    const job = aJob({ name: 'old', tags: ['x'], note: 'kept' });
    const event = anEvent({ type: 'JobAnnotated', data: { name: '', tags: ['a', 'b'] } });
    expect(foldSummary(job, event)).toMatchObject({ name: '', tags: ['a', 'b'], note: 'kept' });
  });

  it('a thousand tasks with three events each take no time that a person sees', () => {
    const job = aJob({ tasks: Array.from({ length: 1000 }, (_, at) => aTask({ path: `t${at}` })) });
    const events = Array.from({ length: 3000 }, (_, at) =>
      anEvent({ seq: at + 1, path: `t${at % 1000}`, status: 'RUNNING' })
    );
    const begun = performance.now();
    expect(foldJob(job, events).job.tasks.every(task => task.status === 'RUNNING')).toBe(true);
    expect(performance.now() - begun).toBeLessThan(200);
  });
});
